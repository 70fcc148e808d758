"""The policies: each turns a situation into a plan, from which a set is drawn with a known probability.

All are frozen values without state: what has happened before is in the situation.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ranking.engines.errors import EngineError
from ranking.engines.matchmaking import loops
from ranking.engines.matchmaking.plans import AnyPlan, Even, Listed, Plan
from ranking.engines.matchmaking.situation import Floats, Played, Situation
from ranking.engines.matchmaking.windows import window


class PolicyError(EngineError):
    """A policy that does not exist, a parameter it does not have, or a situation it cannot judge."""


class Policy(Protocol):
    name: ClassVar[str]

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        """What to draw a set from."""
        ...


@dataclass(frozen=True)
class Uniform:
    """Every set equally likely."""

    name: ClassVar[str] = "uniform"

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        return Even()


@dataclass(frozen=True)
class Coverage:
    """Those who were shown least, equals at random."""

    name: ClassVar[str] = "coverage"

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        least = situation.shown.min() if situation.count else 0
        return Plan(base=1.0 / (1.0 + situation.shown - least))


@dataclass(frozen=True)
class KSort:
    """K-Sort Arena: a pivot, and the opponents with the highest upper confidence bound against it.

    U(p, q) = sign |S_p - S_q| + alpha sqrt(ln N / n_pq), with S = mu - 3 sigma, N battles so far and n_pq those with
    both; opponents never met come first. The paper prints sign = +1, against its own text, which wants opponents of
    similar strength; -1 is what the text means and the default. Of the pivot the paper says no more than that there is
    one: pivot="least-shown" takes whoever was shown least, equals at random, pivot="random" anybody.
    Source: Li and others 2024, "K-Sort Arena", section on exploration and exploitation.
    """

    alpha: float = 1.0
    sign: float = -1.0
    pivot: str = "least-shown"
    name: ClassVar[str] = "ksort"

    def __post_init__(self) -> None:
        _require("alpha", self.alpha, 0, math.inf)
        if self.sign not in {-1.0, 1.0}:
            raise PolicyError(f"sign must be -1 (as the text means it) or 1 (as printed), not {_short(self.sign)}")
        if self.pivot not in {"least-shown", "random"}:
            raise PolicyError(f"pivot must be least-shown or random, not {self.pivot!r}")

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        if situation.met is None:
            raise PolicyError("ksort needs to know who has met whom")
        score = situation.mean - 3 * np.sqrt(np.diag(situation.covariance))
        battles = max(float(situation.shown.sum()) / situation.size, 1.0)
        bound = loops.upper_bounds(score, situation.met, float(self.alpha), battles, float(self.sign))
        pivots = _least_shown(situation) if self.pivot == "least-shown" else np.ones(situation.count)
        return _row(bound, pivots)


@dataclass(frozen=True)
class ThompsonWindow:
    """A joint draw of the strengths, a random pivot, and its nearest neighbours in the drawn order.

    Of whom the voter is tired sits out so much the more often. How likely a set is, is estimated from `draws` other
    draws (`windows`).
    """

    draws: int = 64
    name: ClassVar[str] = "thompson-window"

    def __post_init__(self) -> None:
        _require("draws", self.draws, 1, 100_000)

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        return window(situation, int(self.draws), rng)


@dataclass(frozen=True)
class ExpectedInformation:
    """Greedily the set whose full ranking is expected to tell most: log det(I + Sigma_AA H_A).

    That is the mutual information between the strengths and a Gaussian observation with the information H_A that a
    Plackett-Luce ranking of A has at the mean, taken in its most probable order.
    """

    sharpness: float = math.inf
    name: ClassVar[str] = "expected-information"

    def __post_init__(self) -> None:
        _require_sharpness(self.sharpness)

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        starts = loops.information_of_pairs(situation.mean, situation.covariance)
        return Plan(kind=loops.INFORMATION, starts=starts, sharpness=float(self.sharpness))


@dataclass(frozen=True)
class Misorder:
    """Those whose order is most uncertain and most worth knowing. The default.

    W_ij = q_ij V_ij (1 + top_weight t_ij), with V the variance of the difference and q the probability that the order
    of the means is wrong. top_count=0 is for a board that is read from the top: t_ij = 1 / r_i + 1 / r_j, r the
    expected rank. top_count=m is for knowing who the first m are, in whatever order: t_ij = b_i (1 - b_j) +
    b_j (1 - b_i) is the probability that the line below the first m runs between the two, b_i = Phi((m + 1/2 - r_i) /
    s_i), s_i^2 = sum_j p_ij (1 - p_ij) and p_ij the probability that j is above i. A top_weight of 20 does well there.

    variant="pair-sum": the pair with the largest W, then whoever has the largest sum of W with those chosen.
    variant="row": the contestant with the largest sum of W over all others, then its largest W; better for the order as
    a whole, poor at the very top.
    """

    top_weight: float = 5.0
    sharpness: float = math.inf
    variant: str = "pair-sum"
    top_count: float = 0.0
    name: ClassVar[str] = "misorder"

    def __post_init__(self) -> None:
        _require("top_weight", self.top_weight, 0, 1e6)
        _require("top_count", self.top_count, 0, 1e6)
        _require_sharpness(self.sharpness)
        if self.variant not in {"pair-sum", "row"}:
            raise PolicyError(f"variant must be pair-sum or row, not {self.variant!r}")

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        weights = loops.misorder(situation.mean, situation.covariance, self.top_weight, self.top_count)
        if self.variant == "pair-sum":
            return Plan(pairs=weights, starts=weights, sharpness=float(self.sharpness))
        pivots = weights.sum(axis=1) * situation.gladness
        loops.sharpen(pivots, float(self.sharpness))
        return Plan(kind=loops.ROW, pairs=weights, pivots=pivots, sharpness=float(self.sharpness))


@dataclass(frozen=True)
class Tournament:
    """Single elimination among the contestants of one prompt: groups of K, the winner goes on.

    Whoever was in a battle on this prompt that somebody else won is out. Of those with the fewest victories groups are
    formed so that the strongest meet last; a group that is not full takes in the strongest of the others. When one
    alone is left, a new tournament begins. One of the groups still to play is chosen, each equally likely, but none
    that conflicts keep apart; where they leave none, those shown least are chosen. The rating pools all prompts.
    """

    name: ClassVar[str] = "tournament"

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        if situation.count < situation.size:
            raise PolicyError(f"{situation.count} contestants are too few for battles of {situation.size}")
        victories, _ = replayed(range(situation.count), situation.rounds)
        alive = [member for member in range(situation.count) if victories[member] >= 0]
        fewest = min(victories[member] for member in alive)
        strength = [*situation.mean.tolist()]
        current = sorted((m for m in alive if victories[m] == fewest), key=lambda m: (-strength[m], m))
        groups = _seeded(current, situation.size)
        rest = sorted(set(range(situation.count)) - set(current), key=lambda m: (victories[m] < 0, -strength[m], m))
        sets = [tuple(_filled(group, rest + current, situation.size)) for group in groups]
        apart = ~np.eye(situation.count, dtype=np.bool_) & situation.blocked
        allowed = tuple(group for group in sets if not apart[np.ix_(group, group)].any())
        return Listed(allowed) if allowed else Coverage().plan(situation, rng)


@dataclass(frozen=True)
class Swiss:
    """One of those shown least, against those nearest in strength among whom it has met least."""

    name: ClassVar[str] = "swiss"

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        if situation.met is None:
            raise PolicyError("swiss needs to know who has met whom")
        apart = np.abs(situation.mean[:, None] - situation.mean[None, :])
        nearness = 1 - apart / (apart.max() + 1e-300)
        behind = (situation.shown - situation.shown.min()).astype(np.float64)
        return _row(nearness - 2.0 * situation.met - 2.0 * behind[None, :], _least_shown(situation))


@dataclass(frozen=True)
class Placement:
    """The newcomer about whom least is known, against those it is hardest to tell from; misorder without newcomers."""

    top_weight: float = 0.0
    name: ClassVar[str] = "placement"

    def __post_init__(self) -> None:
        _require("top_weight", self.top_weight, 0, 1e6)

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        new = situation.newcomers
        if new is None or not new.any():
            return Misorder(self.top_weight).plan(situation, rng)
        weights = loops.misorder(situation.mean, situation.covariance, self.top_weight)
        if not new.all():  # newcomers tell each other nothing yet: anchors first
            weights[:, new] *= 1e-6
        variance = np.where(new, np.diag(situation.covariance) * situation.gladness, -1.0)
        loops.sharpen(variance, math.inf)
        return Plan(kind=loops.ROW, pairs=weights, pivots=variance)


@dataclass(frozen=True)
class FixedWeights:
    """Drawn one after another in proportion to weights that the arena sets."""

    name: ClassVar[str] = "fixed-weights"

    def plan(self, situation: Situation, rng: np.random.Generator) -> AnyPlan:
        weights = np.ones(situation.count) if situation.weights is None else situation.weights
        return Plan(base=np.ascontiguousarray(weights, np.float64), sharpness=1.0)


def _row(scores: Floats, pivots: Floats) -> Plan:
    """Pivots as given, opponents by the best score against the pivot; scores of any sign, infinite ones first."""
    # Only the order counts for a policy that takes the best, so scores can be put where chances have to be.
    return Plan(kind=loops.ROW, pairs=loops.lifted(scores), pivots=pivots)


def _least_shown(situation: Situation) -> Floats:
    return np.asarray((situation.shown == situation.shown.min()) * situation.gladness, dtype=np.float64)


def replayed(everybody: Collection[int], rounds: Sequence[Played]) -> tuple[dict[int, int], int]:
    """Victories of each in the tournament that is on, -1 for those who are out, and the index of its first battle."""
    victories = dict.fromkeys(everybody, 0)
    alive, start = len(victories), 0
    for at, played in enumerate(rounds):
        if played.winner not in victories:
            continue
        for member in played.members:
            if victories.get(member, -1) >= 0:  # who is out stays out, even as a winner
                victories[member] = victories[member] + 1 if member == played.winner else -1
                alive -= member != played.winner
        if alive <= 1:
            victories, alive, start = dict.fromkeys(everybody, 0), len(victories), at + 1
    return victories, start


def _seeded(members: list[int], size: int) -> list[list[int]]:
    """Groups of at most `size`, filled to and fro from the strongest on."""
    count = -(-len(members) // size)
    groups: list[list[int]] = [[] for _ in range(count)]
    for at, member in enumerate(members):
        turn, place = divmod(at, count)
        groups[place if turn % 2 == 0 else count - 1 - place].append(member)
    return groups


def _filled(group: list[int], others: list[int], size: int) -> list[int]:
    return group + [member for member in others if member not in group][: size - len(group)]


def _require(name: str, value: float, low: float, high: float) -> None:
    # Whole numbers may be larger than any float: they compare, but cannot be turned into one.
    if not low <= value <= min(high, sys.float_info.max):
        where = f"from {low:g} to {high:g}" if high < math.inf else f"of at least {low:g}"
        raise PolicyError(f"{name} must be a number {where}, not {_short(value)}")


def _require_sharpness(value: float) -> None:
    if not (0 < value <= sys.float_info.max or value == math.inf):
        raise PolicyError(f"sharpness must be above 0 (infinite for the best alone), not {_short(value)}")


def _short(value: float) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:8]}... of {len(text)} digits"
