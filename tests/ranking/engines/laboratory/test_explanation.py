"""The page about matchmaking shows what was computed: its pictures are drawn anew, its figures are those measured."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from types import ModuleType

import pytest

from ranking.charts.theme import DARK, LIGHT
from tests.conftest import REPOSITORY
from tests.docs import pages

PAGE = "docs/explanation/matchmaking.md"
BENCHMARKS = "docs/benchmarks.md"
FOLDER = REPOSITORY / "docs" / "explanation" / "pictures-of-matchmaking"
SHORT = {
    "of eight, chosen": "eight, whole order",
    "of four, chosen": "four, whole order",
    "of four, at random": "four, random sets",
    "of four, K-Sort as published": "four, K-Sort",
    "of two, Elo at its best": "two, Elo at its best",
}


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, without leaving its folders on the path."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    for name in ("draw", "canvas"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = import_module("draw")
    for name in ("draw", "canvas"):
        del sys.modules[name]
    return found


def test_pictures_are_those_that_the_script_draws(draw: ModuleType) -> None:
    drawn = {
        f"{name}{ending}.svg": picture(theme).svg()
        for name, picture in draw.PICTURES.items()
        for theme, ending in ((LIGHT, ""), (DARK, "-dark"))
    }
    assert {path.name for path in FOLDER.glob("*.svg")} == set(drawn)
    for name, svg in drawn.items():
        assert (FOLDER / name).read_text("utf-8") == svg, name


def test_pairs_needed_are_those_of_the_picture_in_words(draw: ModuleType) -> None:
    words = re.search(r'needed\.svg"[^>]*alt="([^"]*)"', pages.text(PAGE))
    assert words is not None
    for points, said in re.findall(r"([\d,]+) pairs for two contestants that are (\d+)", words[1]):
        assert int(points.replace(",", "")) == draw._rounded(draw.pairs_needed(float(said)))
    for said, points in re.findall(r"([\d,]+) for (\d+) points", words[1]):
        assert int(said.replace(",", "")) == draw._rounded(draw.pairs_needed(float(points)))


def test_curves_reach_what_the_table_says(draw: ModuleType) -> None:
    """The kept curve has fewer points than the trial, so its first one that stays at 0.9 is at the figure or later."""
    curves = json.loads((FOLDER / "curves.json").read_text("utf-8"))
    table = {row[0]: row[1:] for row in pages.rows(PAGE, "What noise takes away")}
    for looks, column in ((draw.EASY, 0), (draw.CLOSE, 1)):
        for name, (words, _, _) in looks.items():
            label = next(label for label in table if label.startswith(words.replace("best Elo", "Elo")))
            stays = int(table[label][column].replace(",", ""))
            curve = curves[name]
            below = [x for x, tau in zip(curve["ballots"], curve["mean"], strict=True) if tau < 0.9]
            after = [x for x in curve["ballots"] if x > below[-1]]
            assert below[-1] < stays <= after[0], name


def test_ballots_until_a_tau_of_0_9_are_those_of_the_benchmark() -> None:
    rows = pages.rows(BENCHMARKS, "Realistic voters")
    middle = next(number for number, row in enumerate(rows) if number and row[0] == rows[0][0])
    easy, close = ({row[0]: row[1] for row in part} for part in (rows[:middle], rows[middle:]))
    table = {row[0]: row[1:] for row in pages.rows(PAGE, "What noise takes away")}
    assert set(table) == set(SHORT)
    for label, name in SHORT.items():
        assert table[label] == [easy[name], close[name]]
