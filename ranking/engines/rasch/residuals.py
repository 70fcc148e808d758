"""Infit and outfit: do the ratings of an element vary as much as the model says?

With residual y = x - E x, variance W and fourth central moment C of each rating at the estimates, over the n ratings of
an element (Wright and Masters 1982, chapter 5):

    outfit = sum y^2 / W / n,          q^2 = sum C / W^2 / n^2 - 1 / n
    infit  = sum y^2 / sum W,          q^2 = sum (C - W^2) / (sum W)^2
    z      = (mean square^(1/3) - 1) 3 / q + q / 3          (Wilson and Hilferty 1931)

Both are about 1 where the model holds, above it for ratings more erratic and below it for ratings more predictable than
it says. Outfit is moved by single surprises far out, infit by those near the element's own level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.rasch import kernels
from ranking.engines.rasch.cells import Cells

Floats = NDArray[np.float64]
LEAST_SPREAD = 1e-6  # of q; a mean square that cannot vary (say of coin throws at even odds) is as expected
MOST_SPREAD = math.sqrt(2)  # of q; 2 / q^2 are the degrees of freedom, and below one the transformation misleads


@dataclass(frozen=True, eq=False, slots=True)
class Misfit:
    """float64[n] each, read-only; nan for elements without ratings that could vary. With many, z is about normal."""

    infit: Floats
    infit_z: Floats
    outfit: Floats
    outfit_z: Floats

    def __post_init__(self) -> None:
        for values in (self.infit, self.infit_z, self.outfit, self.outfit_z):
            values.flags.writeable = False


def cell_sums(cells: Cells, rows: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    """float64[N, 6], see `kernels.residuals`."""
    sums = np.zeros((len(cells.item), 6))
    kernels.residuals(*cells.columns, *rows, sums)
    return sums


def misfit(sums: Floats, of: NDArray[np.int64], count: int) -> Misfit:
    """For the element `of` each cell, of `count` elements."""
    weight, missed, expected, squares, kurtosis, excess = (
        np.bincount(of, column, minlength=count) for column in sums.T
    )
    rated = expected > 0
    weight, expected = (np.where(rated, column, np.nan) for column in (weight, expected))
    infit, outfit = missed / expected, squares / weight
    infit_z = _standardised(infit, excess / expected**2)
    outfit_z = _standardised(outfit, kurtosis / weight**2 - 1 / weight)
    return Misfit(infit, infit_z, outfit, outfit_z)


def _standardised(mean_square: Floats, variance: Floats) -> Floats:
    spread = np.minimum(np.sqrt(np.maximum(variance, 0.0)), MOST_SPREAD)
    fixed = spread < LEAST_SPREAD
    wide = np.where(fixed, 1.0, spread)
    result: Floats = np.where(fixed, 0.0, (np.cbrt(mean_square) - 1) * 3 / wide + wide / 3)
    return result
