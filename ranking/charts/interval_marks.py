"""The interval plot as an Altair chart.

Columns, key and notes are layers like the marks themselves, placed by the ratings that the axis would show there:
one linear scale for everything, and no measuring of text by the renderer, whose fonts are not the viewer's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import altair as alt

from ranking.charts.drawing import Datasets
from ranking.charts.figures import number, percent, rank_range, rating
from ranking.charts.interval_layout import FREQUENT_RULES, Layout
from ranking.charts.interval_row import FIELD_AVERAGE, IntervalRow
from ranking.charts.names import isolated, printable, text_width
from ranking.charts.pen import Arrow, Line, Pen, Text
from ranking.charts.theme import Theme

HEADER = 28  # pixels above the first row
SMALL = 11  # font size of headers, axis and notes
NOTE = 18  # height of a line of notes below the plot
SAMPLE = 30  # width of a mark in the key
LONG = 40  # contestants from which the axis is repeated at the bottom
STROKE = 1.4
DASH = (3, 2)


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot on a line, of a contestant or in the key."""

    mean: float
    low: float
    high: float
    y: float
    preliminary: bool


def picture(rows: Sequence[IntervalRow], layout: Layout, theme: Theme, level: float) -> tuple[alt.LayerChart, Datasets]:
    """The chart and the data its layers name; rows best first."""
    pen = Pen(layout.low, layout.high)
    key, notes, bottom = _key(rows, layout, level)
    chart = (
        alt.layer(
            *_ground(pen, layout, theme),
            *_intervals(pen, [*_marks(rows, layout), *key], layout, theme),
            *_columns(pen, rows, layout, theme),
            pen.texts(_axis_labels(layout), theme.muted, SMALL, "center"),
            pen.texts(notes, theme.muted, SMALL),
            pen.tooltips(_tooltips(rows, layout, level)),
        )
        .properties(
            width=layout.plot_width,
            height=layout.plot_height,
            padding={"left": layout.left, "right": layout.right, "top": HEADER, "bottom": bottom},
            autosize=alt.AutoSizeParams(type="none"),
            background="transparent",
        )
        .configure_view(stroke=None)
    )
    return chart, pen.datasets


def _marks(rows: Sequence[IntervalRow], layout: Layout) -> list[Mark]:
    return [
        Mark(row.mean, row.low, row.high, layout.middle_of(index), row.preliminary) for index, row in enumerate(rows)
    ]


def _ground(pen: Pen, layout: Layout, theme: Theme) -> list[alt.Chart]:
    """Hairlines at the ticks and between the rows, and the field's average."""
    every = 1 if layout.row_height >= FREQUENT_RULES else 5
    heights = [*range(0, layout.plot_height, every * layout.row_height), layout.plot_height]
    low, high = layout.rating_at(0), layout.rating_at(layout.width)
    ticks = [layout.sharp(tick) for tick in layout.ticks]
    average = layout.sharp(FIELD_AVERAGE)
    return [
        pen.lines([Line(x, x, 0, layout.plot_height) for x in ticks], theme.grid, 1),
        pen.lines([Line(low, high, y + 0.5, y + 0.5) for y in heights], theme.rule, 1),
        pen.lines([Line(average, average, -5, layout.plot_height + 5)], theme.reference, 1),
    ]


def _intervals(pen: Pen, marks: Sequence[Mark], layout: Layout, theme: Theme) -> list[alt.Chart]:
    settled = [mark for mark in marks if not mark.preliminary]
    preliminary = [mark for mark in marks if mark.preliminary]
    layers = []
    if settled:
        lines = [Line(*_shown(mark, layout), mark.y, mark.y) for mark in settled]
        dots = [(mark.mean, mark.y) for mark in settled]
        layers += [pen.lines(lines, theme.ink, STROKE), pen.dots(dots, theme.ink, layout.radius)]
    if preliminary:
        halves = [half for mark in preliminary for half in _halves(mark, layout)]
        rings = [(mark.mean, mark.y) for mark in preliminary]
        layers += [pen.lines(halves, theme.ink, STROKE, DASH), pen.rings(rings, theme.ink, layout.radius, STROKE)]
    if beyond := list(_ends_beyond(marks, layout)):
        layers.append(pen.arrows(beyond, theme.ink))
    return layers


def _halves(mark: Mark, layout: Layout) -> Iterable[Line]:
    """The interval without the inside of the ring; from its outer ends, so that the dashes show where these are."""
    low, high = _shown(mark, layout)
    gap = layout.radius * layout.pixel
    if low < mark.mean - gap:
        yield Line(low, mark.mean - gap, mark.y, mark.y)
    if high > mark.mean + gap:
        yield Line(high, mark.mean + gap, mark.y, mark.y)


