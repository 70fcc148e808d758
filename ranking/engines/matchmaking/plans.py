"""A plan: chances from which a set is drawn, and the probability of any set under them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ranking.engines.matchmaking import loops, sets
from ranking.engines.matchmaking.situation import Floats, Situation
from ranking.engines.matchmaking.windows import Window

# Of the loops: kind, base, pairs, starts, mean, covariance, gladness, blocked, pivots, sharpness.
_Arguments = tuple[int, Any, Any, Any, Any, Any, Any, Any, Any, float]
_NOBODY = np.zeros(0)
_NO_PAIRS = np.zeros((0, 0))


@dataclass(frozen=True)
class Plan:
    """Members are chosen one after another, each with a chance that goes with its score to the power `sharpness`.

    kind: the score of q after the members S is base_q + sum_{a in S} pairs_aq (SUM), pairs_pq with p the first member
    (ROW), or the information of S and q together (INFORMATION, `loops.information`).
    The first member is drawn from `pivots` (n chances) if there are any, else the first two from `starts` (n x n
    scores) if there are any, else the first like the others. Scores are 0 or above; sharpness is above 0, and
    infinite for the best alone, equals at random.
    """

    kind: int = loops.SUM
    base: Floats | None = None
    pairs: Floats | None = None
    starts: Floats | None = None
    pivots: Floats | None = None
    sharpness: float = math.inf

    def draw(self, situation: Situation, rng: np.random.Generator) -> tuple[int, ...]:
        """Members in the order of choice; empty if conflicts left nobody to add. Cost: K n, and n^2 / 2 for starts."""
        uniforms = rng.random(situation.size)
        return tuple(loops.draw(*self._arguments(situation), situation.size, uniforms).tolist())

    def probability(self, situation: Situation, members: tuple[int, ...]) -> float:
        """Exact, whatever the order. Cost: 2^K n (times K for pivots, times K^3 for information)."""
        return float(loops.chance(*self._arguments(situation), np.array(members, np.int64)))

    def _arguments(self, situation: Situation) -> _Arguments:
        n = situation.count
        base = np.zeros(n) if self.base is None else self.base
        pairs = np.zeros((n, n)) if self.pairs is None else self.pairs
        starts = _NO_PAIRS if self.starts is None else self.starts
        pivots = _NOBODY if self.pivots is None else self.pivots
        return (
            self.kind, base, pairs, starts, np.ascontiguousarray(situation.mean),
            np.ascontiguousarray(situation.covariance), situation.gladness, situation.blocked, pivots,
            self.sharpness,
        )  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """One of some sets, each as likely as the others."""

    sets: tuple[tuple[int, ...], ...]

    def draw(self, situation: Situation, rng: np.random.Generator) -> tuple[int, ...]:
        return self.sets[rng.integers(len(self.sets))]

    def probability(self, situation: Situation, members: tuple[int, ...]) -> float:
        wanted = frozenset(members)
        return sum(frozenset(group) == wanted for group in self.sets) / len(self.sets)


@dataclass(frozen=True)
class Even:
    """Every allowed set as likely as the others, however tired the voter is of anybody."""

    def draw(self, situation: Situation, rng: np.random.Generator) -> tuple[int, ...]:
        """Empty where conflicts allow none."""
        if situation.conflicts is None:  # one after another comes to the same, and is compiled
            return anybody(situation).draw(situation, rng)
        return sets.uniform(situation, (), rng)

    def probability(self, situation: Situation, members: tuple[int, ...]) -> float:
        return 1 / sets.allowed(situation).count


AnyPlan = Plan | Listed | Even | Window


def anybody(situation: Situation) -> Plan:
    """One after another, each as likely as the others, however tired the voter is of anybody."""
    return Plan(base=1 / situation.gladness, sharpness=1.0)
