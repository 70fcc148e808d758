"""When enough is known, and how many ballots are left until then.

Two goals. `TopKnown(count, level)`: the `count` contestants that stand best are, with probability `level` under the
posterior, the best `count`. `NarrowIntervals(points)`: every 95 % interval of a rating is at most so wide, from end to
end, in Elo points, of log-strengths centred at zero.

`ballots_left` plays the arena forward: in each of several worlds the true strengths are a draw of the posterior, the
policy chooses sets, voters rank them by Plackett-Luce, and the posterior is updated ballot by ballot (`online`) until
the goal is reached. The spread over worlds is the interval. To keep it cheap, once many have been played a set is used
for several ballots in a row, at most 1 in `_PATIENCE` of them, and beyond `_SINGLY` a ballot counts for several, at
most 1 in `_SINGLY`; both make the answer a little too large. Voters who disagree more than Plackett-Luce voters do make
it too small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ranking.engines import kernels
from ranking.engines.matchmaking.choosing import Rules, drawn
from ranking.engines.matchmaking.policies import Policy, PolicyError, Tournament, replayed
from ranking.engines.matchmaking.sets import allowed
from ranking.engines.matchmaking.situation import Floats, Ints, Played, Situation
from ranking.engines.standings import ELO_PER_LOGIT

WORLDS = 24
MOST = 200_000  # ballots played forward in a world; a goal further away is "more than this"
LEVEL = 0.8  # of the interval of ballots left
_DRAWS = 1000  # joint draws behind a probability: a standard error of 0.007 at 0.95
_LOOKS = 1.04  # the goal is looked at each time the ballots have grown by this factor, at least by one
_PATIENCE = 100
_SINGLY = 2000
_Z95 = 1.959963984540054  # standard normal quantile of .975

Ranks = Callable[[int], list[int]]


@dataclass(frozen=True)
class Progress:
    """How near a goal is: `value` against `target`, in the goal's own unit; whether it is reached."""

    value: float
    target: float
    reached: bool


class Goal(Protocol):
    def progress(self, mean: Floats, covariance: Floats, rng: np.random.Generator) -> Progress:
        """Of a posterior: mean (n,), covariance (n, n)."""
        ...


@dataclass(frozen=True)
class TopKnown:
    """The best `count` by mean are the best `count`, with probability `level`.

    Of n contestants or fewer that is no question for `count` >= n, and never reached: it says nothing, and reaching it
    would end the voting before the first ballot.
    """

    count: int = 5
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.count < 1:
            raise PolicyError(f"the goal must name at least one contestant, not {self.count}")
        if not 0.5 <= self.level < 1:
            raise PolicyError(f"the goal's probability must lie between 0.5 and 1, not {self.level}")

    def progress(self, mean: Floats, covariance: Floats, rng: np.random.Generator) -> Progress:
        if self.count >= len(mean):
            return Progress(1.0, self.level, False)
        order = np.argsort(-mean, kind="stable")
        drawn = mean + rng.standard_normal((_DRAWS, len(mean))) @ _root(covariance).T
        best, rest = drawn[:, order[: self.count]], drawn[:, order[self.count :]]
        share = float((best.min(axis=1) > rest.max(axis=1)).mean())
        return Progress(share, self.level, share >= self.level)


@dataclass(frozen=True)
class NarrowIntervals:
    """The widest 95 % interval has at most so many Elo points from end to end."""

    points: float = 30.0

    def __post_init__(self) -> None:
        if not self.points > 0:
            raise PolicyError(f"the goal's width must be above 0 points, not {self.points}")

    def progress(self, mean: Floats, covariance: Floats, rng: np.random.Generator) -> Progress:
        if not len(mean):
            return Progress(0.0, self.points, True)
        widest = 2 * _Z95 * ELO_PER_LOGIT * math.sqrt(max(float(np.diag(_centred(covariance)).max()), 0.0))
        return Progress(widest, self.points, widest <= self.points)


@dataclass(frozen=True)
class BallotsLeft:
    """Median over worlds and the central interval at `LEVEL`; None where the goal lies beyond `MOST` ballots or all."""

    median: int | None
    low: int | None
    high: int | None


