"""Cells and tables of the benchmark of the engines."""

from __future__ import annotations

import pytest

from benchmarks import tables
from benchmarks.agreement import Agreement
from benchmarks.contenders import FOURS, ONLINE, PAIRS
from benchmarks.rounds import NOT_INSTALLED, Result

pytestmark = pytest.mark.pure

DENSE, ARENA = "choix ilsr_pairwise_dense", "arena-rank BradleyTerry"


def result(name: str, ballots: int = 100, **values: object) -> Result:
    return Result(name, "package", 2, 10, ballots, **values)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(123.4, "123 s"), (1.0, "1 s"), (0.9999, "1 s"), (0.5, "500 ms"), (0.00123, "1.23 ms"), (4.2e-6, "4.2 µs")],
)
def test_times_have_three_digits_and_a_unit(seconds: float, said: str) -> None:
    assert tables.span(seconds) == said


def test_large_numbers_are_written_out() -> None:
    assert tables.digits(12345.6) == "12,346"
    assert tables.digits(1.2345) == "1.23"


def test_a_cell_says_how_few_runs_there_were() -> None:
    found = result(DENSE, seconds=[1.0, 3.0], ratios=[2.0, 4.0])

    assert tables.time_cell(found, 30.0, 2) == "2 s, 3 ×"
    assert tables.time_cell(found, 30.0, 5) == "2 s, 3 × (2 runs)"
    assert tables.time_cell(result(DENSE, seconds=[1.0]), 30.0, 5) == "1 s (1 run)"


def test_a_cell_without_a_time_says_why() -> None:
    assert tables.time_cell(result(DENSE, stopped=True), 30.0, 5) == "over 30 s"
    assert tables.time_cell(result(DENSE, problem="failed: MemoryError"), 30.0, 5) == "failed: MemoryError"
    assert tables.time_cell(result(DENSE, problem=NOT_INSTALLED), 30.0, 5) == "not installed"


def test_memory_is_the_peak_of_the_process_and_what_fitting_added() -> None:
    found = result(DENSE, seconds=[1.0], peak=1_234_000_000, above=12_000_000)

    assert tables.memory_cell(found) == "1,234 MB, 12 by fitting"
    assert tables.memory_cell(result(DENSE)) == ""


def test_scores_are_compared_on_the_same_ballots_only() -> None:
    ours = [result(PAIRS, 100, scores=[0.0, 1.0, 2.0]), result(PAIRS, 200, scores=[2.0, 1.0, 0.0])]
    theirs = result(DENSE, 200, scores=[5.0, 4.0, 3.0])

    assert tables.compared(theirs, [*ours, theirs]) == Agreement(1.0, 0.0)
    assert tables.compared(result(DENSE, 300, scores=[5.0, 4.0, 3.0]), ours) is None
    assert tables.compared(result(DENSE, 100), ours) is None


def test_the_tables_of_a_comparison_name_everybody() -> None:
    true = [0.0, 1.0, 2.0]
    shared = {"first": 0.5, "scores": true, "truth": true, "peak": 2_000_000, "above": 1_000_000}
    found = [
        result(PAIRS, seconds=[1.0], ratios=[1.0], **shared),
        result(DENSE, seconds=[2.0], ratios=[2.0], cpu=[0.9], cpu_ratios=[3.0], **shared),
        result(ARENA, problem=NOT_INSTALLED),
    ]
    lines = tables.comparison(found, [100], 30.0, 1)

    assert "| podium bradley-terry | 1 s, 1 × | 500 ms |" in lines
    assert "| choix ilsr_pairwise_dense | 2 s, 2 × | 500 ms |" in lines
    assert "| arena-rank BradleyTerry | not installed |  |" in lines
    assert "| choix ilsr_pairwise_dense | 900 ms, 3 × | none |" in lines
    assert "| choix ilsr_pairwise_dense | 2 MB, 1 by fitting | none |" in lines
    assert "| choix ilsr_pairwise_dense | 1.000, 0 | 1.000, 0 |" in lines
    assert "Ours with the truth, 100 ballots: 1.000, 0." in lines


def test_single_ballots_are_timed_by_the_ballot() -> None:
    slow = "trueskill rate of four"
    found = {
        50: [result(ONLINE, 2000, seconds=[0.02], ratios=[1.0]), result(slow, 2000, stopped=True)],
        200: [result(ONLINE, 2000, seconds=[0.04], ratios=[1.0]), result(slow, 2000, problem=NOT_INSTALLED)],
    }
    lines = tables.one_by_one(found, 30.0)

    assert lines[0] == "| engine | knows of the others | 50 contestants | 200 contestants |"
    assert lines[2] == "| podium online update | full covariance | 10 µs, 1 × | 20 µs, 1 × |"
    assert lines[3] == "| trueskill rate | nothing | over 15 ms | not installed |"


def test_a_fresh_process_is_the_median_or_not_installed() -> None:
    assert tables.fresh({FOURS: [(0.5, 0.3), (0.7, 0.5), (0.6, 0.4)], ARENA: []})[2:4] == [
        "| podium plackett-luce | 600 ms | 400 ms |",
        "| arena-rank BradleyTerry | not installed |  |",
    ]
