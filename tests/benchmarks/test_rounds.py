"""Rounds: what is not installed, fails, or takes too long is said to be so and does not stop the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contenders import FOURS, PAIRS, REFERENCE
from benchmarks.rounds import NOT_INSTALLED, Bench, surroundings, versions

pytestmark = pytest.mark.pure

ELO, MISSING = "podium elo", "arena-rank BradleyTerry"


def bench(folder: Path, *, limit: float = 60.0, repeats: int = 1) -> Bench:
    return Bench(None, {"podium": "this checkout", "arena-rank": None, "choix": "0"}, repeats, limit, folder)


def test_a_missing_peer_is_named_and_the_others_run(tmp_path: Path) -> None:
    ours, missing = bench(tmp_path).compare([PAIRS, MISSING], PAIRS, 40, 5)

    assert missing.problem == NOT_INSTALLED
    assert missing.seconds == missing.ratios == missing.scores == []
    assert len(ours.seconds) == 1
    assert ours.problem == ""


def test_a_process_that_fails_says_why_and_is_not_tried_with_more_ballots(tmp_path: Path) -> None:
    """choix finds no strengths where one contestant has lost every time, as with so few ballots."""
    one = bench(tmp_path)
    dense = "choix ilsr_pairwise_dense"
    _, first = one.compare([PAIRS, dense], PAIRS, 10, 12)
    _, second = one.compare([PAIRS, dense], PAIRS, 5000, 12)

    assert first.problem.startswith("failed: ")
    assert second.problem == first.problem
    assert second.seconds == []


def test_what_took_too_long_is_not_tried_with_more_ballots(tmp_path: Path) -> None:
    one = bench(tmp_path, limit=1e-9)
    (first,) = one.compare([PAIRS], PAIRS, 10, 5)
    begun = one.results.copy()
    (second,) = one.compare([PAIRS], PAIRS, 20, 5)

    assert first.stopped
    assert second.stopped
    assert second.first is None
    assert one.results == [*begun, second]


def test_what_took_too_long_is_tried_with_fewer_ballots(tmp_path: Path) -> None:
    one = bench(tmp_path)
    (first,) = one.compare([PAIRS], PAIRS, 20, 5)
    first.stopped = True
    (fewer,) = one.compare([PAIRS], PAIRS, 10, 5)

    assert not fewer.stopped
    assert len(fewer.seconds) == 1


def test_ratios_are_to_the_runs_of_the_reference_in_the_same_round(tmp_path: Path) -> None:
    ours, elo = bench(tmp_path, repeats=3).compare([PAIRS, ELO], PAIRS, 100, 5)

    assert ours.ratios == [1.0, 1.0, 1.0]
    assert elo.ratios == [theirs / mine for theirs, mine in zip(elo.seconds, ours.seconds, strict=True)]
    assert elo.cpu_ratios == [theirs / mine for theirs, mine in zip(elo.cpu, ours.cpu, strict=True)]


def test_ballots_are_gone_after_a_comparison(tmp_path: Path) -> None:
    bench(tmp_path).compare([PAIRS], PAIRS, 10, 5)

    assert list(tmp_path.iterdir()) == []


def test_a_fresh_process_is_timed_for_what_is_installed(tmp_path: Path) -> None:
    found = bench(tmp_path).cold([FOURS, MISSING])

    assert found[MISSING] == []
    ((clock, processor),) = found[FOURS]
    assert clock > 0
    assert processor > 0


def test_only_peers_see_the_folder_of_their_packages() -> None:
    packages = Path("peers")

    assert surroundings(MISSING, packages)["PYTHONPATH"] == "peers"
    assert all("peers" not in surroundings(name, packages).get("PYTHONPATH", "") for name in REFERENCE.values())


def test_versions_are_those_that_the_processes_find(tmp_path: Path) -> None:
    info = tmp_path / "choix-99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: choix\nVersion: 99.0\n")

    assert versions(tmp_path)["choix"] == "99.0"
    assert versions(None)["podium"] == "this checkout"
