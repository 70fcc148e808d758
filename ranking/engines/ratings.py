"""Labels and marks as flat arrays: what `dawid_skene` and `rasch` are fitted on, as `Evidence` is for ballots.

Rating n says that rater `raters[rater[n]]` put item `items[item[n]]` into category `categories[value[n]]`, under
criterion `criteria[criterion[n]]` where there are criteria. Categories are in order where order matters (marks from
the lowest up). An item may be rated by the same rater more than once, each time counting for itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines.errors import EvidenceError


@dataclass(frozen=True, eq=False, slots=True)
class Ratings:
    """N ratings as read-only arrays. Raises `EvidenceError` naming the first rating (from 0) that is wrong.

    items, raters, criteria, categories   names, also of those that no rating mentions; one criterion "" for none
    item, rater, criterion, value         int64[N], indices into them
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    criteria: tuple[str, ...]
    categories: tuple[str, ...]
    item: NDArray[np.int64]
    rater: NDArray[np.int64]
    criterion: NDArray[np.int64]
    value: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.item)
        for name, names in (("item", self.items), ("rater", self.raters), ("criterion", self.criteria),
                            ("value", self.categories)):  # fmt: skip
            column = getattr(self, name)
            if column.shape != (count,):
                raise EvidenceError(f"{name} has shape {column.shape} for {count} ratings")
            wrong = np.flatnonzero((column < 0) | (column >= len(names)))
            if wrong.size:
                raise EvidenceError(f"rating {wrong[0]}: {name} {column[wrong[0]]} with {len(names)} names")
            if len(set(names)) < len(names):
                raise EvidenceError(f"{name} holds the same name twice")
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.item)

    @classmethod
    def from_arrays(
        cls,
        items: Sequence[str],
        raters: Sequence[str],
        categories: Sequence[str],
        item: ArrayLike,
        rater: ArrayLike,
        value: ArrayLike,
        *,
        criteria: Sequence[str] = ("",),
        criterion: ArrayLike | None = None,
    ) -> Ratings:
        """Ratings from names and index columns. Arrays are copied."""
        columns = [_whole(item, "item"), _whole(rater, "rater"), _whole(value, "value")]
        of = np.zeros(len(columns[0]), np.int64) if criterion is None else _whole(criterion, "criterion")
        return cls(
            tuple(items), tuple(raters), tuple(criteria), tuple(categories), columns[0], columns[1], of, columns[2]
        )

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[Hashable, ...]], categories: Sequence[Hashable] | None = None) -> Ratings:
        """Ratings from (item, rater, value) or (item, rater, criterion, value), named by `str`.

        `categories` gives their order and those never used; without it they are the sorted values that occur.
        """
        listed = [(*row[:2], "", row[2]) if len(row) == 3 else tuple(row) for row in rows]
        for number, row in enumerate(listed):
            if len(row) != 4:
                raise EvidenceError(
                    f"rating {number}: {len(row)} entries; item, rater, value or with a criterion before it"
                )
            if row[3] is None or row[3] != row[3]:  # not a number is not itself
                raise EvidenceError(f"rating {number}: {row[3]} is no category; leave out what was not rated")
        known = sorted({row[3] for row in listed}, key=_in_order) if categories is None else list(categories)
        names = [list(dict.fromkeys(row[place] for row in listed)) for place in range(3)]
        places = [{name: number for number, name in enumerate(column)} for column in (*names, known)]
        for number, row in enumerate(listed):
            if row[3] not in places[3]:
                raise EvidenceError(f"rating {number}: unknown category {row[3]!r}")
        item, rater, criterion, value = (
            np.array([places[column][row[column]] for row in listed], np.int64) for column in range(4)
        )
        items, raters, criteria, order = (tuple(map(str, column)) for column in (*names[:2], names[2] or [""], known))
        return cls(items, raters, criteria, order, item, rater, criterion, value)


def _in_order(value: Hashable) -> tuple[bool, float, str]:
    """Numbers by size, before everything else by name."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))


def _whole(values: ArrayLike, name: str) -> NDArray[np.int64]:
    result = np.array(values)
    if result.size and result.dtype.kind not in "iu":
        raise EvidenceError(f"{name} must be whole numbers, not {result.dtype}")
    return result.astype(np.int64)
