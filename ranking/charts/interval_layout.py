"""Where everything in an interval plot goes: columns, row height, the axis. Pixels, and ratings on the Elo scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ranking.charts.figures import rank_range, rating
from ranking.charts.interval_row import FIELD_AVERAGE, IntervalRow
from ranking.charts.names import isolated, printable, shortened, text_width

NARROWEST = 280
ROOM_FOR_FIGURES = 480  # below this width the column of figures gives way to the plot; the tooltips keep the figures
GAP = 16
TALLEST_ROW, LOWEST_ROW, USUAL_HEIGHT = 32, 14, 1040
FREQUENT_RULES = 22  # rows at least this high get a hairline each, lower ones one for every five
LEAST_TICK_DISTANCE = 46  # pixels; a label of four figures and some air
LEAST_SPAN = 40.0  # ratings; an axis of less would magnify noise
EDGE = 0.04  # of the span, kept free at both ends
# Newcomers' intervals may be many times as wide as everybody else's. Above this ratio they run off the plot, with an
# arrow, instead of squeezing the others into dots.
WIDEST_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Layout:
    width: int
    row_height: int
    font_size: int
    radius: float
    left: int  # of the plotting area; ranks and names stand before it
    right: int  # width of the figures after it
    name_left: int
    labels: tuple[str, ...]  # names as they fit, one a row
    low: float  # ends of the axis
    high: float
    ticks: tuple[float, ...]

    @property
    def plot_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        return self.row_height * len(self.labels)

    @property
    def shows_figures(self) -> bool:
        return self.right > GAP

    def middle_of(self, index: int) -> float:
        """Height of a row's line below the top of the plotting area."""
        return (index + 0.5) * self.row_height

    def rating_at(self, x: float) -> float:
        """The rating that the axis would show at `x` pixels from the left of the picture."""
        return self.low + (x - self.left) / self.plot_width * (self.high - self.low)

    def x_of(self, value: float) -> float:
        """The inverse of `rating_at`."""
        return self.left + (value - self.low) / (self.high - self.low) * self.plot_width

    def sharp(self, value: float) -> float:
        """The rating nearest to it whose hairline fills one column of pixels instead of shading two."""
        return self.rating_at(math.floor(self.x_of(value)) + 0.5)

    @property
    def pixel(self) -> float:
        """Ratings in one pixel."""
        return (self.high - self.low) / self.plot_width


def lay_out(rows: Sequence[IntervalRow], width: int) -> Layout:
    """Columns as wide as their content, names at most about a third of the width, the rest for the plot."""
    if width < NARROWEST:
        raise ValueError(f"an interval plot needs a width of at least {NARROWEST} pixels, not {width}")
    row_height = max(LOWEST_ROW, min(TALLEST_ROW, USUAL_HEIGHT // len(rows)))
    font_size = 13 if row_height >= 22 else 12 if row_height >= 16 else 11
    ranks = [rank_range(row.rank_low, row.rank_high) for row in rows]
    name_left = math.ceil(max(text_width(text, font_size) for text in [*ranks, "rank"])) + GAP
    room = (0.3 if width >= ROOM_FOR_FIGURES else 0.36) * width
    labels = [shortened(printable(row.name), room, font_size) for row in rows]
    left = name_left + math.ceil(max(text_width(label, font_size) for label in [*labels, "contestant"])) + GAP
    right = GAP // 2
    if width >= ROOM_FOR_FIGURES:
        figures = [rating(row.mean, row.low, row.high) for row in rows]
        right = math.ceil(max(text_width(text, font_size) for text in figures)) + GAP
    low, high = _axis(rows)
    return Layout(
        width=width,
        row_height=row_height,
        font_size=font_size,
        radius=4.0 if row_height >= 22 else 3.25 if row_height >= 16 else 2.75,
        left=left,
        right=right,
        name_left=name_left,
        labels=tuple(isolated(label) for label in labels),
        low=low,
        high=high,
        ticks=_ticks(low, high, most=(width - left - right) / LEAST_TICK_DISTANCE),
    )


def _axis(rows: Sequence[IntervalRow]) -> tuple[float, float]:
    ends = [(row.low, row.high) for row in rows]
    low, high = _reach(rows, ends)
    settled = [(row.low, row.high) for row in rows if not row.preliminary]
    if settled:
        narrow_low, narrow_high = _reach(rows, settled)
        if high - low > WIDEST_RATIO * (narrow_high - narrow_low):
            low, high = narrow_low, narrow_high
    missing = max(0.0, LEAST_SPAN - (high - low)) / 2
    margin = EDGE * (high - low) + missing
    return low - margin, high + margin


def _reach(rows: Sequence[IntervalRow], ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of the given intervals, every mean, and the field's average."""
    means = [row.mean for row in rows]
    return (
        min(FIELD_AVERAGE, *means, *(low for low, _ in ends)),
        max(FIELD_AVERAGE, *means, *(high for _, high in ends)),
    )


def _ticks(low: float, high: float, most: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, at most about so many."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return tuple(index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1))
