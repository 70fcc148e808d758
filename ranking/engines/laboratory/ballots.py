"""Ballots: what impressions become on paper. Ranks as `evidence` has them: 1 is best, -1 last, 0 not observed.

rank         all in order
pair         the same for two
best         the best, nothing about the rest
best-worst   the best and the worst
ties         all in order, but neighbours whose impressions are within `threshold` share a place; chains of such
             neighbours are one tie. For two contestants and Plackett-Luce voters that is Rao and Kupper's model,
             P(a above b) = 1 / (1 + exp(threshold - u_a + u_b))
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ranking.engines.evidence import UNKNOWN
from ranking.engines.laboratory import loops
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ranks

FORMS = ("rank", "pair", "best", "best-worst", "ties")
COMPLETE = ("rank", "pair", "ties")  # leave no order unknown
MOST = 8


@dataclass(frozen=True)
class Form:
    """What voters are asked: `size` contestants a battle, threshold in logits of impression."""

    name: str = "rank"
    size: int = 4
    threshold: float = 0.3

    def __post_init__(self) -> None:
        if self.name not in FORMS:
            raise LaboratoryError(f"the ballot must be {', '.join(FORMS)}, not {self.name!r}")
        if not 2 <= self.size <= MOST:
            raise LaboratoryError(f"a battle has 2 to {MOST} contestants, not {self.size}")
        if self.name == "pair" and self.size != 2:
            raise LaboratoryError(f"a pair has two contestants, not {self.size}; ask for rank instead")
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise LaboratoryError(f"the tie threshold must be 0 or above, not {self.threshold}")

    def ranks(self, impressions: Floats) -> Ranks:
        """The ranks of those shown, in the order of `impressions`."""
        if self.name in ("rank", "pair"):
            return np.asarray(loops.ranked(impressions))
        order = np.argsort(-impressions, kind="stable")
        found = np.full(len(impressions), UNKNOWN, np.int32)
        if self.name in ("best", "best-worst"):
            if self.name == "best-worst":
                found[order[-1]] = -1
            found[order[0]] = 1
        else:
            falls = -np.diff(impressions[order]) > self.threshold
            found[order] = np.concatenate([[1], 1 + np.cumsum(falls)])
        return found
