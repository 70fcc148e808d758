"""The benchmark of unreliable voters: what it runs and how it is printed."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from benchmarks.reliability import BLOCS, BOARDS, ENGINES, ORACLE, Row, table
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.pure


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def test_every_case_has_a_figure_for_every_engine() -> None:
    done = benchmark("--seeds", "2", "--json")

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    found = {(row["table"], row["case"], row["engine"]) for row in rows}
    assert len(found) == len(rows)
    boards = [case for case, _, _ in BOARDS]
    assert {key for key in found if key[0] == "tau"} == {
        ("tau", case, engine) for case in boards for engine in (*ENGINES, ORACLE)
    }
    assert {key[1:] for key in found if key[0] == "coverage"} == {
        (case, engine) for case in boards for engine in ("plackett-luce", "annotator-aware", ORACLE)
    }
    assert {key[1:] for key in found if key[0] == "lift in ranks"} == {
        (case, engine) for case, _, _ in BLOCS for engine in ENGINES
    }
    for row in rows:
        assert math.isfinite(row["mean"])
        assert row["error"] >= 0
        if row["table"] != "lift in ranks":
            assert 0.4 < row["mean"] <= 1, row


def test_a_row_is_the_mean_and_its_standard_error() -> None:
    row = Row.of("tau", "clean", "elo", [1.0, 2.0, 3.0, 4.0])

    assert row.mean == 2.5
    assert row.error == pytest.approx(math.sqrt(5 / 3) / 2)


def test_the_table_has_a_line_for_each_case() -> None:
    rows = [Row("tau", "clean", "elo", 0.8767, 0.0042), Row("lift in ranks", "a bloc", "elo", 2.345, 0.26)]
    tau, clean, empty, lift, bloc = table(rows).splitlines()

    assert tau.split() == ["tau", "elo"]
    assert clean.split() == ["clean", "0.877", "±", "0.004"]
    assert empty == ""
    assert lift.split() == ["lift", "in", "ranks", "elo"]
    assert bloc.split() == ["a", "bloc", "2.3", "±", "0.3"]


def test_one_seed_has_no_standard_error_and_is_refused() -> None:
    done = benchmark("--seeds", "1")

    assert done.returncode == 2
    assert "--seeds must be at least 2, for a standard error, not 1" in done.stderr
