"""Whatever is asked of the command line: a board of finite numbers, or one line of refusal and status 2."""

from __future__ import annotations

import json
import math

import pytest

from ranking.engines.__main__ import main
from ranking.engines.registry import ENGINES, WRITTEN
from ranking.engines.terms import LONGEST

BALLOTS = [
    {"items": ["a", "b", "c"], "ranks": [1, 2, 3], "voter": "v1"},
    {"items": ["b", "a"], "ranks": [2, 1], "voter": "v1"},
    {"items": ["c", "b"], "ranks": [1, 1], "voter": "v2"},
    {"items": ["c", "a"], "ranks": [None, None], "all_bad": True},
    {"items": ["a", "b", "c", "d"], "ranks": [1, None, None, -1], "voter": "v3", "prompt": "p"},
    {"items": ["d", "a"], "ranks": [1, 2], "voter": "v2"},
]
NUMBERS = [
    "0",
    "-1",
    "-0.0",
    "nan",
    "inf",
    "1e-300",
    "1e300",
    "1e-6",
    "1e6",
    "99999999999999999999",
    "1.5",
    "x",
    "true",
]
WORDS = ["ml", "bootstrap", "clustered", "opponents", "deployed", "first", "voter", "nonsense"]
ASKED = [(name, option) for name, engine in ENGINES.items() for option in engine.options if option in WRITTEN]


def written(path, rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def outcome(capsys, *arguments: str) -> tuple[int, str]:
    """Status and what was printed, after checking that it is a board of finite numbers or one line of refusal."""
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = int(str(stop.code))
    printed = capsys.readouterr()
    if status == 0:
        assert printed.err == ""
        for row in json.loads(printed.out)["standings"]:
            numbers = [value for value in row.values() if isinstance(value, int | float)]
            assert all(math.isfinite(value) for value in numbers)
        return status, printed.out
    assert status == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return status, printed.err


@pytest.mark.parametrize(("name", "option"), ASKED)
def test_any_value_of_any_option_is_used_or_refused(capsys, tmp_path, name, option) -> None:
    path = written(tmp_path / "ballots.jsonl", BALLOTS)
    found = [
        outcome(capsys, "fit", path, "--json", "--engine", name, "--option", f"{option}={value}")
        for value in (NUMBERS if WRITTEN[option] is not str else WORDS)
    ]
    assert any(status == 2 and option.split("_")[0].rstrip("s") in said for status, said in found)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("level", ["0", "1", "2", "-1", "nan", "inf", "1e-300", "0.5"])
def test_any_level_is_used_or_refused(capsys, tmp_path, name, level) -> None:
    path = written(tmp_path / "ballots.jsonl", BALLOTS)
    status, _ = outcome(capsys, "fit", path, "--json", "--engine", name, "--level", level)
    assert (status == 0) == (level in ("1e-300", "0.5"))


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("weight", [1e300, 1e9, 1e-6, 1e-300, 0, -1])
def test_any_weight_is_used_or_refused(capsys, tmp_path, name, weight) -> None:
    rows = [{**row, "weight": weight} if number % 2 else row for number, row in enumerate(BALLOTS)]
    status, said = outcome(capsys, "fit", written(tmp_path / "w.jsonl", rows), "--json", "--engine", name)
    if not 1e-6 <= weight <= 1e9:
        assert status == 2
        assert "line 2: weight must lie between 1e-06 and 1e+09" in said


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "row",
    [
        {"items": ["a"], "ranks": [1]},
        {"items": ["a", "b"], "ranks": [None, None]},
        {"items": ["a", "b"], "ranks": [1, 1]},
        {"items": ["a", "b"], "ranks": [None, None], "all_bad": True},
        {"items": ["x" * 100_000, "y"], "ranks": [1, 2]},
        {"items": ["a", "b"], "ranks": [1, 10**9]},
        {"items": ["a", "b"], "ranks": [1, 2], "id": "i" * 100_000},
    ],
    ids=["one item", "nothing ranked", "tied", "all bad", "a long name", "a huge rank", "a long id"],
)
def test_a_lonely_odd_ballot_is_a_board_or_a_reason(capsys, tmp_path, name, row) -> None:
    outcome(capsys, "fit", written(tmp_path / "odd.jsonl", [row]), "--json", "--engine", name)


@pytest.mark.parametrize("name", ["plackett-luce", "annotator-aware"])
def test_a_ballot_of_two_thousand_items_is_refused_with_what_to_do(capsys, tmp_path, name) -> None:
    long = {"items": [f"c{n}" for n in range(2_000)], "ranks": list(range(1, 2_001))}
    path = written(tmp_path / "long.jsonl", [*BALLOTS, long])
    status, said = outcome(capsys, "fit", path, "--json", "--engine", name)
    assert status == 2
    assert "1 of 7 ballots show more than 256 items (up to 2000)" in said
    assert said.endswith("keep the best 256 of each, or use elo\n")


def test_the_longest_ballot_is_fitted(capsys, tmp_path) -> None:
    rows = [{"items": [f"c{n}" for n in range(LONGEST)], "ranks": list(range(1, LONGEST + 1))}]
    status, said = outcome(capsys, "fit", written(tmp_path / "long.jsonl", rows), "--json")
    assert status == 0
    assert json.loads(said)["converged"]
    assert [row["item"] for row in json.loads(said)["standings"]][:2] == ["c0", "c1"]
