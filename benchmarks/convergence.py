"""How many ballots until the order is right, against goals and against other people's ways to rank.

    python -m benchmarks.convergence [--seeds 30] [--only SECTION] [--jobs N] [--quick] [--json]

    published    50 contestants, evenly spaced, voters always right or with 5 % random ballots: ballots until the
                 order is right for good (to the end of the trial, whose length is printed)
    realistic    50 contestants, strengths N(0, s^2), Plackett-Luce voters: ballots until the mean of Kendall's tau over
                 seeds stays at 0.9 and 0.95, and until the mean share of the true top five stays at 0.9
    robustness   4,000 four-way rankings, s = 0.5, 200 voters with 20 ballots each: what random voters cost in tau, and
                 by how many ranks a bloc lifts its favourite (any contestant), each against the same seed with honest
                 voters
    newcomers    one joins 49 that have been judged in 3,000 four-way rankings, s = 0.5: its mean rank error after so
                 many ballots with it

"alone" is the policy by itself; "as shipped" has the rules that an arena has by default: a tenth uniform, floor and
ceiling of exposure. Elo is the best of several K-factors, chosen on the same trials, for each figure anew. Medians and
quartiles are over seeds, where a seed that does not get there counts as later than all others.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ranking.engines.laboratory.trials import one_thread, run_all

one_thread()  # before numpy is loaded

import numpy as np  # noqa: E402

from ranking.engines.laboratory import findings, peers  # noqa: E402
from ranking.engines.laboratory.ballots import Form  # noqa: E402
from ranking.engines.laboratory.contestants import Field  # noqa: E402
from ranking.engines.laboratory.naming import parsed  # noqa: E402
from ranking.engines.laboratory.progress import Bar  # noqa: E402
from ranking.engines.laboratory.trial import Setup, Trial  # noqa: E402
from ranking.engines.laboratory.voters import Electorate  # noqa: E402
from ranking.engines.matchmaking.choosing import NO_RULES, Rules  # noqa: E402

PLAIN = parsed("plackett-luce")
JUDGING = parsed("plackett-luce:voters=true")
SHARP = parsed("plackett-luce:prior_sd=20")
WHOLE_ORDER = parsed("misorder:top_weight=0")
ROW = parsed("misorder:top_weight=0,variant=row")
SHIPPED = parsed("misorder")
UNIFORM = parsed("uniform")
EVEN = Field("equal", 50, 1.0)
TRUE = Electorate("true")
NOISY = Electorate("true", random_ballots=0.05)
QUICK_SEEDS = 3
NEWCOMER_SEEDS = 4  # times the others: each trial has one newcomer


@dataclass(frozen=True)
class Row:
    """One figure. Quartiles are of single seeds, `value` may be of the mean curve. `goal`: at most this."""

    section: str
    case: str
    measure: str
    seeds: int
    value: float | None
    median: float | None
    low: float | None
    high: float | None
    goal: float | None = None
    published: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.value is not None and self.value <= self.goal


@dataclass(frozen=True)
class Bench:
    """How to run: seeds, processes, and a divisor of lengths for a quick look."""

    seeds: int
    jobs: int
    shorter: int

    def trials(self, setup: Setup, times: int = 1) -> list[Trial]:
        return self.all_trials([setup], times)[0]

    def all_trials(self, setups: Sequence[Setup], times: int = 1) -> list[list[Trial]]:
        cut = [replace(setup, ballots=self.length(setup)) for setup in setups]
        with Bar() as bar:
            return run_all(cut, range(self.seeds * times), jobs=self.jobs, done=bar)

    def length(self, setup: Setup) -> int:
        """Ballots of a trial."""
        return max(setup.ballots // self.shorter, 40)


def published(bench: Bench) -> list[Row]:
    four = Setup(EVEN, TRUE, Form("rank", 4), PLAIN, WHOLE_ORDER, NO_RULES, 400)
    eight = replace(four, form=Form("rank", 8), ballots=200)
    noisy = replace(four, electorate=NOISY, ballots=1000)
    cases: list[tuple[str, Setup, float | None, str]] = [
        ("K = 4, alone", four, 95, ""),
        ("K = 4, as shipped", replace(four, policy=SHIPPED, rules=Rules()), None, ""),
        ("K = 4, told that voters are sharp (prior sd 20)", replace(four, engine=SHARP), None, ""),
        ("K = 8, alone", eight, 34, ""),
        ("K = 8, as shipped", replace(eight, policy=SHIPPED, rules=Rules()), None, ""),
        ("K = 4, 5 % random ballots, alone", noisy, 140, ""),
        ("K = 4, 5 % random ballots, as shipped", replace(noisy, policy=SHIPPED, rules=Rules()), None, ""),
    ]
    for name, electorate in (("", TRUE), (", 5 % random ballots", NOISY)):
        like = replace(four, electorate=electorate, ballots=4000)
        paper = "716" if electorate is TRUE else ""
        cases.append((f"K-Sort as printed, K = 4{name}", peers.setups("ksort", like)[0], None, paper))
        cases.append((f"K-Sort as deployed, K = 4{name}", peers.setups("ksort-deployed", like)[0], None, ""))
    rows = [
        Row("published", f"at least, by counting orders, K = {size}", "exact from", 0, least(size), None, None, None)
        for size in (4, 8)
    ]
    for case, setup, goal, paper in cases:
        say(case)
        found = findings.found(bench.trials(setup))
        rows.append(_exact(f"{case} [{bench.length(setup)}]", bench.seeds, found.until["exact"], goal, paper))
    say("Elo")
    tried = peers.setups("elo", replace(four, ballots=20_000, step=1.1))
    every = [findings.found(trials) for trials in bench.all_trials(tried)]
    best = min(range(len(tried)), key=lambda number: (-every[number].until["exact"].reached, _late(every[number])))
    rows.append(
        _exact(
            f"{tried[best].engine} [{bench.length(tried[best])}]",
            bench.seeds,
            every[best].until["exact"],
            None,
            "11,692",
        )
    )
    return rows


def _late(found: findings.Finding) -> float:
    median = found.until["exact"].median
    return math.inf if median is None else median


def least(size: int, count: int = 50) -> int:
    """Ballots below which not even perfect ones can tell all orders apart: K! outcomes each, `count`! orders."""
    return math.ceil(math.lgamma(count + 1) / math.lgamma(size + 1))


def _exact(case: str, seeds: int, found: findings.Crossing, goal: float | None, paper: str) -> Row:
    return Row("published", case, "exact from", seeds, found.median, found.median, found.low, found.high, goal, paper)


def realistic(bench: Bench) -> list[Row]:
    rows = []
    for spread, four, eight, pairs, goals in (
        (1.5, 3000, 1000, 12_000, {"K = 4": 430, "K = 8": 170}),
        (0.5, 8000, 4000, 40_000, {"K = 4": 3700, "K = 8": 1550}),
    ):
        base = Setup(Field("normal", 50, spread), Electorate(), Form("rank", 4), PLAIN, WHOLE_ORDER, NO_RULES, four)
        top_goal = 2500 if spread == 0.5 else None
        for size, ballots in ((4, four), (8, eight)):
            sized = replace(base, form=Form("rank", size), ballots=ballots)
            for name, policy, rules in (
                ("whole order, alone", WHOLE_ORDER, NO_RULES), ("row, alone", ROW, NO_RULES),
                ("top first, alone", SHIPPED, NO_RULES), ("as shipped", SHIPPED, Rules()),
                ("random sets", UNIFORM, NO_RULES),
            ):  # fmt: skip
                goal = goals[f"K = {size}"] if name == "whole order, alone" else None
                top = top_goal if name == "top first, alone" and size == 4 else None
                setup = replace(sized, policy=policy, rules=rules)
                rows += _crossings(bench, f"s = {spread}, K = {size}, {name}", [setup], goal, top)
        for name, like in (("ksort", base), ("ksort-deployed", base), ("openskill", base), ("bradley-terry", base),
                           ("elo", base)):  # fmt: skip
            longer = pairs if name in ("bradley-terry", "elo") else 2 * four
            rows += _crossings(
                bench, f"s = {spread}, {name}", peers.setups(name, replace(like, ballots=longer, step=1.05)), None, None
            )
    return rows


MEASURES = {"tau_0.9": "tau 0.9 from", "tau_0.95": "tau 0.95 from", "top_5_0.9": "top five 0.9 from"}


def _crossings(
    bench: Bench, case: str, setups: Sequence[Setup], goal: float | None, top_goal: float | None
) -> list[Row]:
    say(case)
    every = [findings.found(trials) for trials in bench.all_trials(setups)]
    rows = []
    for name, measure in MEASURES.items():
        best = peers.best(every, name)
        found = every[best].until[name]
        label = case if len(setups) == 1 else f"{case} ({setups[best].engine})"
        wanted = {"tau_0.9": goal, "top_5_0.9": top_goal}.get(name)
        rows.append(
            Row(
                section="realistic",
                case=f"{label} [{bench.length(setups[best])}]",
                measure=measure,
                seeds=bench.seeds,
                value=found.mean_curve,
                median=found.median,
                low=found.low,
                high=found.high,
                goal=wanted,
            )
        )
    return rows


def robustness(bench: Bench) -> list[Row]:
    base = Setup(Field("normal", 50, 0.5), Electorate(), Form("rank", 4), PLAIN, SHIPPED, Rules(), 4000, 1.5)
    rows = []
    for where, policy, rules in (("as shipped", SHIPPED, Rules()), ("random sets", UNIFORM, NO_RULES)):
        found: dict[tuple[str, str], list[Trial]] = {}
        for engine in (PLAIN, JUDGING):
            for name, electorate in (
                ("honest", Electorate()), ("10 % random", Electorate(random=0.1)),
                ("20 % random", Electorate(random=0.2)), ("10 % lazy", Electorate(lazy=0.1)),
                ("5 % bloc", Electorate(bloc=0.05)),
            ):  # fmt: skip
                say(f"{where}, {engine}, {name}")
                setup = replace(base, engine=engine, electorate=electorate, policy=policy, rules=rules)
                found[str(engine), name] = bench.trials(setup)
        for engine in (PLAIN, JUDGING):
            told = "voters judged" if engine is JUDGING else "voters believed"
            honest = found[str(PLAIN), "honest"]
            rows.append(
                _of(f"{where}, {told}, honest", "tau", [trial.tau[-1] for trial in found[str(engine), "honest"]])
            )
            for name in ("10 % random", "20 % random", "10 % lazy"):
                lost = [fair.tau[-1] - odd.tau[-1] for fair, odd in zip(honest, found[str(engine), name], strict=True)]
                goal = 0.015 if name == "20 % random" and engine is JUDGING else None
                rows.append(_of(f"{where}, {told}, {name}", "tau lost", lost, goal))
            fair, biased = found[str(engine), "honest"], found[str(engine), "5 % bloc"]
            lift = [float(a.target_place - b.target_place) for a, b in zip(fair, biased, strict=True)]
            rows.append(_of(f"{where}, {told}, 5 % bloc", "ranks gained", lift, 1.5 if engine is JUDGING else 3))
    return rows


def _of(case: str, measure: str, values: Sequence[float], goal: float | None = None) -> Row:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return Row("robustness", case, measure, len(values), float(np.mean(values)), median, low, high, goal)


def newcomers(bench: Bench) -> list[Row]:
    joins = 3000 // bench.shorter
    field = Field("normal", 50, 0.5, newcomers=1, joins=joins)
    base = Setup(field, Electorate(), Form("rank", 4), PLAIN, parsed("placement"), NO_RULES, 3400 + bench.shorter, 1.5)
    ksort = replace(peers.setups("ksort", base)[0], ballots=7000)
    rows = []
    for name, setup in (("placement", base), ("K-Sort as printed", ksort)):
        say(name)
        trials = bench.trials(setup, NEWCOMER_SEEDS)
        for count in (10, 30, 100, 400):
            errors = [trial.placed[count] for trial in trials if count in trial.placed]
            if errors:
                row = _of(name, f"rank error after {count} ballots", errors)
                rows.append(replace(row, section="newcomers"))
    return rows


SECTIONS: dict[str, Callable[[Bench], list[Row]]] = {
    "published": published,
    "realistic": realistic,
    "robustness": robustness,
    "newcomers": newcomers,
}
_begin = time.monotonic()


def say(case: str) -> None:
    print(f"{time.monotonic() - _begin:6.0f} s  {case}", file=sys.stderr, flush=True)


def table(rows: Sequence[Row]) -> str:
    lines = []
    for section in dict.fromkeys(row.section for row in rows):
        chosen = [row for row in rows if row.section == section]
        width = max(len(row.case) for row in chosen)
        lines += [
            "",
            f"{section:<{width}}  {'measure':<29}{'value':>9}{'median':>9}{'quartiles':>17}{'goal':>14}  paper",
        ]
        for row in chosen:
            quartiles = f"{_number(row.low)}-{_number(row.high)}" if row.seeds else ""
            goal = "" if row.goal is None else f"{_number(row.goal)} {'met' if row.met else 'MISSED'}"
            lines.append(
                f"{row.case:<{width}}  {row.measure:<29}{_number(row.value):>9}"
                f"{_number(row.median) if row.seeds else '':>9}{quartiles:>17}{goal:>14}  {row.published}"
            )
    return "\n".join(lines[1:])


def _number(value: float | None) -> str:
    if value is None:
        return "never"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convergence", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=30, help="trials of each case (default: %(default)s)")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a section; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few and short trials: shows that it runs, no more")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    bench = Bench(QUICK_SEEDS if options.quick else options.seeds, options.jobs, 10 if options.quick else 1)
    rows = [row for name in options.only or SECTIONS for row in SECTIONS[name](bench)]
    if options.quick:
        rows = [replace(row, goal=None, published="") for row in rows]  # shorter trials are another question
    if options.json:
        said: list[dict[str, Any]] = [{**asdict(row), "met": row.met} for row in rows]
        print(json.dumps({"seeds": bench.seeds, "quick": options.quick, "rows": said}, ensure_ascii=False))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
