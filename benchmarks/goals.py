"""What the engines should achieve, and whether they did in a run of `benchmarks.engines`."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.contenders import CONTENDERS, FOURS, NONE, ONLINE, PAIRS
from benchmarks.rounds import Result
from benchmarks.tables import digits, span

MILLION = 1_000_000
POSTERIOR = {50: 0.3, 200: 1.0}  # seconds, by contestants
PAIRS_LIMIT, ONLINE_LIMIT, COLD_LIMIT = 0.2, 40e-6, 1.0  # seconds


@dataclass(frozen=True)
class Goal:
    """`met` is on the clock, None for what this run did not measure; `alone` is whether it is met on the processor."""

    what: str
    measured: str
    met: bool | None
    alone: bool = False

    @property
    def verdict(self) -> str:
        if self.met is None:
            return "not measured"
        return "met" if self.met else "not met on the clock, met on the processor" if self.alone else "not met"

    @classmethod
    def timed(cls, what: str, took: list[float], cpu: list[float], limit: float) -> Goal:
        """Whether the median of so many seconds is at most `limit`; what was not timed was not measured."""
        if not took:
            return cls(what, "not measured", None)
        clock, processor = statistics.median(took), statistics.median(cpu)
        said = f"{span(clock)} ({span(min(took))} to {span(max(took))}), {span(processor)} on the processor"
        return cls(what, said, clock <= limit, processor <= limit)


def goals(results: list[Result], cold: dict[str, list[tuple[float, float]]]) -> list[Goal]:
    found = [
        within(f"posterior of a million four-way rankings, {count} contestants", results, FOURS, count, limit)
        for count, limit in POSTERIOR.items()
    ]
    for count in POSTERIOR:
        found.append(within(f"a million pairs with intervals, {count} contestants", results, PAIRS, count, PAIRS_LIMIT))
        found.append(faster(f"faster there than every peer with intervals, {count} contestants", results, count, True))
        found.append(faster(f"faster there than every peer without them, {count} contestants", results, count, False))
    found.append(within("online update of one ballot, 50 contestants", results, ONLINE, 50, ONLINE_LIMIT, each=True))
    for name in (FOURS, PAIRS):
        took, cpu = ([each[part] for each in cold.get(name, [])] for part in (0, 1))
        what = f"first fit in a fresh process, {CONTENDERS[name].label}: at most {span(COLD_LIMIT)}"
        found.append(Goal.timed(what, took, cpu, COLD_LIMIT))
    return found


def within(what: str, results: list[Result], name: str, contestants: int, limit: float, each: bool = False) -> Goal:
    """Whether the median is at most `limit` seconds: of a million ballots, or of `each` one."""
    took, cpu = [], []
    for one in results:
        if (one.name, one.contestants) == (name, contestants) and (each or one.ballots == MILLION):
            share = one.ballots if each else 1
            took, cpu = ([value / share for value in values] for values in (one.seconds, one.cpu))
    return Goal.timed(f"{what}: at most {span(limit)}", took, cpu, limit)


def faster(what: str, results: list[Result], contestants: int, intervals: bool) -> Goal:
    """Beside every peer on a million pairs, by the median of ratios; one that was stopped was slower."""
    peers = [
        one
        for one in results
        if (one.ballots, one.contestants, one.ways) == (MILLION, contestants, 2)
        and one.package != "podium"
        and (one.contender.intervals != NONE) == intervals
    ]
    timed = [one for one in peers if one.ratios]
    missing = [one.contender.label for one in peers if not one.ratios and not one.stopped]
    ours = [one for one in results if (one.name, one.ballots, one.contestants) == (PAIRS, MILLION, contestants)]
    if peers and all(one.stopped for one in peers):
        return Goal(what, "all were stopped at the limit", any(one.seconds for one in ours))
    if not timed:
        return Goal(what, "not measured", None)
    nearest = min(timed, key=lambda one: statistics.median(one.ratios))
    ratio, alone = statistics.median(nearest.ratios), statistics.median(nearest.cpu_ratios)
    said = f"{nearest.contender.label} takes {digits(ratio)} × as long, {digits(alone)} × on the processor"
    if missing:
        said += f"; not measured: {', '.join(missing)}"
    return Goal(what, said, None if missing and ratio > 1 else ratio > 1, alone > 1)


def goal_rows(found: list[Goal]) -> list[list[str]]:
    return [["goal", "measured", ""], *([goal.what, goal.measured, goal.verdict] for goal in found)]
