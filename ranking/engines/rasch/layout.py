"""Where each parameter stands, and the two sets of coordinates.

The kernels know rows of steps; the solver knows what has a prior of its own. An element with steps of its own has the
row delta 1 + Q w: a difficulty (or severity) delta that moves all its steps alike, and deviations from the common
steps that sum to zero, with coordinates w in an orthonormal basis Q. Everything else is the same in both.

Flat vectors hold the core (items, common steps, criteria), then the raters. D numbers in all, d of them in the core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.rasch.cells import Cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STEPS, ITEMS, RATERS, CRITERIA, DEVIATIONS = range(5)  # groups of parameters that share a prior


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """M items, J steps, C criteria with `wide` columns each, R raters with `tall`."""

    items: int
    steps: int
    criteria: int
    raters: int
    wide: int
    tall: int

    @classmethod
    def of(cls, cells: Cells, thresholds: str) -> Layout:
        steps = cells.categories - 1
        wide, tall = (steps if thresholds == facet else 1 for facet in ("criterion", "rater"))
        return cls(cells.items, steps, cells.criteria, cells.raters, wide, tall)

    @property
    def core(self) -> int:
        return self.items + self.steps + self.criteria * self.wide

    @property
    def size(self) -> int:
        return self.core + self.raters * self.tall

    @property
    def groups(self) -> Integers:
        """int64[D], which prior each parameter has."""
        return np.concatenate(
            [
                np.full(self.items, ITEMS),
                np.full(self.steps, STEPS),
                np.tile([CRITERIA] + [DEVIATIONS] * (self.wide - 1), self.criteria),
                np.tile([RATERS] + [DEVIATIONS] * (self.tall - 1), self.raters),
            ]
        )

    def split(self, flat: Floats) -> tuple[Floats, Floats]:
        """The core [d, ...], and raters [R, w, ...]."""
        return flat[: self.core], flat[self.core :].reshape(self.raters, self.tall, *flat.shape[1:])

    def join(self, core: Floats, raters: Floats) -> Floats:
        return np.concatenate([core, raters.reshape(self.raters * self.tall, *core.shape[1:])])

    def rows(self, flat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Items [M], common steps [J], and the rows of criteria [C, wide] and raters [R, tall], for the kernels."""
        core, raters = self.split(flat)
        items, common = core[: self.items], core[self.items : self.items + self.steps]
        criteria = core[self.items + self.steps :].reshape(self.criteria, self.wide)
        return items, common, criteria @ basis(self.wide).T, raters @ basis(self.tall).T

    def criterion_columns(self, values: Floats, matrix: Floats) -> Floats:
        """`values` [..., d] with each criterion's columns multiplied by `matrix`."""
        if self.wide == 1:
            return values
        first = self.items + self.steps
        moved = values[..., first:].reshape(*values.shape[:-1], self.criteria, self.wide) @ matrix
        return np.concatenate([values[..., :first], moved.reshape(*values.shape[:-1], -1)], axis=-1)

    def both_sides(self, square: Floats, matrix: Floats) -> Floats:
        """`square` [d, d] with the criteria's columns and rows multiplied by `matrix`."""
        return self.criterion_columns(self.criterion_columns(square, matrix).T, matrix).T


def basis(width: int) -> Floats:
    """float64[w, w]: ones, then an orthonormal basis Q of what sums to zero (Helmert's); [[1]] for a width of one."""
    columns = np.ones((width, width))
    for column in range(1, width):
        columns[:, column] = 0
        columns[:column, column] = 1
        columns[column, column] = -column
        columns[:, column] /= np.sqrt(column * (column + 1))
    return columns