def _shown(mark: Mark, layout: Layout) -> tuple[float, float]:
    """The interval as far as the plot reaches; the key stands below it and has no axis."""
    if mark.y > layout.plot_height:
        return mark.low, mark.high
    return max(mark.low, layout.low), min(mark.high, layout.high)


def _ends_beyond(marks: Sequence[Mark], layout: Layout) -> Iterable[tuple[float, float, Arrow]]:
    for mark in marks:
        low, high = _shown(mark, layout)
        if low > mark.low:
            yield low, mark.y, "triangle-left"
        if high < mark.high:
            yield high, mark.y, "triangle-right"


def _columns(pen: Pen, rows: Sequence[IntervalRow], layout: Layout, theme: Theme) -> list[alt.Chart]:
    def column(x: float, texts: Iterable[str]) -> list[Text]:
        return [Text(layout.rating_at(x), layout.middle_of(index), text) for index, text in enumerate(texts)]

    def header(x: float, text: str) -> Text:
        return Text(layout.rating_at(x), -HEADER / 2, text)

    ranks = column(0, [rank_range(row.rank_low, row.rank_high) for row in rows])
    names = column(layout.name_left, layout.labels)
    headers = [header(0, "rank"), header(layout.name_left, "contestant")]
    layers = [
        pen.texts(ranks, theme.muted, layout.font_size),
        pen.texts(names, theme.ink, layout.font_size),
        pen.texts(headers, theme.muted, SMALL),
    ]
    if layout.shows_figures:
        figures = column(layout.width, [rating(row.mean, row.low, row.high) for row in rows])
        layers += [
            pen.texts(figures, theme.ink, layout.font_size, "right"),
            pen.texts([header(layout.width, "rating")], theme.muted, SMALL, "right"),
        ]
    return layers


def _axis_labels(layout: Layout) -> list[Text]:
    """Ratings above the plot, below it too when it is long, and the name of the reference line."""
    heights = [-HEADER / 2]
    if len(layout.labels) >= LONG:
        heights.append(layout.plot_height + NOTE)
    labels = [_centred(layout, tick, y, number(tick)) for y in heights for tick in layout.ticks]
    return [*labels, _centred(layout, FIELD_AVERAGE, _first_note(layout), "field average")]


def _centred(layout: Layout, value: float, y: float, text: str) -> Text:
    """Over its rating, or as near to it as the picture's edges allow."""
    half = text_width(text, SMALL) / 2
    x = min(max(layout.x_of(value), half), layout.width - half)
    return Text(layout.rating_at(x), y, text)


def _first_note(layout: Layout) -> float:
    """Height of the first line of notes below the top of the plotting area."""
    return layout.plot_height + (2 if len(layout.labels) >= LONG else 1) * NOTE


def _key(rows: Sequence[IntervalRow], layout: Layout, level: float) -> tuple[list[Mark], list[Text], float]:
    """What the marks mean, for the marks that occur; also the height needed below the plotting area."""
    explanation = f"rating with its {percent(level)} credible interval"
    kinds = {row.preliminary for row in rows}
    entries = {
        frozenset({False}): [(False, explanation)],
        frozenset({True}): [(True, f"preliminary {explanation}")],
        frozenset({False, True}): [(False, explanation), (True, "preliminary")],
    }[frozenset(kinds)]
    x, y = 0.0, _first_note(layout) + 1.5 * NOTE
    marks, texts = [], []
    for preliminary, text in entries:
        extent = SAMPLE + 8 + text_width(text, SMALL)
        if x > 0 and x + extent > layout.width:
            x, y = 0.0, y + NOTE
        low, high = layout.rating_at(x + 1), layout.rating_at(x + SAMPLE - 1)
        marks.append(Mark((low + high) / 2, low, high, y, preliminary))
        texts.append(Text(layout.rating_at(x + SAMPLE + 8), y, text))
        x += extent + 24
    return marks, texts, y + NOTE / 2 - layout.plot_height


def _tooltips(rows: Sequence[IntervalRow], layout: Layout, level: float) -> Iterable[tuple[Line, str]]:
    """Over the whole width of each row: its full name and all its figures."""
    left, right = layout.rating_at(0), layout.rating_at(layout.width)
    for index, row in enumerate(rows):
        area = Line(left, right, index * layout.row_height, (index + 1) * layout.row_height)
        interval = f"{percent(level)} credible interval {number(row.low)} to {number(row.high)}"
        words = (
            f"{isolated(printable(row.name))}: {rating(row.mean, row.low, row.high)} ({interval}),"
            f" rank {rank_range(row.rank_low, row.rank_high)}{', preliminary' if row.preliminary else ''}"
        )
        yield area, words
