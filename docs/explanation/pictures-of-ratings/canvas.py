"""A few marks on an SVG: enough for the pictures of one page, in a light and a dark variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from math import log10
from typing import Literal

from ranking.charts.theme import FONT, Theme

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From numbers to pixels: `low` lies at `start`, `high` at `end`; `by_tens` makes equal ratios equal lengths."""

    low: float
    high: float
    start: float
    end: float
    by_tens: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (log10(n) if self.by_tens else n for n in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)


@dataclass
class Canvas:
    """Collects marks, then writes them. Its ground is painted, so that it can stand on any page."""

    width: int
    height: int
    theme: Theme
    title: str
    marks: list[str] = field(default_factory=list)

    def line(self, points: Sequence[Point], colour: str, thickness: float = 1, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(
            f'<polyline points="{_path(points)}" fill="none" stroke="{colour}" stroke-width="{thickness}"'
            f' stroke-linejoin="round"{dashed}/>'
        )

    def area(self, points: Sequence[Point], colour: str, opacity: float) -> None:
        self.marks.append(f'<polygon points="{_path(points)}" fill="{colour}" fill-opacity="{opacity}"/>')

    def dot(self, x: float, y: float, colour: str, radius: float = 4, *, hollow: bool = False) -> None:
        paint = f'fill="{self.theme.ground}" stroke="{colour}" stroke-width="1.5"' if hollow else f'fill="{colour}"'
        self.marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {paint}/>')

    def text(
        self, x: float, y: float, words: str, colour: str, anchor: Anchor = "start", size: int = 13, weight: int = 400
    ) -> None:
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}"'
            f' font-weight="{weight}" dominant-baseline="central">{escape(words)}</text>'
        )

    def svg(self) -> str:
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-variant="tabular-nums"'
            f' role="img" aria-label="{escape(self.title)}">',
            f'<rect width="100%" height="100%" fill="{self.theme.ground}"/>',
            *self.marks,
            "</svg>\n",
        ]
        return "\n".join(lines)


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
