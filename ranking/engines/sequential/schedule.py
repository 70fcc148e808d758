"""In which order ballots count, and what every sequential engine says about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence

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
    """`value`, if it is a number above (or, with `zero`, at least) 0; else a `FitError` that names it."""
    if not (np.isfinite(value) and (value > 0 or (zero and value == 0))):
        raise FitError(f"{name} must be a number {'of at least' if zero else 'above'} 0, not {value}")
    return float(value)
