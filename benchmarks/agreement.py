"""How far the scores of one engine lie from those of another, or from the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

POINTS_PER_LOGIT = 400 / math.log(10)


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau of the two orders, and the root mean square of their differences in logits, both centred."""

    tau: float
    distance: float


def agreement(scores: Sequence[float], scale: str, other: Sequence[float], other_scale: str = "logits") -> Agreement:
    """Of `scores` with `other`, both (M). Where either scale is its "own", `scores` are first laid on the other by
    least squares, which needs different scores; an "own" scale of `other` leaves the distance in its units."""
    theirs, ours = logits(scores, scale), logits(other, other_scale)
    if "own" in (scale, other_scale):
        slope = float(theirs @ ours / (theirs @ theirs))
        theirs = slope * theirs
    tau = float(kendalltau(theirs, ours)[0])
    return Agreement(tau, float(np.sqrt(np.mean((theirs - ours) ** 2))))


def logits(scores: Sequence[float], scale: str) -> np.ndarray:
    """Centred at zero. Raises `KeyError` for a scale that is none."""
    found = np.asarray(scores, dtype=np.float64)
    turned = {
        "logits": lambda: found,
        "odds": lambda: np.log(found),
        "elo": lambda: found / POINTS_PER_LOGIT,
        "own": lambda: found,
    }[scale]()
    return turned - turned.mean()
