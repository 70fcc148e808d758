"""How many ballots until the order is right, against goals and against other people's ways to rank.

    python -m benchmarks.convergence [--seeds 30] [--only SECTION] [--jobs N] [--quick] [--save FILE] [--json]

    published    50 contestants, evenly spaced, voters always right or with 5 % random ballots: ballots until the
                 order is right for good (to the end of the trial), and until it is right for the first time
    realistic    50 contestants, strengths N(0, s^2), Plackett-Luce voters: ballots until the mean of Kendall's tau over
                 seeds stays at 0.9 and 0.95, and until the mean share of the true top five stays at 0.9
    robustness   4,000 four-way rankings, s = 0.5, 200 voters with 20 ballots each: what random voters cost in tau, and
                 by how many ranks a bloc lifts its favourite (any contestant), each against the same seed with honest
                 voters
    newcomers    one joins 49 that have been judged in 3,000 four-way rankings, s = 0.5: its mean rank error after so
                 many ballots with it

"alone" is the policy by itself; "as shipped" has the rules that an arena has by default: a tenth uniform, floor and
ceiling of exposure; "half by lot" has half of the battles uniform. A peer that stands for several (K-factors of Elo,
pivots and betas of K-Sort) is the best of them, chosen on the same trials, for each figure anew. Medians and quartiles
are over seeds, where a seed that does not get there counts as later than all others. "never": not within the ballots of
the trial.

`benchmarks/records/convergence.jsonl` is what has been found so far with 30 seeds; a run that saves there goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ranking.engines.laboratory.trials import one_thread

one_thread()  # before numpy is loaded

from benchmarks.trials import Bench, Book, BookError, Page, Row, as_dicts, curve, table  # noqa: E402
from ranking.engines.laboratory import findings, peers  # noqa: E402
from ranking.engines.laboratory.ballots import Form  # noqa: E402
from ranking.engines.laboratory.contestants import Field  # noqa: E402
from ranking.engines.laboratory.naming import parsed  # noqa: E402
from ranking.engines.laboratory.trial import Setup  # noqa: E402
from ranking.engines.laboratory.voters import Electorate  # noqa: E402
from ranking.engines.matchmaking.choosing import NO_RULES, Rules  # noqa: E402

PLAIN = parsed("plackett-luce")
JUDGING = parsed("plackett-luce:voters=true")
SHARP = parsed("plackett-luce:prior_sd=20")
WHOLE_ORDER = parsed("misorder:top_weight=0")
ROW = parsed("misorder:top_weight=0,variant=row")
TOP_FIVE = parsed("misorder:top_weight=20,top_count=5")
SHIPPED = parsed("misorder")
UNIFORM = parsed("uniform")
EVEN = Field("equal", 50, 1.0)
TRUE = Electorate("true")
NOISY = Electorate("true", random_ballots=0.05)
QUICK_SEEDS = 3
NEWCOMER_SEEDS = 2  # times the others: each trial has one newcomer
OURS = (
    ("whole order, alone", WHOLE_ORDER, NO_RULES),
    ("row, alone", ROW, NO_RULES),
    ("top first, alone", SHIPPED, NO_RULES),
    ("top five, alone", TOP_FIVE, NO_RULES),
    ("as shipped", SHIPPED, Rules()),
    ("random sets", UNIFORM, NO_RULES),
)


def published(bench: Bench) -> Iterator[Page]:
    four = Setup(EVEN, TRUE, Form("rank", 4), PLAIN, WHOLE_ORDER, NO_RULES, 400)
    eight = replace(four, form=Form("rank", 8), ballots=200)
    noisy = replace(four, electorate=NOISY, ballots=1000)
    shipped = {"policy": SHIPPED, "rules": Rules()}
    for size in (4, 8):
        bound = Row("published", f"bound by counting orders, K = {size}", "exact from", 0, 0, least(size), *(None,) * 3)
        yield Page((bound,))
    cases: list[tuple[str, Setup, float | None]] = [
        ("K = 4, alone", four, 95),
        ("K = 4, as shipped", replace(four, **shipped), None),
        ("K = 4, told that voters are sharp (prior sd 20)", replace(four, engine=SHARP), None),
        ("K = 4, random sets", replace(four, policy=UNIFORM, ballots=4000), None),
        ("K = 8, alone", eight, 34),
        ("K = 8, as shipped", replace(eight, **shipped), None),
        ("K = 4, 5 % random ballots, alone", noisy, 140),
        ("K = 4, 5 % random ballots, as shipped", replace(noisy, **shipped), None),
    ]
    for case, setup, goal in cases:
        yield _exact(bench, case, [setup], goal)
    long = replace(four, ballots=4000)
    yield _exact(bench, "ksort, K = 4", peers.setups("ksort", long), None, "716")
    for peer in ("ksort-deployed", "ksort-tuned"):
        yield _exact(bench, f"{peer}, K = 4", peers.setups(peer, long), None)
    for peer in ("ksort", "ksort-deployed"):
        noisy_peers = peers.setups(peer, replace(long, electorate=NOISY))
        yield _exact(bench, f"{peer}, K = 4, 5 % random ballots", noisy_peers, None)
    yield _exact(bench, "elo", peers.setups("elo", replace(four, ballots=20_000, step=1.1)), None, "11,692")


def least(size: int, count: int = 50) -> int:
    """Ballots below which not even perfect ones can tell all orders apart: K! outcomes each, `count`! orders."""
    return math.ceil(math.lgamma(count + 1) / math.lgamma(size + 1))


def _exact(bench: Bench, case: str, setups: Sequence[Setup], goal: float | None, paper: str = "") -> Page:
    def make() -> Page:
        every = [findings.found(trials) for trials in bench.trials(setups)]
        rows = []
        for name, measure in (("exact", "exact from"), ("exact_once", "exact for the first time")):
            crossings = [found.until[name] for found in every]
            best = min(range(len(every)), key=lambda at: _lateness(crossings[at]))
            rows.append(
                Row.from_crossing(
                    "published",
                    _label(case, setups, best),
                    measure,
                    crossings[best],
                    crossings[best].median,
                    bench.seeds,
                    bench.length(setups[best]),
                    goal=goal if name == "exact" else None,
                    published=paper,
                )
            )
        return Page(tuple(rows), curve(every[0]) if len(every) == 1 else None)

    return _told(bench, f"published, {case}", make)


def _lateness(crossing: findings.Crossing) -> tuple[float, int]:
    return (math.inf if crossing.median is None else crossing.median, -crossing.reached)


def realistic(bench: Bench) -> Iterator[Page]:
    for spread, four, eight, ksort, pairs, goals in (
        (1.5, 4000, 1000, 6000, (20_000, 20_000), {4: 430, 8: 170}),
        (0.5, 16_000, 6000, 8000, (30_000, 30_000), {4: 3700, 8: 1550}),
    ):
        base = Setup(Field("normal", 50, spread), Electorate(), Form("rank", 4), PLAIN, ballots=four, step=1.03)
        for size, ballots in ((4, four), (8, eight)):
            for name, policy, rules in OURS:
                setup = replace(base, form=Form("rank", size), ballots=ballots, policy=policy, rules=rules)
                goal = goals[size] if name in ("whole order, alone", "row, alone") else None
                top = 2500 if name in ("top first, alone", "top five, alone") and (size, spread) == (4, 0.5) else None
                yield _crossings(bench, f"s = {spread}, K = {size}, {name}", [setup], goal, top)
        for peer in ("ksort", "ksort-deployed", "ksort-tuned", "openskill", "bradley-terry", "elo"):
            length = dict(zip(("bradley-terry", "elo"), pairs, strict=True)).get(peer, ksort)
            like = replace(base, ballots=length, step=1.05)
            yield _crossings(bench, f"s = {spread}, {peer}", peers.setups(peer, like), None, None)


MEASURES = {"tau_0.9": "tau 0.9 from", "tau_0.95": "tau 0.95 from", "top_5_0.9": "top five 0.9 from"}


def _crossings(bench: Bench, case: str, setups: Sequence[Setup], goal: float | None, top_goal: float | None) -> Page:
    def make() -> Page:
        every = [findings.found(trials) for trials in bench.trials(setups)]
        rows = []
        for name, measure in MEASURES.items():
            best = peers.best(every, name)
            found = every[best].until[name]
            rows.append(
                Row.from_crossing(
                    "realistic",
                    _label(case, setups, best),
                    measure,
                    found,
                    found.mean_curve,
                    bench.seeds,
                    bench.length(setups[best]),
                    goal={"tau_0.9": goal, "top_5_0.9": top_goal}.get(name),
                )
            )
        return Page(tuple(rows), curve(every[peers.best(every)]))

    return _told(bench, f"realistic, {case}", make)


def _label(case: str, setups: Sequence[Setup], best: int) -> str:
    return case if len(setups) == 1 else f"{case} ({peers.said(setups, best)})"


VOTERS = {
    "honest": Electorate(),
    "10 % random": Electorate(random=0.1),
    "20 % random": Electorate(random=0.2),
    "10 % lazy": Electorate(lazy=0.1),
    "5 % bloc": Electorate(bloc=0.05),
}


def robustness(bench: Bench) -> Iterator[Page]:
    base = Setup(Field("normal", 50, 0.5), Electorate(), Form("rank", 4), PLAIN, SHIPPED, Rules(), 4000, 1.5)
    for where, policy, rules in (
        ("as shipped", SHIPPED, Rules()),
        ("half by lot", SHIPPED, Rules(audit=0.5)),
        ("random sets", UNIFORM, NO_RULES),
    ):
        here = replace(base, policy=policy, rules=rules)
        yield _told(bench, f"robustness, {where}", lambda here=here, where=where: _robustness(bench, where, here))


def _robustness(bench: Bench, where: str, base: Setup) -> Page:
    keys = [(engine, name) for engine in (PLAIN, JUDGING) for name in VOTERS]
    setups = [replace(base, engine=engine, electorate=VOTERS[name]) for engine, name in keys]
    found = dict(zip(keys, bench.trials(setups), strict=True))
    rows: list[Row] = []

    def add(case: str, measure: str, values: Sequence[float], goal: float | None = None) -> None:
        rows.append(Row.from_values("robustness", case, measure, values, bench.length(base), goal))

    for engine, told in ((PLAIN, "voters believed"), (JUDGING, "voters judged")):
        add(f"{where}, {told}, honest", "tau", [trial.tau[-1] for trial in found[engine, "honest"]])
        for name in ("10 % random", "20 % random", "10 % lazy"):
            pairs = zip(found[PLAIN, "honest"], found[engine, name], strict=True)
            goal = 0.015 if name == "20 % random" and engine is JUDGING else None
            add(f"{where}, {told}, {name}", "tau lost", [fair.tau[-1] - odd.tau[-1] for fair, odd in pairs], goal)
        pairs = zip(found[engine, "honest"], found[engine, "5 % bloc"], strict=True)
        lift = [float(fair.target_place - odd.target_place) for fair, odd in pairs]
        add(f"{where}, {told}, 5 % bloc", "ranks gained", lift, 1.5 if engine is JUDGING else 3)
    return Page(tuple(rows))


def newcomers(bench: Bench) -> Iterator[Page]:
    joins = 3000 // bench.shorter
    field = Field("normal", 50, 0.5, newcomers=1, joins=joins)
    base = Setup(field, Electorate(), Form("rank", 4), PLAIN, parsed("placement"), NO_RULES, 3400 + bench.shorter, 1.5)
    shipped = replace(base, policy=SHIPPED, rules=Rules(), ballots=6000)
    yield _placed(bench, "placement", base)
    yield _placed(bench, "as shipped", shipped)
    for setup in peers.setups("ksort", replace(base, ballots=7000)):
        yield _placed(bench, f"ksort ({setup.policy})", setup)


def _placed(bench: Bench, case: str, setup: Setup) -> Page:
    def make() -> Page:
        trials = bench.trials([setup], NEWCOMER_SEEDS)[0]
        rows = []
        for count in (10, 30, 100, 400):
            errors = [trial.placed[count] for trial in trials if count in trial.placed]
            if errors:
                measure = f"rank error after {count} ballots"
                rows.append(Row.from_values("newcomers", case, measure, errors, bench.length(setup)))
        return Page(tuple(rows))

    return _told(bench, f"newcomers, {case}", make)


SECTIONS: dict[str, Callable[[Bench], Iterator[Page]]] = {
    "published": published,
    "realistic": realistic,
    "robustness": robustness,
    "newcomers": newcomers,
}
_begin = time.monotonic()


def _told(bench: Bench, case: str, make: Callable[[], Page]) -> Page:
    print(f"{time.monotonic() - _begin:6.0f} s  {case}", file=sys.stderr, flush=True)
    return bench.book.page(case, make)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convergence", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=30, help="trials of each case (default: %(default)s)")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a section; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few and short trials: shows that it runs, no more")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="keep what is found; a run with the same FILE goes on"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    if options.seeds < 1 or options.jobs < 1:
        parser.error("--seeds and --jobs must be at least 1")
    seeds, shorter = (QUICK_SEEDS, 10) if options.quick else (options.seeds, 1)
    try:
        bench = Bench(seeds, options.jobs, shorter, Book(options.save, seeds=seeds, shorter=shorter))
    except BookError as error:
        parser.error(str(error))
    pages = [page for name in options.only or SECTIONS for page in SECTIONS[name](bench)]
    rows = [row for page in pages for row in page.rows]
    if options.quick:
        rows = [replace(row, goal=None, published="") for row in rows]  # shorter trials are another question
    if options.json:
        print(json.dumps({"seeds": seeds, "quick": options.quick, "rows": as_dicts(rows)}, ensure_ascii=False))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
