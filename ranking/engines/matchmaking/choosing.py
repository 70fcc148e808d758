"""Choosing a set by a policy under the rules common to all, with the probability of what was chosen.

The choice is a mixture: a share `audit` of the battles is uniform; while somebody was shown too rarely, a share
`rescue` of the rest is given to those; the remainder follows the policy. A set that the voter has judged on this prompt
is replaced by a uniform choice among the others. With c the parts and F the forbidden sets, for a set A not in F

    P(A) = sum_c share_c P_c(A) + (sum_{f in F} sum_c share_c P_c(f) + D) U(A) / (1 - E - sum_{f in F} U(f)),

with D = sum_c share_c d_c and E the chances that drawing ends before the set is full, because conflicts leave nobody to
add; both are 0 where the conflicts are between groups of which nobody meets another of the same, and there are enough
groups. Every P_c is exact but for two cases, in which `Choice.exact` is False: a policy that draws its plan at random
gets the mean over the plans it drew, the one that was used among them, which makes it a little too large but never 0;
and other conflicts, where D and E are estimated from `TRIALS` draws each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ranking.engines.matchmaking import loops
from ranking.engines.matchmaking.plans import AnyPlan, Plan, even
from ranking.engines.matchmaking.policies import Policy, PolicyError
from ranking.engines.matchmaking.situation import Bools, Situation

TRIALS = 400
_PATIENCE = 200  # draws after which conflicts and judged sets are taken to leave nothing


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
    plans: tuple[AnyPlan, ...]  # several stand for a random one, the first is drawn from

    def probability(self, members: tuple[int, ...]) -> float:
        return sum(plan.probability(self.situation, members) for plan in self.plans) / len(self.plans)


def choose(situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator) -> Choice | None:
    """A set, or None where the eligible contestants, conflicts and judged sets leave none."""
    if situation.count < situation.size:
        return None
    if situation.conflicts is None and math.comb(situation.count, situation.size) <= len(set(situation.forbidden)):
        return None
    part, parts = _parts(situation, policy, rules, rng)
    members = part.plans[0].draw(part.situation, rng)
    if not members or frozenset(members) in situation.forbidden:
        members = _another(situation, rng)
        if not members:
            return None
    probability, uniform, exact = _probability(situation, parts, members, rng)
    slots = tuple(rng.permutation(np.array(members)).tolist())
    return Choice(slots, min(probability, 1.0), min(uniform, 1.0), exact)


def drawn(situation: Situation, policy: Policy, rules: Rules, rng: np.random.Generator) -> tuple[int, ...]:
    """A set as `choose` chooses it, without its probability; empty where there is none. Forbidden sets are not kept."""
    part, _ = _parts(situation, policy, rules, rng)
    return part.plans[0].draw(part.situation, rng) or _another(situation, rng)


def probability_of(
    situation: Situation, policy: Policy, rules: Rules, members: tuple[int, ...], rng: np.random.Generator
) -> float:
    """The probability with which `choose` returns this set, for policies that draw no plan at random exact."""
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
    parts = [_Part(rules.audit, situation, (even(situation),))]
    left = 1 - rules.audit
    rested = _rested(situation, rules)
    plans = tuple(policy.plans(rested, rng))
    rare = situation.shown < rules.floor * situation.shown.mean()
    if rare.any() and rules.rescue > 0:
        among = _unwelcome(situation, ~rare)
        parts.append(_Part(left * rules.rescue, among, tuple(_for_rare(each, among, rare) for each in plans)))
        left *= 1 - rules.rescue
    parts.append(_Part(left, rested, plans))
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
    chosen = plan if isinstance(plan, Plan) else even(situation)
    return replace(chosen, pivots=rare.astype(np.float64), starts=None)


def _another(situation: Situation, rng: np.random.Generator) -> tuple[int, ...]:
    plan = even(situation)
    for _ in range(_PATIENCE):
        members = plan.draw(situation, rng)
        if members and frozenset(members) not in situation.forbidden:
            return members
    return ()


def _probability(
    situation: Situation, parts: tuple[_Part, ...], members: tuple[int, ...], rng: np.random.Generator
) -> tuple[float, float, bool]:
    sure = _always_full(situation)
    exact = sure and all(len(part.plans) == 1 for part in parts)

    def by_parts(chosen: tuple[int, ...]) -> float:
        return sum(part.share * part.probability(chosen) for part in parts)

    plan = even(situation)
    judged = [tuple(group) for group in set(situation.forbidden) if _possible(situation, group)]
    ended, ended_even = 0.0, 0.0
    if not sure:
        ended = sum(part.share * _share_ended(part.situation, part.plans[0], rng) for part in parts)
        ended_even = _share_ended(situation, plan, rng)
    left = 1 - ended_even - sum(plan.probability(situation, group) for group in judged)
    # An estimate can leave less than the set itself has.
    uniform = plan.probability(situation, members) / max(left, plan.probability(situation, members))
    return by_parts(members) + (sum(by_parts(group) for group in judged) + ended) * uniform, uniform, exact


def _possible(situation: Situation, group: frozenset[int]) -> bool:
    return len(group) == situation.size and all(0 <= member < situation.count for member in group)


def _always_full(situation: Situation) -> bool:
    """Whether a set can be completed whoever is chosen first."""
    if situation.conflicts is None:
        return True
    first = situation.blocked.argmax(axis=1)  # of one's group, if conflicts are between all of a group
    if np.array_equal(situation.blocked, first[:, None] == first[None, :]):
        return len(np.unique(first)) >= situation.size
    return situation.count > (situation.size - 1) * int(situation.blocked.sum(axis=1).max())


def _share_ended(situation: Situation, plan: AnyPlan, rng: np.random.Generator) -> float:
    """Of draws, how many end before the set is full."""
    return sum(not plan.draw(situation, rng) for _ in range(TRIALS)) / TRIALS
