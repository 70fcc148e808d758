"""Choosing a battle: a prompt, then a set of contestants, with the probability of both.

A share `a` of battles is for audit: prompt and set are both uniform. The others draw the prompt by the arena's rule R
and the set by its policy Q, so that with P prompts to choose from

    P(prompt, set) = a / P * U(set | prompt) + (1 - a) R(prompt) Q(set | prompt),

and every battle that uniform choice could make can be made. U and Q leave out what the voter has judged before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from arena.matchmaking.knowledge import Bools, Floats, Ints, Knowledge, Stock
from arena.matchmaking.prompts import chances
from ranking.engines.matchmaking import choosing
from ranking.engines.matchmaking.choosing import NO_RULES, Rules
from ranking.engines.matchmaking.policies import Policy, Uniform
from ranking.engines.matchmaking.sets import count_of


@dataclass(frozen=True)
class Choice:
    """Indices into the stock, contestants in the order of the slots, and the probability of prompt and set.

    uniform: what the probability would have been under uniform choice; exact: whether it is no Monte Carlo estimate.
    """

    prompt: int
    contestants: tuple[int, ...]
    probability: float
    uniform: float
    exact: bool


def choose(
    knowledge: Knowledge,
    *,
    size: int,
    policy: Policy,
    rules: Rules,
    audit: float,
    prompt_choice: str,
    quota: Mapping[str, float],
    seen: Mapping[int, Sequence[frozenset[int]]],
    lately: Sequence[Collection[int]],
    rng: np.random.Generator,
) -> Choice | None:
    """A battle, or None where no prompt has a set that this voter has not seen.

    seen: prompt id -> sets of contestant ids shown to the voter; lately: members of its latest battles, oldest first.
    """
    possible = _possible(knowledge, size, seen)
    if not len(possible):
        return None
    by_rule = _by_rule(knowledge, possible, size, prompt_choice, quota, rules)
    audited = rng.random() < audit
    at = int(rng.integers(len(possible)) if audited else rng.choice(len(possible), p=by_rule))
    prompt = int(possible[at])
    forbidden = tuple(set(seen.get(int(knowledge.stock.prompts[prompt]), ())))
    situation, here = knowledge.situation(prompt, size, forbidden, lately)
    drawn = choosing.choose(situation, Uniform() if audited else policy, NO_RULES if audited else rules, rng)
    if drawn is None:
        raise AssertionError("a possible prompt has a set that the voter has not seen")
    by_policy = choosing.weighed(situation, policy, rules, drawn.members, rng) if audited else drawn
    uniform = drawn.uniform / len(possible)
    probability = audit * uniform + (1 - audit) * float(by_rule[at]) * by_policy.probability
    members = tuple(int(here[member]) for member in drawn.members)
    return Choice(prompt, members, min(probability, 1.0), min(uniform, 1.0), by_policy.exact)


def _possible(knowledge: Knowledge, size: int, seen: Mapping[int, Sequence[frozenset[int]]]) -> Ints:
    """Prompts with a set that the voter has not been shown. No other is drawn, or probabilities would not be exact."""
    stock = knowledge.stock
    possible = stock.groups >= size
    for at in np.flatnonzero(possible):
        shown = seen.get(int(stock.prompts[at]))
        # One of each group makes at least so many sets; only who has seen as many needs to have them counted.
        if shown and comb(int(stock.groups[at]), size) <= len(shown):
            possible[at] = _left(stock, int(at), size, shown) > 0
    return np.flatnonzero(possible)


def _left(stock: Stock, prompt: int, size: int, shown: Sequence[frozenset[int]]) -> int:
    """How many sets the prompt with this index has that are not among those shown."""
    here = np.flatnonzero(stock.ready[prompt])
    group = {int(stock.contestants[at]): stock.apart[at] or int(at) for at in here}  # without a word alone
    sizes = list(Counter(group.values()).values())
    gone = [
        members
        for members in set(shown)
        if len(members) == size and members <= group.keys() and len({group[each] for each in members}) == size
    ]
    return count_of(sizes, size) - len(gone)


def _by_rule(
    knowledge: Knowledge, possible: Ints, size: int, rule: str, quota: Mapping[str, float], rules: Rules
) -> Floats:
    """Chances of the possible prompts. While somebody was shown too rarely, a share goes to those it is ready on."""
    stock = knowledge.stock
    worth = knowledge.worth(size)[possible] if rule == "most-informative" else np.zeros(len(possible))

    def among(some: Bools) -> Floats:
        found = np.zeros(len(possible))
        categories = [stock.categories[at] for at in possible[some]] if quota else []
        found[some] = chances(rule, stock.judged[possible[some]], worth[some], categories, quota)
        return found

    everywhere = among(np.ones(len(possible), np.bool_))
    rare = knowledge.shown < rules.floor * knowledge.shown.mean()
    helpful = stock.ready[np.ix_(possible, rare)].any(axis=1)
    if not helpful.any() or helpful.all():
        return everywhere
    return rules.rescue * among(helpful) + (1 - rules.rescue) * everywhere
