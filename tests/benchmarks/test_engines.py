"""The benchmark of the engines runs, and prints what it found rather than what it hoped for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import contenders, engines
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.pure


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", "--quick", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def test_every_engine_of_ours_is_timed_on_ballots_of_its_kind(tmp_path: Path) -> None:
    done = benchmark("--peers", "none", "--json", str(tmp_path / "runs.json"))

    assert done.returncode == 0, done.stderr
    ours = [contender for contender in contenders.CONTENDERS.values() if contender.package == "podium"]
    for contender in ours:
        assert f"| {contender.label} |" in done.stdout
        assert f"| {contender.label} | {contender.ways} | {contender.form} |" in done.stdout
    assert "Peers: none." in done.stdout
    for title in ("Goals", "Pairs, 10 contestants", "Four-way rankings, 10 contestants"):
        assert f"### {title}\n" in done.stdout
    runs = json.loads((tmp_path / "runs.json").read_text())["results"]
    assert {run["name"] for run in runs} == {contender.name for contender in ours}
    for run in runs:
        assert len(run["seconds"]) == len(run["cpu"]) == 2, run
        assert run["problem"] == ""
        assert run["peak"] > run["above"] > 0
        assert len(run["scores"]) == len(run["truth"]) == 10
        if run["name"] in {*contenders.REFERENCE.values(), contenders.ONLINE}:
            assert run["ratios"] == [1.0, 1.0]


def test_a_run_beyond_the_limit_is_stopped_and_said_to_be(tmp_path: Path) -> None:
    done = benchmark("--peers", "none", "--limit", "1e-9", "--sizes", "10,20", "--json", str(tmp_path / "runs.json"))

    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("| podium elo |"))
    assert line == "| podium elo | over 1e-09 s | over 1e-09 s |  |"
    assert all(not run["seconds"] for run in json.loads((tmp_path / "runs.json").read_text())["results"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--peers", "abacus"], "unknown peer abacus; there are arena-rank, evalica, choix, openskill, trueskill"),
        (["--packages", "nowhere"], "--packages: there is no folder nowhere"),
        (["--sizes", "some"], "argument --sizes: invalid numbers value: 'some'"),
        (["--sizes", "1e3,5"], "argument --sizes: invalid numbers value: '1e3,5'"),
        (["--repeats", "0"], "--repeats must be at least 1, not 0"),
    ],
)
def test_bad_options_are_named(arguments: list[str], reason: str) -> None:
    done = benchmark(*arguments)

    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_the_engines_that_are_singled_out_are_contenders() -> None:
    assert {*engines.SINGLE, *engines.COLD} <= contenders.CONTENDERS.keys()
    assert {one.beside for one in contenders.CONTENDERS.values()} <= contenders.CONTENDERS.keys()
