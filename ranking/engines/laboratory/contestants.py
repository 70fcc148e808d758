"""Contestants with known strengths: the truth that a trial tries to find.

Shapes, with the spread s in logits:

    equal      evenly spaced, so that their standard deviation is s
    normal     theta_i ~ N(0, s^2)
    clusters   theta_i ~ N(c_g, (s / 10)^2) with c_g ~ N(0, s^2): `clusters` groups that are hard to tell apart inside

The last `newcomers` contestants are as strong as any, but enter after `joins` ballots. Which index is how strong is
random in every shape, so an order that merely follows the index is worth nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Bools, Floats

SHAPES = ("normal", "equal", "clusters")
CLUSTER_WIDTH = 0.1  # of the spread
MOST = 1000
MOST_SPREAD = 100.0  # logits; 10 is certainty already


@dataclass(frozen=True)
class Field:
    """How contestants are drawn. `joins` counts ballots before the newcomers enter."""

    shape: str = "normal"
    count: int = 50
    spread: float = 1.0
    clusters: int = 5
    newcomers: int = 0
    joins: int = 0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise LaboratoryError(f"contestants must be {', '.join(SHAPES)}, not {self.shape!r}")
        if not 2 <= self.count <= MOST:
            raise LaboratoryError(f"there must be 2 to {MOST} contestants, not {self.count}")
        if not 0 < self.spread <= MOST_SPREAD:
            raise LaboratoryError(f"the spread must be above 0 and at most {MOST_SPREAD:g} logits, not {self.spread}")
        if self.shape == "clusters" and not 1 <= self.clusters <= self.count:
            raise LaboratoryError(f"clusters must be 1 to {self.count}, as many as contestants, not {self.clusters}")
        if not 0 <= self.newcomers < self.count:
            raise LaboratoryError(f"newcomers must be 0 to {self.count - 1}, fewer than all, not {self.newcomers}")
        if self.joins < 0:
            raise LaboratoryError(f"newcomers join after 0 ballots or more, not {self.joins}")


def strengths(field: Field, rng: np.random.Generator) -> Floats:
    """theta, (n,), in logits."""
    count, spread = field.count, field.spread
    if field.shape == "equal":
        steps = np.arange(count) - (count - 1) / 2
        return np.asarray(spread / math.sqrt((count**2 - 1) / 12) * rng.permutation(steps))
    if field.shape == "clusters":
        centres = rng.normal(0, spread, field.clusters)
        groups = rng.permutation(np.arange(count) % field.clusters)
        return np.asarray(centres[groups] + rng.normal(0, CLUSTER_WIDTH * spread, count))
    return rng.normal(0, spread, count)


def newcomers(field: Field) -> Bools:
    """Who enters late, (n,)."""
    return np.arange(field.count) >= field.count - field.newcomers
