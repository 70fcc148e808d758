"""Fields of contestants to draw."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from ranking.charts.intervals import IntervalRow
from ranking.charts.names import ELLIPSIS

SVG = "{http://www.w3.org/2000/svg}"


def row(name: str, mean: float = 1000.0, half: float = 20.0, rank: int = 1, **changes: Any) -> IntervalRow:
    values: dict[str, Any] = {"low": mean - half, "high": mean + half, "rank_low": rank, "rank_high": rank}
    return IntervalRow(name=name, mean=mean, rank=rank, **values | changes)


def field(size: int, step: float = 10.0) -> list[IntervalRow]:
    """Best first, equally spaced round 1000, every seventh preliminary."""
    top = 1000 + step * (size - 1) / 2
    return [
        row(
            f"contestant {place}",
            top - step * (place - 1),
            rank=place,
            rank_low=max(1, place - 2),
            rank_high=min(size, place + 2),
            preliminary=place % 7 == 0,
        )
        for place in range(1, size + 1)
    ]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  (our own drawing)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def tooltips(svg: str) -> list[str]:
    """One a row, from top to bottom; the first title is the picture's own."""
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}title")][1:]


def is_shortened(text: str) -> bool:
    return ELLIPSIS in text