def ballots_left(
    goal: Goal,
    situation: Situation,
    policy: Policy,
    *,
    rules: Rules | None = None,
    observed: Ranks | None = None,
    prompts: int = 1,
    worlds: int = WORLDS,
    most: int = MOST,
    rng: np.random.Generator,
) -> BallotsLeft:
    """How many more ballots the goal takes, under the rules of `choosing` (its defaults unless others are given).

    observed: the ranks that a ballot shows of K contestants in their true order, best first; all K by default,
    [1, 0, 0, 0] for best-only. prompts: on so many in turn, of which each has a tournament of its own. All None for a
    goal that no ballot comes nearer to, and where conflicts leave no set to choose. Cost: per world some hundred
    choices by the policy and `most` online updates at worst.
    """
    if goal.progress(situation.mean, situation.covariance, rng).reached:
        return BallotsLeft(0, 0, 0)
    if never_reached(goal, situation.count) or not allowed(situation).count:
        return BallotsLeft(None, None, None)
    ranks = observed or (lambda size: list(range(1, size + 1)))
    needed = sorted(
        _played(goal, situation, policy, rules or Rules(), ranks, prompts, most, rng) for _ in range(worlds)
    )

    def at(share: float) -> int | None:
        value = needed[min(int(share * worlds), worlds - 1)]
        return None if math.isinf(value) else int(value)

    return BallotsLeft(at(0.5), at((1 - LEVEL) / 2), at((1 + LEVEL) / 2))


def never_reached(goal: Goal, contestants: int) -> bool:
    """Whether the goal is one that no ballot among so many contestants comes nearer to."""
    return isinstance(goal, TopKnown) and goal.count >= contestants


def _played(
    goal: Goal,
    start: Situation,
    policy: Policy,
    rules: Rules,
    ranks: Ranks,
    prompts: int,
    most: int,
    rng: np.random.Generator,
) -> float:
    """Ballots until the goal is reached in one world, infinite beyond `most`."""
    truth = start.mean + _root(start.covariance) @ rng.standard_normal(start.count)
    mean = np.array(start.mean, np.float64)
    covariance = np.array(start.covariance, np.float64, order="C")
    shown = np.array(start.shown)
    met = np.zeros((start.count, start.count), np.int64) if start.met is None else np.array(start.met)
    tournaments = [_Rounds(start.rounds) for _ in range(prompts if isinstance(policy, Tournament) else 1)]
    played, look = 0, 1
    while played < most:
        tournament = tournaments[played % len(tournaments)]
        situation = replace(
            start, mean=mean, covariance=covariance, shown=shown, met=met, rounds=tuple(tournament.rounds)
        )
        members = _set(situation, policy, rules, rng)
        until = min(played + max(played // _PATIENCE, 1), look)
        while played < until:
            weight = min(max(played // _SINGLY, 1), until - played)
            first = _vote(mean, covariance, truth, members, ranks, weight, rng)
            if isinstance(policy, Tournament):
                tournament.add(start.count, members, first)
            shown[members] += weight
            met[np.ix_(members, members)] += weight
            played += weight
        if played >= look:
            if goal.progress(mean, covariance, rng).reached:
                return played
            look = max(played + 1, math.ceil(played * _LOOKS))
    return math.inf


def _set(situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator) -> Ints:
    members = drawn(situation, policy, rules, rng)
    if not members:
        raise PolicyError("conflicts leave no set to choose")
    return np.array(members, np.int64)


def _vote(
    mean: Floats, covariance: Floats, truth: Floats, members: Ints, ranks: Ranks, weight: int, rng: np.random.Generator
) -> int:
    """One ballot of a Plackett-Luce voter, counted `weight` times, taken into the posterior in place; who is first."""
    order = members[np.argsort(-(truth[members] + rng.gumbel(size=len(members))))]
    kernels.assimilate(mean, covariance, order.astype(np.int32), np.array(ranks(len(order)), np.int32), float(weight))
    return int(order[0])


class _Rounds:
    """The battles of the tournament that is on, on one prompt."""

    def __init__(self, rounds: Sequence[Played]) -> None:
        self.rounds = list(rounds)

    def add(self, contestants: int, members: Ints, first: int) -> None:
        self.rounds.append(Played(frozenset(members.tolist()), first))
        _, start = replayed(range(contestants), self.rounds)
        del self.rounds[:start]


def _centred(covariance: Floats) -> Floats:
    rows = covariance - covariance.mean(axis=0)
    return np.asarray(rows - rows.mean(axis=1)[:, None])


def _root(covariance: Floats) -> Floats:
    """A square root that exists for singular covariances as well, such as centred ones."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
