"""The picture inside a page under the site's strict policy, in Chromium."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import defaultdict
from typing import Any

import pytest

from ranking.charts.intervals import interval_plot
from ranking.charts.theme import LIGHT
from tests.ranking.charts import chromium
from tests.ranking.charts.fields import field, row

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.path() is None, reason="no Chromium on this machine (CHROMIUM names one)"),
]

HOSTILE = [
    "</title></svg><script>document.title = 'broken'</script>",
    "</svg><img src=x onerror=\"document.title = 'broken'\">",
    "' onload='document.title = 1",
    "</text><style>* { display: none }</style>",
    "נקודה (2.1)",
]


def opened(*bodies: str, direction: str = "ltr") -> list[dict[str, Any]]:
    documents = [
        f"<!doctype html><html dir={direction}><meta charset=utf-8><title>whole</title><body>{body}</body></html>"
        for body in bodies
    ]
    done = subprocess.run(
        [sys.executable, "-m", chromium.__name__],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports


def test_the_policy_stops_nothing_in_it_and_names_stay_text() -> None:
    rows = [row(name, 1000 - 10 * place, rank=place) for place, name in enumerate(HOSTILE, start=1)]
    chart = interval_plot([*rows, row("new", 900, 300, rank=9, preliminary=True)], theme=LIGHT, level=0.95)
    (seen,) = opened(chart.svg)
    assert seen["complaints"] == []
    assert seen["title"] == "whole"
    assert seen["top"] == ["svg"]
    assert seen["foreign"] == 0
    assert seen["named"] == [chart.alt]
    assert seen["figures"] == "tabular-nums"


def test_the_policy_would_stop_a_style_in_it() -> None:
    """Otherwise the test above would show nothing."""
    (seen,) = opened('<svg role="img" style="fill: red"></svg>')
    assert "style" in " ".join(seen["complaints"])


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_no_word_leaves_the_picture_or_runs_into_another(direction: str) -> None:
    names = ["W" * 40, "i" * 90, "m" * 9, *(each.name for each in field(40))]
    rows = [row(name, 1200 - 9 * place, rank=place) for place, name in enumerate(names, start=1)]
    pictures = [interval_plot(rows, theme=LIGHT, level=0.95, width=width).svg for width in (280, 360, 640)]
    for seen in opened(*pictures, direction=direction):
        assert len(seen["words"]) > 2 * len(rows)
        lines: dict[int, list[tuple[float, float]]] = defaultdict(list)
        for word in seen["words"]:
            assert word["left"] >= -0.5
            assert word["right"] <= seen["width"] + 0.5
            lines[round(word["middle"] / 3)].append((word["left"], word["right"]))
        for line in lines.values():
            assert all(one[1] <= other[0] for one, other in itertools.pairwise(sorted(line)))
