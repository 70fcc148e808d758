"""Ratings grouped into cells: how often each rater gave each item each category under each criterion.

Grouping is exact, and makes the fit blind to the order of the ratings. A million ratings of 200 items by 500 raters are
at most 100,000 cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines.errors import FitError
from ranking.engines.fields import MAX_WEIGHT, MIN_WEIGHT
from ranking.engines.ratings import Ratings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """N cells of M items, C criteria (0 where there is only one), R raters and K categories.

    item, criterion, rater   int64[N]; criterion -1 without criteria
    counts                   float64[N, K], weights of the ratings
    """

    items: int
    criteria: int
    raters: int
    item: Integers
    criterion: Integers
    rater: Integers
    counts: Floats

    @property
    def categories(self) -> int:
        return int(self.counts.shape[1])

    @property
    def columns(self) -> tuple[Integers, Integers, Integers, Floats]:
        """What every kernel begins with."""
        return self.item, self.criterion, self.rater, self.counts


def group(ratings: Ratings, weight: ArrayLike | None = None) -> Cells:
    """The cells. Raises `FitError` for weights that are not one number within the range of weights for each rating."""
    weights = checked_weights(weight, len(ratings))
    several = len(ratings.criteria) > 1
    criteria = len(ratings.criteria) if several else 1
    code = ratings.rater * len(ratings.items) + ratings.item  # below 2^63 for any arrays that fit into memory
    code = code * criteria + (ratings.criterion if several else 0)
    distinct, cell = np.unique(code, return_inverse=True)
    categories = len(ratings.categories)
    counts = np.bincount(cell * categories + ratings.value, weights, minlength=len(distinct) * categories)
    rest, criterion = np.divmod(distinct, criteria)
    rater, item = np.divmod(rest, max(len(ratings.items), 1))
    return Cells(
        len(ratings.items), criteria if several else 0, len(ratings.raters),
        item, criterion if several else np.full(len(distinct), -1), rater, counts.reshape(-1, categories).astype(float),
    )  # fmt: skip


def checked_weights(weight: ArrayLike | None, count: int) -> Floats:
    if weight is None:
        return np.ones(count)
    weights = np.array(weight)
    if weights.dtype.kind not in "fiu" or weights.shape != (count,):
        raise FitError(f"weight must be {count} numbers, one for each rating")
    wrong = np.flatnonzero(~((weights >= MIN_WEIGHT) & (weights <= MAX_WEIGHT)))
    if wrong.size:
        raise FitError(
            f"rating {wrong[0]}: weight {weights[wrong[0]]} is not a number from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}"
        )
    return weights.astype(np.float64)
