"""Lines, dots, words and tooltips as Altair layers on one linear axis.

Importing this imports Altair, a quarter of a second: do it inside the function that draws.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal

import altair as alt

from ranking.charts.drawing import Datasets

Align = Literal["left", "center", "right"]
Arrow = Literal["triangle-left", "triangle-right"]


@dataclass(frozen=True, slots=True)
class Line:
    """Ends in the axis' units across, in pixels down from the top of the plotting area."""

    x: float
    x2: float
    y: float
    y2: float


@dataclass(frozen=True, slots=True)
class Text:
    x: float
    y: float
    text: str


class Pen:
    """Collects the data of the layers it draws; `x` is in the axis' units, `y` in pixels."""

    def __init__(self, low: float, high: float) -> None:
        self.datasets: Datasets = {}
        scale = alt.Scale(domain=[low, high], nice=False, zero=False)
        self._x = alt.X(field="x", type="quantitative", scale=scale, axis=None)
        self._y = alt.Y(field="y", type="quantitative", scale=None, axis=None)
        self._ends = (alt.X2(field="x2"), alt.Y2(field="y2"))

    def lines(self, lines: Iterable[Line], colour: str, thickness: float, dash: Sequence[int] = ()) -> alt.Chart:
        records = [dict(zip(("x", "x2", "y", "y2"), astuple(line), strict=True)) for line in lines]
        mark = alt.MarkDef(type="rule", color=colour, strokeWidth=thickness, strokeDash=list(dash), aria=False)
        return self._layer(mark, records, *self._ends)

    def dots(self, points: Iterable[tuple[float, float]], colour: str, radius: float) -> alt.Chart:
        return self._circles(points, colour, radius, thickness=0, filled=True)

    def rings(self, points: Iterable[tuple[float, float]], colour: str, radius: float, thickness: float) -> alt.Chart:
        """As large as dots of the radius, and empty inside."""
        return self._circles(points, colour, radius - thickness / 2, thickness=thickness, filled=False)

    def arrows(self, ends: Iterable[tuple[float, float, Arrow]], colour: str) -> alt.Chart:
        records = [{"x": x, "y": y, "shape": shape} for x, y, shape in ends]
        mark = alt.MarkDef(type="point", filled=True, size=28, color=colour, opacity=1, aria=False)
        return self._layer(mark, records, alt.Shape(field="shape", type="nominal", scale=None))

    def texts(self, texts: Iterable[Text], colour: str, size: int, align: Align = "left") -> alt.Chart:
        records = [{"x": text.x, "y": text.y, "text": text.text} for text in texts]
        mark = alt.MarkDef(type="text", align=align, baseline="middle", color=colour, fontSize=size, aria=False)
        return self._layer(mark, records, alt.Text(field="text", type="nominal"))

    def tooltips(self, areas: Iterable[tuple[Line, str]]) -> alt.Chart:
        """Unpainted areas between two corners whose description becomes the browser's own tooltip."""
        records = [{"x": area.x, "x2": area.x2, "y": area.y, "y2": area.y2, "tooltip": words} for area, words in areas]
        mark = alt.MarkDef(type="rect", fill="transparent")
        return self._layer(mark, records, *self._ends, alt.Description(field="tooltip", type="nominal"))

    def _circles(
        self, points: Iterable[tuple[float, float]], colour: str, radius: float, *, thickness: float, filled: bool
    ) -> alt.Chart:
        size = (2 * radius) ** 2  # Vega measures a circle by the square around it
        mark = alt.MarkDef(
            type="point",
            shape="circle",
            size=size,
            filled=filled,
            color=colour,
            opacity=1,
            strokeWidth=thickness,
            aria=False,
        )
        return self._layer(mark, [{"x": x, "y": y} for x, y in points])

    def _layer(self, mark: alt.MarkDef, records: list[dict[str, Any]], *channels: Any) -> alt.Chart:
        name = f"layer-{len(self.datasets) + 1}"
        self.datasets[name] = records
        layer: alt.Chart = alt.Chart(alt.NamedData(name=name), mark=mark).encode(self._x, self._y, *channels)
        return layer
