"""In which order ballots count, and what every sequential engine says about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.ranges import POINTS, between

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_STEPS = 1e8  # updates: some ten seconds; a weight is a number of repetitions
DEPENDENCE = "ballots count one after the other in the order given; another order gives other ratings"


def schedule(evidence: Evidence) -> tuple[Indices, Floats]:
    """Ballots that rank something in the order given, weight w as whole repetitions and a fraction.

    Raises `FitError` when there is no such ballot, or too many repetitions.
    """
    ranked = np.flatnonzero(evidence.informative())
    if not len(ranked):
        bad = int(evidence.all_bad.sum())
        raise FitError(
            f"there is nothing to update ratings with; of {len(evidence)} ballots {bad} say all bad"
            f" and {len(evidence) - bad} rank nothing"
        )
    weight = evidence.weight[ranked]
    if weight.sum() > MOST_STEPS:
        raise FitError(f"the weights add up to {weight.sum():g} repetitions, more than {MOST_STEPS:g}")
    copies = np.ceil(weight).astype(np.int64)
    amount = np.ones(copies.sum())
    amount[np.cumsum(copies) - 1] = weight - (copies - 1)
    return np.repeat(ranked, copies), amount


def checked(name: str, value: float, *, zero: bool = False) -> float:
    """`value`, if it is a number of points that makes sense (or, with `zero`, 0); else a `FitError` that names it."""
    return 0.0 if zero and value == 0 else between(name, value, POINTS)
