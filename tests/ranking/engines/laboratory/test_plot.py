"""The drawing is well-formed, has everybody in it, and says what it shows to those who cannot see it."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from ranking.engines.laboratory import findings, plot
from tests.ranking.engines.laboratory.trials_of import trial

SVG = "{http://www.w3.org/2000/svg}"


def drawn(names: list[str], title: str = "Nine contestants") -> ElementTree.Element:
    made = [findings.found([trial([0.1, 0.5, 0.95]), trial([-0.2, 0.6, 0.93])]) for _ in names]
    return ElementTree.fromstring(plot.drawing(names, made, title))  # noqa: S314  # our own


def points(element: ElementTree.Element) -> np.ndarray:
    return np.array([[float(part) for part in pair.split(",")] for pair in element.attrib["points"].split()])


def test_every_run_has_a_curve_a_band_and_a_line_of_the_legend() -> None:
    names = [f"engine {number}" for number in range(9)]
    svg = drawn(names)
    assert len(svg.findall(f"{SVG}polyline")) == len(svg.findall(f"{SVG}polygon")) == 9
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert [text for text in texts if text and text.startswith("engine")] == [
        f"{name}: stays at 0.9 from 100" for name in names
    ]
    looks = {(line.attrib["stroke"], line.attrib.get("stroke-dasharray")) for line in svg.iter(f"{SVG}polyline")}
    assert len(looks) == 9  # more runs than colours are told apart by dashes


def test_curves_stay_within_the_axes_and_rise_where_tau_rises() -> None:
    curve = points(drawn(["one"]).find(f"{SVG}polyline"))
    assert curve[:, 0].tolist() == sorted(curve[:, 0].tolist())
    assert (np.diff(curve[:, 1]) < 0).all()
    bottom, right = plot.HEIGHT - plot.BOTTOM, plot.WIDTH - plot.RIGHT
    assert curve[:, 0].min() >= plot.LEFT
    assert curve[:, 0].max() == pytest.approx(right, abs=0.1)
    assert plot.TOP <= curve[:, 1].min() <= curve[:, 1].max() <= bottom + 0.1


def test_ballots_are_on_a_logarithmic_axis() -> None:
    frame = plot.Frame(10_000, 0.0)
    assert frame.x(100) - frame.x(1) == pytest.approx(frame.x(10_000) - frame.x(100))
    assert math.isfinite(plot.Frame(1, 0.0).x(1))


def test_it_says_in_words_what_it_shows() -> None:
    svg = drawn(["one", "two"])
    assert svg.attrib["role"] == "img"
    assert svg.findtext(f"{SVG}title") == "Nine contestants"
    assert "At the end: one 0.940, two 0.940" in str(svg.findtext(f"{SVG}desc"))


def test_names_cannot_break_it() -> None:
    svg = drawn(['<script> & "quotes"'], title="a < b & c")
    assert svg.findtext(f"{SVG}title") == "a < b & c"
    assert not list(svg.iter(f"{SVG}script"))


def test_ticks_are_few_whatever_the_number_of_ballots() -> None:
    assert plot._ticks(1) == [1]
    assert plot._ticks(300) == [1, 2, 5, 10, 20, 50, 100, 200]
    assert plot._ticks(1_000_000) == [10**power for power in range(7)]
