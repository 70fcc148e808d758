"""Choosing a set by a policy under the rules common to all, with the probability of what was chosen.

The choice is a mixture: a share `audit` of the battles is uniform; while somebody was shown too rarely, a share
`rescue` of the rest is given to those; the remainder follows the policy. A set that the voter has judged on this prompt
is replaced by a uniform choice among the others. With c the parts, F the forbidden sets that could be chosen otherwise
and N the number of sets that conflicts allow, for a set A not in F

    P(A) = sum_c share_c P_c(A) + (sum_{f in F} sum_c share_c P_c(f) + sum_c share_c d_c) / (N - |F|),

with d_c the chance that drawing ends before the set is full, because conflicts leave nobody to add. It is 0 where the
conflicts are between groups of which nobody meets another of the same, and any set is left. Every P_c is exact but for
two cases, in which `Choice.exact` is False: windows of a random order, which have Monte Carlo estimates (`windows`),
and other conflicts, where d is estimated from `TRIALS` draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ranking.engines.matchmaking import loops, sets
from ranking.engines.matchmaking.plans import AnyPlan, Even, Plan, anybody
from ranking.engines.matchmaking.policies import Policy, PolicyError
from ranking.engines.matchmaking.situation import Bools, Situation
from ranking.engines.matchmaking.windows import Window

TRIALS = 400


@dataclass(frozen=True)
class Rules:
    """What holds whatever the policy.

    audit: share of uniform battles, from which unbiased win rates can be computed. floor: those who were shown in fewer
    than this share of the mean exposure fill `rescue` of the other battles; the defaults hold the floor whatever the
    policy does, since it needs rescue >= (floor - audit) / (1 - audit) at most. ceiling: whoever was shown more
    than this many times the mean takes a rest from the policy.
    """

    audit: float = 0.1
    floor: float = 0.5
    rescue: float = 0.45
    ceiling: float = 3.0

    def __post_init__(self) -> None:
        for name in ("audit", "floor", "rescue"):
            if not 0 <= getattr(self, name) <= 1:
                raise PolicyError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if not self.ceiling > 1:
            raise PolicyError(f"ceiling must be above 1 (the mean exposure), not {self.ceiling}")


NO_RULES = Rules(audit=0.0, floor=0.0, rescue=0.0, ceiling=math.inf)


@dataclass(frozen=True)
class Choice:
    """The indices chosen, in shuffled order, and the probability of the set under the choice and a uniform one."""

    members: tuple[int, ...]
    probability: float
    uniform: float
    exact: bool


@dataclass(frozen=True)
class _Part:
    share: float
    situation: Situation
    plan: AnyPlan

    def probability(self, members: tuple[int, ...]) -> float:
        return self.plan.probability(self.situation, members)

    def total(self, groups: Sequence[tuple[int, ...]]) -> float:
        """The probability of several sets together."""
        if isinstance(self.plan, Window):
            return self.plan.total(self.situation, groups)
        return sum(self.probability(members) for members in groups)


def choose(situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator) -> Choice | None:
    """A set, or None where the eligible contestants, conflicts and judged sets leave none."""
    if sets.allowed(situation).count <= len(situation.judged):
        return None
    part, parts = _parts(situation, policy, rules, rng)
    members = part.plan.draw(part.situation, rng)
    if not members or frozenset(members) in situation.forbidden:
        members = sets.uniform(situation, situation.judged, rng)
    probability, uniform, exact = _probability(situation, parts, members, rng)
    slots = tuple(rng.permutation(np.array(members)).tolist())
    return Choice(slots, min(probability, 1.0), min(uniform, 1.0), exact)


def drawn(situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator) -> tuple[int, ...]:
    """A set as `choose` chooses it, without its probability; empty where there is none. Forbidden sets are not kept."""
    part, _ = _parts(situation, policy, rules, rng)
    return part.plan.draw(part.situation, rng) or sets.uniform(situation, (), rng)


def probability_of(
    situation: Situation, policy: Policy, rules: Rules, members: tuple[int, ...], rng: np.random.Generator
) -> float:
    """The probability with which `choose` returns this set, an estimate where `weighed` says so."""
    return weighed(situation, policy, rules, members, rng).probability


def weighed(
    situation: Situation, policy: Policy, rules: Rules, members: tuple[int, ...], rng: np.random.Generator
) -> Choice:
    """This set as if `choose` had chosen it."""
    _, parts = _parts(situation, policy, rules, rng)
    probability, uniform, exact = _probability(situation, parts, members, rng)
    return Choice(members, min(probability, 1.0), min(uniform, 1.0), exact)


def _parts(
    situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator
) -> tuple[_Part, tuple[_Part, ...]]:
    """The part that this battle comes from, and all of them."""
    parts = [_Part(rules.audit, situation, Even())]
    left = 1 - rules.audit
    rested = _rested(situation, rules)
    plan = policy.plan(rested, rng)
    rare = situation.shown < rules.floor * situation.shown.mean()
    if rare.any() and rules.rescue > 0:
        among = _unwelcome(situation, ~rare)
        parts.append(_Part(left * rules.rescue, among, _for_rare(plan, among, rare)))
        left *= 1 - rules.rescue
    parts.append(_Part(left, rested, plan))
    at = loops.pick(np.array([part.share for part in parts]), 1.0, rng.random())
    return parts[at], tuple(parts)


def _rested(situation: Situation, rules: Rules) -> Situation:
    return _unwelcome(situation, situation.shown > rules.ceiling * (situation.shown.mean() + 1))


def _unwelcome(situation: Situation, who: Bools) -> Situation:
    """With these as unwelcome as the deepest fatigue makes them: chosen if there is hardly anybody else."""
    if not who.any() or who.all():
        return situation
    new = None if situation.newcomers is None else situation.newcomers & ~who
    return replace(situation, fatigue=situation.gladness * np.where(who, 1e-9, 1.0), newcomers=new)


def _for_rare(plan: AnyPlan, situation: Situation, rare: Bools) -> Plan:
    """The plan, begun with one of those shown too rarely."""
    chosen = plan if isinstance(plan, Plan) else anybody(situation)
    return replace(chosen, pivots=rare.astype(np.float64), starts=None)


def _probability(
    situation: Situation, parts: tuple[_Part, ...], members: tuple[int, ...], rng: np.random.Generator
) -> tuple[float, float, bool]:
    left = sets.allowed(situation).count - len(situation.judged)
    if left == 1:
        return 1.0, 1.0, True
    sure = _always_full(situation)
    exact = sure and not any(isinstance(part.plan, Window) for part in parts)
    uniform = 1 / left

    own = sum(part.share * part.probability(members) for part in parts)
    again = sum(part.share * (part.total(situation.judged) + _ended(part, sure, rng)) for part in parts)
    return own + again * uniform, uniform, exact


def _always_full(situation: Situation) -> bool:
    """Whether a set can be completed whoever is chosen first."""
    if situation.groups is not None:
        return len(situation.groups) >= situation.size
    return situation.count > (situation.size - 1) * int(situation.blocked.sum(axis=1).max())


def _ended(part: _Part, sure: bool, rng: np.random.Generator) -> float:
    """Of draws, how many end before the set is full."""
    if isinstance(part.plan, Window):
        return float(part.plan.too_few)
    if sure or not isinstance(part.plan, Plan):
        return 0.0
    return sum(not part.plan.draw(part.situation, rng) for _ in range(TRIALS)) / TRIALS
