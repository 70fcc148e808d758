"""Goals are met, not met, or not measured; nothing is met that was not measured."""

from __future__ import annotations

import pytest

from benchmarks.contenders import FOURS, ONLINE, PAIRS, REFERENCE
from benchmarks.goals import MILLION, goal_rows, goals
from benchmarks.rounds import NOT_INSTALLED, Result

pytestmark = pytest.mark.pure


def result(name: str, contestants: int, seconds: list[float], ballots: int = MILLION, **values: object) -> Result:
    package = "podium" if name in {*REFERENCE.values(), ONLINE} else "peer"
    return Result(
        name, package, 2, contestants, ballots, seconds=seconds, **{"cpu": seconds, "cpu_ratios": [2.0], **values}
    )


def verdicts(
    results: list[Result], cold: dict[str, list[tuple[float, float]]] | None = None
) -> dict[str, tuple[str, bool | None]]:
    return {goal.what: (goal.measured, goal.met) for goal in goals(results, cold or {})}


def test_without_runs_nothing_is_met() -> None:
    assert {met for _, met in verdicts([]).values()} == {None}


def test_the_median_decides() -> None:
    found = verdicts([result(FOURS, 50, [0.1, 0.2, 9.0]), result(FOURS, 200, [0.9, 1.1, 1.2])])

    assert found["posterior of a million four-way rankings, 50 contestants: at most 300 ms"] == (
        "200 ms (100 ms to 9 s), 200 ms on the processor", True,
    )  # fmt: skip
    assert found["posterior of a million four-way rankings, 200 contestants: at most 1 s"][1] is False


def test_fewer_ballots_prove_nothing_about_a_million() -> None:
    found = verdicts([result(FOURS, 50, [0.1], ballots=1000)])

    assert found["posterior of a million four-way rankings, 50 contestants: at most 300 ms"] == ("not measured", None)


def test_a_single_ballot_is_its_share_of_the_run() -> None:
    (measured, met) = verdicts([result(ONLINE, 50, [0.1], ballots=2000)])[
        "online update of one ballot, 50 contestants: at most 40 µs"
    ]

    assert measured.startswith("50 µs")
    assert met is False


def test_faster_than_every_peer_means_the_nearest_one() -> None:
    found = verdicts(
        [
            result(PAIRS, 50, [0.1], ratios=[1.0]),
            result("choix ilsr_pairwise_dense", 50, [0.11], ratios=[1.1]),
            result("evalica elo", 50, [0.09], ratios=[0.9]),
            result("arena-rank BradleyTerry", 50, [3.0], ratios=[30.0]),
            result("evalica bootstrap of bradley_terry", 50, [], stopped=True),
        ]
    )

    assert found["faster there than every peer without them, 50 contestants"] == (
        "evalica elo takes 0.9 × as long, 2 × on the processor", False,
    )  # fmt: skip
    assert found["faster there than every peer with intervals, 50 contestants"] == (
        "arena-rank BradleyTerry takes 30 × as long, 2 × on the processor", True,
    )  # fmt: skip


def test_ours_is_faster_where_all_others_were_stopped() -> None:
    stopped = result("arena-rank BradleyTerry", 50, [], stopped=True)
    what = "faster there than every peer with intervals, 50 contestants"

    assert verdicts([result(PAIRS, 50, [0.1], ratios=[1.0]), stopped])[what] == ("all were stopped at the limit", True)
    assert verdicts([stopped])[what][1] is False


def test_a_peer_that_was_not_measured_leaves_the_goal_open() -> None:
    found = verdicts(
        [
            result("openskill PlackettLuce.rate of pairs", 50, [3.0], ratios=[30.0]),
            result("arena-rank BradleyTerry", 50, [], problem=NOT_INSTALLED),
        ]
    )

    assert found["faster there than every peer with intervals, 50 contestants"] == (
        "openskill PlackettLuce.rate takes 30 × as long, 2 × on the processor; not measured: arena-rank BradleyTerry",
        None,
    )  # fmt: skip


def test_a_fresh_process_has_a_second() -> None:
    found = verdicts([], {FOURS: [(0.5, 0.4), (0.6, 0.5), (2.0, 0.5)], PAIRS: [(1.2, 1.1)]})

    assert found["first fit in a fresh process, podium plackett-luce: at most 1 s"] == (
        "600 ms (500 ms to 2 s), 500 ms on the processor", True,
    )  # fmt: skip
    assert found["first fit in a fresh process, podium bradley-terry: at most 1 s"][1] is False


def test_a_goal_missed_on_a_busy_machine_says_what_the_processor_took() -> None:
    rows = goal_rows(goals([result(FOURS, 50, [0.9], cpu=[0.2]), result(FOURS, 200, [0.1], cpu=[0.1])], {}))

    assert rows[1][1:] == [
        "900 ms (900 ms to 900 ms), 200 ms on the processor",
        "not met on the clock, met on the processor",
    ]
    assert rows[2][2] == "met"


def test_rows_say_met_not_met_and_not_measured() -> None:
    rows = goal_rows(goals([result(FOURS, 50, [0.1]), result(FOURS, 200, [3.0])], {}))

    assert [row[2] for row in rows[1:4]] == ["met", "not met", "not measured"]
