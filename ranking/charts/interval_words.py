"""The interval plot in one or two plain sentences."""

from collections.abc import Sequence
from typing import Protocol

from ranking.charts.figures import listed, number, percent, rating
from ranking.charts.names import isolated, printable, shortened

LONGEST_NAME_IN_EM = 48.0  # about 80 letters: what a sentence can bear


class Rated(Protocol):
    """What the sentences need of a row."""

    @property
    def name(self) -> str: ...
    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def preliminary(self) -> bool: ...


def interval_sentences(rows: Sequence[Rated], level: float) -> str:
    """Who leads, by how much, and whose intervals overlap the leader's; rows best first, at least one."""
    leader, others = rows[0], rows[1:]
    if not others:
        mark = " (preliminary)" if leader.preliminary else ""
        return (
            f"{_name(leader)}{mark} is the only contestant, at {_rating(leader)};"
            f" its {percent(level)} credible interval is {number(leader.low)} to {number(leader.high)}."
        )
    return f"{_who_leads(rows)} {_what_overlaps(leader, others, level)}{_what_is_preliminary(rows)}."


def _who_leads(rows: Sequence[Rated]) -> str:
    leader, second = rows[:2]
    first = [row for row in rows if row.rank == leader.rank]
    if len(first) > 1:
        names = listed([_name(row) for row in first])
        highest = max(first, key=lambda row: row.mean)
        return f"Of {len(rows)} contestants, {names} share first place, the highest of them at {_rating(highest)}."
    return (
        f"Of {len(rows)} contestants, {_name(leader)} leads at {_rating(leader)},"
        f" {_distance(leader.mean - second.mean)} {_name(second)} at {_rating(second)}."
    )


def _distance(points: float) -> str:
    """A board may be ordered by something else than the mean, so the leader's rating need not be the highest."""
    if abs(points) < 0.5:
        return "less than a point from"
    shown = number(abs(points))
    unit = "point" if shown == "1" else "points"
    return f"{shown} {unit} {'ahead of' if points > 0 else 'below'}"


def _what_overlaps(leader: Rated, others: Sequence[Rated], level: float) -> str:
    overlapping = [row for row in others if row.high >= leader.low and row.low <= leader.high]
    share = percent(level)
    if not overlapping:
        return f"No other {share} credible interval overlaps the leader's"
    if len(overlapping) == len(others) > 3:
        return f"All other {share} credible intervals overlap the leader's"
    plural = len(overlapping) > 1
    return (
        f"The {share} credible interval{'s' if plural else ''} of {listed([_name(row) for row in overlapping])}"
        f" overlap{'' if plural else 's'} the leader's"
    )


def _what_is_preliminary(rows: Sequence[Rated]) -> str:
    preliminary = [_name(row) for row in rows if row.preliminary]
    if not preliminary:
        return ""
    return f"; {listed(preliminary)} {'is' if len(preliminary) == 1 else 'are'} preliminary"


def _name(row: Rated) -> str:
    return isolated(shortened(printable(row.name), LONGEST_NAME_IN_EM, size=1))


def _rating(row: Rated) -> str:
    return rating(row.mean, row.low, row.high)
