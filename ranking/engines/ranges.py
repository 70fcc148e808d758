"""Ranges of the numbers that a caller may choose: wider than any use, narrow enough for double precision."""

from __future__ import annotations

import math
from numbers import Real

from ranking.engines.errors import FitError

PRIOR_SD = (1e-6, 1e6)  # logits; beyond, its square and the information of the ballots have no digits in common
POINTS = (1e-6, 1e6)  # standard deviations and steps of the sequential engines


def between(name: str, value: object, limits: tuple[float, float]) -> float:
    """`value`, if it is a number within the limits; else a `FitError` that names it."""
    low, high = limits
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not low <= number <= high:
        raise FitError(f"{name} must be a number from {low:g} to {high:g}, not {value}")
    return number


def prior_sd(value: object) -> float | None:
    """The standard deviation of a prior in logits; None, if it is to be learned."""
    return None if value is None else between("the prior standard deviation", value, PRIOR_SD)
