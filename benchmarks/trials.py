"""Rows of a benchmark that simulates, kept in a file as they are found so that a run that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ranking.engines.laboratory.findings import Crossing, Finding
from ranking.engines.laboratory.progress import Bar
from ranking.engines.laboratory.trial import Setup, Trial
from ranking.engines.laboratory.trials import run_all

POINTS = 60  # of a curve that is kept
SHORTEST = 40  # ballots of a trial


class BookError(Exception):
    """A file to save in that cannot be used; one line."""


@dataclass(frozen=True)
class Row:
    """One figure over `seeds` trials of `ballots` each. Quartiles are of single seeds; `value` is what a goal is about.

    value None: it does not get there. goal: at most this. published: what a paper prints.
    """

    section: str
    case: str
    measure: str
    seeds: int
    ballots: int
    value: float | None
    median: float | None
    low: float | None
    high: float | None
    goal: float | None = None
    published: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.value is not None and self.value <= self.goal

    @classmethod
    def from_crossing(
        cls, section: str, case: str, measure: str, found: Crossing, value: float | None, seeds: int, ballots: int,
        *, goal: float | None = None, published: str = "",
    ) -> Row:  # fmt: skip
        quartiles = (found.median, found.low, found.high)
        return cls(section, case, measure, seeds, ballots, value, *quartiles, goal=goal, published=published)

    @classmethod
    def from_values(
        cls, section: str, case: str, measure: str, values: Sequence[float], ballots: int, goal: float | None = None
    ) -> Row:
        """`value` is the mean."""
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        return cls(section, case, measure, len(values), ballots, float(np.mean(values)), median, low, high, goal)


@dataclass(frozen=True)
class Page:
    """What was found out about one case: its rows and, where it is drawn, the mean curve of tau with quartiles."""

    rows: tuple[Row, ...]
    curve: dict[str, list[float]] | None = None


class Book:
    """The pages so far. With a `path` every page is written there at once, and read from there by the next run."""

    def __init__(self, path: Path | None, **settings: int) -> None:
        self._path = path
        self.pages: dict[str, Page] = {}
        if path is None:
            return
        try:
            lines = path.read_text("utf-8").splitlines() if path.exists() else []
            if not lines:
                path.write_text(json.dumps(settings) + "\n", "utf-8")
        except OSError as error:
            raise BookError(f"cannot use {path}: {error.strerror or error}") from None
        self._read(path, lines, settings)

    def _read(self, path: Path, lines: list[str], settings: dict[str, int]) -> None:
        for number, line in enumerate(lines):
            try:
                found = json.loads(line)
                if number == 0:
                    same = found == settings
                else:
                    self.pages[found["case"]] = Page(tuple(Row(**row) for row in found["rows"]), found["curve"])
            except (ValueError, KeyError, TypeError):
                if number and number == len(lines) - 1:  # the run was stopped while it wrote
                    path.write_text("".join(f"{whole}\n" for whole in lines[:-1]), "utf-8")
                    return
                raise BookError(f"{path} is not what this benchmark saves: line {number + 1}") from None
            if not same:
                raise BookError(f"{path} was saved with {line}, not with {json.dumps(settings)}")

    def page(self, case: str, make: Callable[[], Page]) -> Page:
        """The page of the case, made if it is not there yet."""
        if case not in self.pages:
            self.pages[case] = page = make()
            if self._path is not None:
                said = {"case": case, "rows": [asdict(row) for row in page.rows], "curve": page.curve}
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(said) + "\n")
        return self.pages[case]


@dataclass(frozen=True)
class Bench:
    """How to run: seeds, processes, a divisor of lengths for a quick look, and where pages are kept."""

    seeds: int
    jobs: int
    shorter: int
    book: Book

    def trials(self, setups: Sequence[Setup], times: int = 1) -> list[list[Trial]]:
        cut = [replace(setup, ballots=self.length(setup)) for setup in setups]
        with Bar() as bar:
            return run_all(cut, range(self.seeds * times), jobs=self.jobs, done=bar)

    def length(self, setup: Setup) -> int:
        """Ballots of a trial."""
        return max(setup.ballots // self.shorter, SHORTEST)


def curve(found: Finding) -> dict[str, list[float]]:
    """At `POINTS` checkpoints or fewer, evenly in the logarithm of ballots."""
    count = len(found.marks)
    wanted = np.geomspace(found.marks[0], found.marks[-1], POINTS)
    chosen = np.unique(np.minimum(np.searchsorted(found.marks, wanted), count - 1))
    tau = {name: [round(value, 4) for value in found.tau[name][chosen].tolist()] for name in ("mean", "low", "high")}
    return {"ballots": found.marks[chosen].tolist(), **tau}


def table(rows: Iterable[Row]) -> str:
    """A table for each section."""
    rows = list(rows)
    lines: list[str] = []
    for section in dict.fromkeys(row.section for row in rows):
        chosen = [row for row in rows if row.section == section]
        width = max(len(row.case) for row in chosen)
        heads = f"{'measure':<30}{'ballots':>8}{'value':>9}{'median':>9}{'quartiles':>17}{'goal':>14}  paper"
        lines += ["", f"{section:<{width}}  {heads}"]
        for row in chosen:
            lines.append(f"{row.case:<{width}}  " + "".join(_cells(row)).rstrip())
    return "\n".join(lines[1:])


def _cells(row: Row) -> list[str]:
    goal = "" if row.goal is None else f"{number(row.goal)} {'met' if row.met else 'MISSED'}"
    return [
        f"{row.measure:<30}",
        f"{row.ballots:>8,}" if row.ballots else f"{'':>8}",
        f"{number(row.value):>9}",
        f"{number(row.median) if row.seeds else '':>9}",
        f"{f'{number(row.low)}-{number(row.high)}' if row.seeds else '':>17}",
        f"{goal:>14}",
        f"  {row.published}",
    ]


def number(value: float | None) -> str:
    if value is None:
        return "never"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")


def as_dicts(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [{**asdict(row), "met": row.met} for row in rows]
