"""The benchmark of choosing a battle, with few battles."""

from __future__ import annotations

import json

import pytest

from benchmarks import matchmaking
from ranking.engines.matchmaking.registry import POLICIES


def test_measures_every_policy_at_both_sizes_with_and_without_judged_sets(capsys: pytest.CaptureFixture[str]) -> None:
    matchmaking.main(["--times", "2", "--json"])
    rows = json.loads(capsys.readouterr().out)

    assert [(row["policy"], row["contestants"], row["judged"]) for row in rows] == [
        (name, count, judged) for count in (50, 200) for judged in (0, 50) for name in POLICIES
    ]
    assert all(row["median_ms"] > 0 and row["processor_ms"] > 0 for row in rows)


def test_says_of_each_figure_whether_the_goal_is_met(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matchmaking, "GOALS", {10: 0.0})
    matchmaking.main(["--times", "1"])
    _, *rows = capsys.readouterr().out.splitlines()

    assert len(rows) == 2 * len(POLICIES)
    assert all(row.endswith("not met") for row in rows)
