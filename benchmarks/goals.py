"""What the engines should achieve, and whether they did in a run of `benchmarks.engines`."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.contenders import FOURS, NONE, ONLINE, PAIRS
from benchmarks.rounds import Result
from benchmarks.tables import digits, span

MILLION = 1_000_000
POSTERIOR = {50: 0.3, 200: 1.0}  # seconds, by contestants
PAIRS_LIMIT, ONLINE_LIMIT, COLD_LIMIT = 0.2, 40e-6, 1.0  # seconds


@dataclass(frozen=True)
class Goal:
    """`met` is None for what this run did not measure."""

    what: str
    measured: str
    met: bool | None


def goals(results: list[Result], cold: dict[str, list[float]]) -> list[Goal]:
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
        took = cold.get(name)
        what = f"first fit in a fresh process, {name.removesuffix(' of four')}, under {span(COLD_LIMIT)}"
        found.append(
            Goal(what, spread(took), statistics.median(took) < COLD_LIMIT) if took else Goal(what, "not measured", None)
        )
    return found


def within(what: str, results: list[Result], name: str, contestants: int, limit: float, each: bool = False) -> Goal:
    """Whether the median is at most `limit` seconds: of a million ballots, or of `each` one."""
    what = f"{what}: at most {span(limit)}"
    for one in results:
        if (one.name, one.contestants) == (name, contestants) and one.seconds and (each or one.ballots == MILLION):
            share = one.ballots if each else 1
            took, cpu = ([value / share for value in values] for values in (one.seconds, one.cpu))
            said = f"{spread(took)}, {span(statistics.median(cpu))} on the processor"
            return Goal(what, said, statistics.median(took) <= limit)
    return Goal(what, "not measured", None)


def spread(took: list[float]) -> str:
    return f"{span(statistics.median(took))} ({span(min(took))} to {span(max(took))})"


def faster(what: str, results: list[Result], contestants: int, intervals: bool) -> Goal:
    """Beside every peer on a million pairs, by the median of ratios; one that was stopped was slower."""
    peers = [
        one
        for one in results
        if (one.ballots, one.contestants, one.ways) == (MILLION, contestants, 2)
        and one.package != "podium"
        and (one.contender.intervals != NONE) == intervals
    ]
    timed = {one.contender.label: statistics.median(one.ratios) for one in peers if one.ratios}
    missing = [one.contender.label for one in peers if not one.ratios and not one.stopped]
    if not timed:
        return Goal(what, "not measured", None)
    nearest = min(timed, key=lambda label: timed[label])
    said = f"{nearest} takes {digits(timed[nearest])} × as long"
    if missing:
        said += f"; not measured: {', '.join(missing)}"
    return Goal(what, said, None if missing and timed[nearest] > 1 else timed[nearest] > 1)


def goal_rows(found: list[Goal]) -> list[list[str]]:
    verdict = {True: "met", False: "not met", None: "not measured"}
    return [["goal", "measured", ""], *([goal.what, goal.measured, verdict[goal.met]] for goal in found)]
