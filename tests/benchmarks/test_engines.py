"""The benchmark of the engines runs, and prints what it found rather than what it hoped for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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
        assert f"| {contender.name.removesuffix(' of four')} |" in done.stdout
    assert "Peers: none; not installed: arena-rank, evalica, choix, openskill, trueskill." in done.stdout
    runs = json.loads((tmp_path / "runs.json").read_text())["results"]
    assert {run["name"] for run in runs} == {contender.name for contender in ours}
    for run in runs:
        assert len(run["seconds"]) == 2, run
        assert run["problem"] == ""
        assert run["tau"] > 0.5, "an engine that is called wrongly would not find the order"
        assert run["above"] > 0
        if run["name"] in {*engines.REFERENCE.values(), "podium online update"}:
            assert run["ratios"] == [1.0, 1.0]


def test_a_run_beyond_the_limit_is_stopped_and_said_to_be(tmp_path: Path) -> None:
    done = benchmark("--peers", "none", "--limit", "1e-9", "--sizes", "10,20", "--json", str(tmp_path / "runs.json"))

    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("| podium elo |"))
    assert line == "| podium elo | none | > 1e-09 s | not run |  |  |"
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


@pytest.mark.parametrize("name", [name for name, one in contenders.CONTENDERS.items() if one.package != "podium"])
def test_a_peer_finds_the_order_that_ours_finds(name: str) -> None:
    peer = contenders.CONTENDERS[name]
    if contenders.version(peer.package) is None:
        pytest.skip(f"{peer.package} is not installed; see requirements-benchmarks.txt")
    ballots, theta = contenders.Ballots.drawn(400, 6, peer.ways)
    theirs, ours = peer.made(ballots)(), contenders.CONTENDERS[engines.REFERENCE[peer.ways]].made(ballots)()

    assert np.corrcoef(theirs, ours)[0, 1] > 0.9
    assert np.corrcoef(theirs, theta)[0, 1] > 0.8


def test_ballots_are_rankings_of_different_items() -> None:
    ballots, theta = contenders.Ballots.drawn(2000, 7, 4)

    assert (np.diff(np.sort(ballots.slots, axis=1), axis=1) > 0).all()
    assert (np.sort(ballots.ranks, axis=1) == [1, 2, 3, 4]).all()
    first = np.bincount(ballots.order[:, 0], minlength=7)
    assert (np.take_along_axis(ballots.ranks, np.argsort(ballots.ranks, axis=1), axis=1) == [1, 2, 3, 4]).all()
    assert np.argmax(first) == np.argmax(theta)
    assert (ballots.order[0][ballots.ranks[0] - 1] == ballots.slots[0]).all()


def test_an_engine_that_fails_says_why() -> None:
    result = engines.Result("a", "b", "none", 2, 10, 100, problem="failed: MemoryError")

    assert engines.figure(result, 30.0, 5) == "failed: MemoryError"


def test_a_cell_says_how_few_runs_there_were() -> None:
    result = engines.Result("a", "b", "none", 2, 10, 100, seconds=[1.0, 3.0], ratios=[2.0, 4.0], above=12_000_000)

    assert engines.figure(result, 30.0, 2) == "2 s, 3 ×, 12 MB"
    assert engines.figure(result, 30.0, 5) == "2 s, 3 ×, 12 MB (2 runs)"
