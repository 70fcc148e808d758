"""The same battles judged again by voters who follow the fitted model: for parametric bootstraps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.engines.evidence import UNKNOWN, Evidence

Floats = NDArray[np.float64]


def redrawn(evidence: Evidence, eta: Floats, rng: np.random.Generator) -> Evidence:
    """Ballots on the same sets with the same pattern of ranks, ties and unknowns; who gets which is drawn again.

    `eta` (S) is the log-strength at each slot, `theta[evidence.slots]` for the plain model. The order of a set is that
    of eta + Gumbel noise, which is Plackett-Luce; then the best gets the ballot's best rank, and so on. Ties stay as
    many as they were: the model says nothing about how often people tie.
    """
    if not len(evidence):
        return evidence
    utility = eta + rng.gumbel(size=len(evidence.slots))
    wide = evidence.ranks.astype(np.int64)
    keys = np.where(wide > 0, wide, np.where(wide == UNKNOWN, 1 << 40, (1 << 41) + wide))
    ranks = np.empty_like(evidence.ranks)
    ranks[_ordered(evidence, -utility)] = evidence.ranks[_ordered(evidence, keys)]
    return replace(evidence, ranks=ranks)


def _ordered(evidence: Evidence, keys: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of all slots, ballot after ballot, within each by ascending key."""
    sizes = np.diff(evidence.offsets)
    if (sizes == sizes[0]).all():
        rows = keys.reshape(-1, sizes[0]).argsort(axis=1, kind="stable")
        return np.asarray((rows + evidence.offsets[:-1, None]).ravel())
    return np.lexsort((keys, np.repeat(np.arange(len(evidence)), sizes)))
