"""The benchmark of convergence runs, keeps what it found, and says whether a goal was met."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import convergence
from benchmarks.trials import Bench, Book, BookError, Page, Row, as_dicts, curve, number, table
from ranking.engines.laboratory import findings
from ranking.engines.laboratory.trial import Setup
from tests.conftest import REPOSITORY
from tests.ranking.engines.laboratory.trials_of import trial

pytestmark = pytest.mark.pure
ROW = Row("realistic", "K = 4", "tau 0.9 from", 30, 4000, 402, 380, 303, 505, goal=430)


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.convergence", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_it_runs_and_a_second_run_goes_on_from_what_was_saved(tmp_path: Path) -> None:
    save = str(tmp_path / "found.jsonl")
    first = benchmark("--quick", "--only", "published", "--save", save, "--json")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert (found["seeds"], found["quick"]) == (convergence.QUICK_SEEDS, True)
    cases = {row["case"].split(" (ksort")[0].split(" (elo")[0] for row in found["rows"]}
    assert {"K = 4, alone", "K = 8, as shipped", "ksort, K = 4", "elo", "bound by counting orders, K = 4"} <= cases
    assert {row["met"] for row in found["rows"]} == {None}  # shorter trials are another question

    kept = Path(save).read_text("utf-8").splitlines()
    Path(save).write_text("\n".join(kept[:-1]) + '\n{"case": "publ', "utf-8")  # as if stopped while it wrote
    second = benchmark("--quick", "--only", "published", "--save", save, "--json")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    assert Path(save).read_text("utf-8").splitlines() == kept


def test_all_cases_of_all_sections_have_names_of_their_own() -> None:
    asked: list[str] = []

    class Blank(Book):
        def page(self, case: str, make: object) -> Page:
            asked.append(case)
            return Page(())

    bench = Bench(1, 1, 1, Blank(None))
    for section in convergence.SECTIONS.values():
        assert list(section(bench))
    assert len(asked) == len(set(asked)) > 40


def test_the_bound_is_that_of_counting_orders() -> None:
    """50! is 3.04e64: 24 ** 46 is less and 24 ** 47 more; of eight, 40320 ** 14 just less and 40320 ** 15 more."""
    orders = 3.0414093201713376e64
    assert 24**46 < orders < 24**47
    assert convergence.least(4) == 47
    assert 40320**14 < orders < 40320**15
    assert convergence.least(8) == 15


def test_a_goal_is_met_by_a_value_at_most_as_large_and_never_by_none() -> None:
    assert ROW.met is True
    assert replace(ROW, value=431.0).met is False
    assert replace(ROW, value=None).met is False
    assert replace(ROW, goal=None).met is None
    assert as_dicts([ROW])[0]["met"] is True


def test_the_table_says_what_was_met_and_what_never_happened() -> None:
    rows = [
        ROW,
        replace(ROW, case="K = 8", value=None, high=None, goal=170),
        replace(ROW, section="published", goal=None),
    ]
    lines = table(rows).splitlines()
    assert " ".join(lines[0].split()) == "realistic measure ballots value median quartiles goal paper"
    assert " ".join(lines[1].split()) == "K = 4 tau 0.9 from 4,000 402 380 303-505 430 met"
    assert " ".join(lines[2].split()) == "K = 8 tau 0.9 from 4,000 never 380 303-never 170 MISSED"
    assert lines[4].startswith("published")


@pytest.mark.parametrize(("value", "written"), [(None, "never"), (11692, "11,692"), (0.0151, "0.015"), (2.0, "2")])
def test_numbers_are_short(value: float | None, written: str) -> None:
    assert number(value) == written


class TestTheBook:
    def test_makes_a_page_once(self, tmp_path: Path) -> None:
        book = Book(tmp_path / "book.jsonl", seeds=3)
        made = [book.page("a", lambda: Page((ROW,), {"mean": [0.5]})) for _ in range(2)]
        again = Book(tmp_path / "book.jsonl", seeds=3).page("a", lambda: pytest.fail("made again"))
        assert made == [again, again]

    def test_of_other_settings_is_refused(self, tmp_path: Path) -> None:
        Book(tmp_path / "book.jsonl", seeds=3)
        with pytest.raises(BookError, match=r'was saved with \{"seeds": 3\}, not with \{"seeds": 30\}'):
            Book(tmp_path / "book.jsonl", seeds=30)

    @pytest.mark.parametrize("text", ["not json\n", '{"seeds": 3}\n{"case": 1}\n{"case": "a"}\n'])
    def test_that_is_something_else_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "book.jsonl"
        path.write_text(text, "utf-8")
        with pytest.raises(BookError, match="is not what this benchmark saves: line"):
            Book(path, seeds=3)
        assert path.read_text("utf-8") == text

    def test_that_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BookError, match="cannot use"):
            Book(tmp_path, seeds=3)


def test_a_quick_look_is_shorter_but_not_too_short() -> None:
    quick = Bench(1, 1, 10, Book(None))
    assert quick.length(Setup(ballots=4000)) == 400
    assert quick.length(Setup(ballots=200)) == 40


def test_a_kept_curve_has_its_ends_and_few_points() -> None:
    marks = np.arange(1, 5001)
    kept = curve(findings.found([replace(trial([0, 0, 0]), marks=marks, tau=marks / 5000)]))  # fmt: skip
    assert kept["ballots"][0] == 1
    assert kept["ballots"][-1] == 5000
    assert len(kept["ballots"]) <= 60
    assert kept["mean"] == [round(mark / 5000, 4) for mark in kept["ballots"]]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seeds", "0"], "--seeds and --jobs must be at least 1"),
        (["--only", "dreams"], "argument --only: invalid choice"),
        (["--save", "nowhere/at/all.jsonl"], "cannot use nowhere/at/all.jsonl: No such file or directory"),
    ],
)
def test_bad_options_are_named(arguments: list[str], reason: str) -> None:
    done = benchmark(*arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
