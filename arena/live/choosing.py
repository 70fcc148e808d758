"""Choosing who answers a live prompt: the arena's own choice of a battle, on one prompt that everybody can answer.

With the prompt given by the voter, the probability that is stored is that of the set alone:
a U(set) + (1 - a) Q(set) with the share a of uniform battles, the uniform choice U and the policy Q.

A contestant that cannot answer gives way to another one. With S the others of the set and g running over those who may
join them (over groups, where several failed), the newcomer is drawn with probabilities proportional to P(S + g), P
being the choice among all but those who failed. Stored is then P of the final set: what its probability would have
been, had the failed ones never been eligible. Under the uniform choice this is exact; under a policy it is not, since
who failed was found out by asking them, so that a replaced battle is marked as not exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from arena.matchmaking.choosing import Choice, choose
from arena.matchmaking.knowledge import Knowledge
from arena.matchmaking.rules import ArenaRules
from ranking.engines.matchmaking import choosing
from ranking.engines.matchmaking.choosing import NO_RULES
from ranking.engines.matchmaking.policies import Uniform

HERE = 0  # the one prompt, by index
_NO_PROMPT = -1  # its id while it has none


@dataclass(frozen=True)
class Joined:
    """Who takes the free places (indices of the stock in random order), and the probability of the set then."""

    contestants: tuple[int, ...]
    probability: float
    uniform: float


def at_hand(knowledge: Knowledge, answering: Collection[int]) -> Knowledge:
    """The same beliefs and exposure, with one prompt that those with these contestant ids can answer."""
    stock = replace(
        knowledge.stock,
        prompts=np.array([_NO_PROMPT], np.int64),
        categories=((),),
        judged=np.zeros(1, np.int64),
        ready=np.isin(knowledge.stock.contestants, list(answering))[None, :],
    )
    return replace(knowledge, stock=stock, rounds={})


def choose_set(
    here: Knowledge, rules: ArenaRules, lately: Sequence[Collection[int]], rng: np.random.Generator
) -> Choice | None:
    """Who answers, in the order of the slots; None where too few can. `here`: as `at_hand` returns it."""
    return choose(
        here,
        size=rules.size,
        policy=rules.policy,
        rules=rules.rules,
        audit=rules.audit,
        prompt_choice="even",
        quota={},
        seen={},
        lately=lately,
        rng=rng,
    )


def choose_others(
    here: Knowledge,
    rules: ArenaRules,
    staying: Collection[int],
    lately: Sequence[Collection[int]],
    rng: np.random.Generator,
) -> Joined | None:
    """Who joins those that stay (ids), or None where too few can. `here` leaves out who failed.

    Cost: one probability for each set that those who stay could be part of.
    """
    situation, eligible = here.situation(HERE, rules.size, (), lately)
    ids = here.stock.contestants[eligible]
    kept = tuple(np.flatnonzero(np.isin(ids, list(staying))).tolist())
    if len(kept) != len(staying):
        return None  # one of those that stay was paused meanwhile
    blocked = situation.blocked
    free = [at for at in range(situation.count) if at not in kept and not any(blocked[at, one] for one in kept)]
    possible = [
        joining
        for joining in combinations(free, rules.size - len(kept))
        if not any(blocked[one, other] for one, other in combinations(joining, 2))
    ]
    if not possible:
        return None
    found = []
    for joining in possible:
        members = (*kept, *joining)
        by_policy = choosing.weighed(situation, rules.policy, rules.rules, members, rng)
        by_chance = choosing.weighed(situation, Uniform(), NO_RULES, members, rng)
        mixed = rules.audit * by_chance.uniform + (1 - rules.audit) * by_policy.probability
        found.append((min(mixed, 1.0), by_policy.uniform))
    weights = np.array([probability for probability, _ in found])
    place = int(rng.choice(len(possible), p=weights / weights.sum()))
    chosen = rng.permutation(np.array(possible[place]))
    return Joined(tuple(int(eligible[at]) for at in chosen), *found[place])
