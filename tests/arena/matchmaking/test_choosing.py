"""A prompt and a set, with the probability that the two are chosen together."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from arena.matchmaking.choosing import Choice, choose
from arena.matchmaking.knowledge import Knowledge
from ranking.engines.matchmaking.choosing import NO_RULES, Rules
from ranking.engines.matchmaking.registry import POLICIES, policy_named
from tests.arena.matchmaking.stages import knowledge

FULL = [[1, 1, 1, 1, 1]] * 3
PARTLY = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]


def chosen(known: Knowledge, seed: int | np.random.Generator = 0, **options: Any) -> Choice | None:
    settings: dict[str, Any] = {
        "size": 3, "policy": policy_named("misorder", sharpness=2.0), "rules": Rules(audit=0.0), "audit": 0.2,
        "prompt_choice": "even", "quota": {}, "seen": {}, "lately": (), "rng": np.random.default_rng(seed),
    }  # fmt: skip
    return choose(known, **settings | options)


def key(choice: Choice) -> tuple[int, frozenset[int]]:
    return choice.prompt, frozenset(choice.contestants)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"audit": 1.0},
        {"prompt_choice": "least-judged"},
        {"prompt_choice": "most-informative"},
        {"seen": {100: [frozenset({10, 11, 12}), frozenset({12, 13, 14})], 101: [frozenset({10, 11, 12})]}},
        {"lately": [frozenset({10, 11, 12}), frozenset({10, 13, 14})]},
        {"policy": policy_named("fixed-weights"), "rules": NO_RULES},
        {"policy": policy_named("coverage")},
    ],
    ids=["plain", "audit", "least judged", "informative", "seen before", "tired", "weights", "coverage"],
)
def test_probabilities_match_frequencies(options: dict[str, Any]) -> None:
    """Over prompts and sets together, chi-square at .001, and they sum to one."""
    rng, draws = np.random.default_rng(7), 3000
    counts: Counter[tuple[int, frozenset[int]]] = Counter()
    said: dict[tuple[int, frozenset[int]], float] = {}
    for _ in range(draws):
        choice = chosen(knowledge(PARTLY, judged=np.array([3, 1, 1]), weights=np.arange(1.0, 6.0)), rng, **options)
        assert choice is not None
        assert choice.exact
        counts[key(choice)] += 1
        assert said.setdefault(key(choice), choice.probability) == pytest.approx(choice.probability)
    expected = np.array([said[each] for each in counts]) * draws
    often = expected > 5
    observed = np.array([counts[each] for each in counts])
    rare = draws - expected[often].sum()
    groups = [*observed[often], draws - observed[often].sum()], [*expected[often], rare]
    if rare < 1:
        groups = observed[often], expected[often] * observed[often].sum() / expected[often].sum()
    assert sum(said.values()) == pytest.approx(1, abs=0.02)
    assert chisquare(*groups).pvalue > 0.001


def test_every_battle_that_uniform_choice_could_make_has_a_probability_above_its_audit_share() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        choice = chosen(knowledge(PARTLY), rng, policy=policy_named("misorder"))
        assert choice is not None
        assert choice.probability >= 0.2 * choice.uniform - 1e-15
        assert choice.uniform == pytest.approx(1 / 3 / (10 if choice.prompt == 0 else 1))


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_chooses_only_what_is_ready_and_unseen(name: str) -> None:
    """Until the voter has seen all there is; then there is nothing."""
    possible = {(0, frozenset(each)) for each in combinations(range(5), 3)}
    possible |= {(1, frozenset({0, 1, 2})), (2, frozenset({2, 3, 4}))}
    known, rng = knowledge(PARTLY), np.random.default_rng(11)
    seen: dict[int, list[frozenset[int]]] = {}
    got = set()
    while (choice := chosen(known, rng, policy=policy_named(name), seen=seen)) is not None:
        assert len(set(choice.contestants)) == 3
        assert key(choice) not in got
        got.add(key(choice))
        seen.setdefault(100 + choice.prompt, []).append(frozenset(10 + at for at in choice.contestants))
        known.note(choice.prompt, choice.contestants)
    assert got == possible


def test_those_kept_apart_never_meet_and_a_prompt_that_has_no_one_else_is_left_out() -> None:
    known = knowledge(PARTLY, apart=("", "", "", "east", "east"))
    rng = np.random.default_rng(2)
    choices = [chosen(known, rng) for _ in range(200)]
    assert {choice.prompt for choice in choices if choice} == {0, 1}
    assert not any({3, 4} <= set(choice.contestants) for choice in choices if choice)
    assert None not in choices


def test_there_is_none_where_too_few_are_ready() -> None:
    assert chosen(knowledge([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])) is None


def test_there_is_none_without_prompts() -> None:
    assert chosen(knowledge(FULL, judged=np.zeros(3, np.int64)), size=6) is None


def test_a_voter_sees_one_contestant_less_often_the_more_it_has_seen_of_it() -> None:
    rng = np.random.default_rng(5)
    lately = [frozenset({12, 13, 14})] * 6

    def often(**options: Any) -> int:
        made = [chosen(knowledge([[1] * 12]), rng, audit=0.0, **options) for _ in range(300)]
        return sum(2 in choice.contestants for choice in made if choice)

    assert often(lately=lately) < 0.8 * often()


@pytest.mark.parametrize(("contestants", "most"), [(12, 35), (40, 12)])
def test_battles_in_flight_send_the_next_voters_elsewhere(contestants: int, most: int) -> None:
    """A hundred voters at once, none of whom has answered: without it all would see the same four."""
    known, rng = knowledge([[1] * contestants] * 2), np.random.default_rng(1)
    counts: Counter[frozenset[int]] = Counter()
    for _ in range(100):
        choice = chosen(known, rng, size=4, policy=policy_named("misorder"), audit=0.1)
        assert choice is not None
        counts[frozenset(choice.contestants)] += 1
        known.note(choice.prompt, choice.contestants)
    assert max(counts.values()) <= most
    assert known.shown.min() >= 0.5 * known.shown.mean() - 4


def test_a_monte_carlo_probability_says_so() -> None:
    choice = chosen(knowledge(FULL), policy=policy_named("thompson-window"))
    assert choice is not None
    assert not choice.exact
    assert choice.probability > 0


def test_an_audit_battle_has_the_probability_of_both_ways_to_it() -> None:
    """Not that of the uniform draw that happened to make it."""
    known = knowledge(FULL)
    audited = [chosen(known, seed, audit=0.5, policy=policy_named("misorder")) for seed in range(40)]
    by_set: dict[tuple[int, frozenset[int]], set[float]] = {}
    for choice in audited:
        assert choice is not None
        by_set.setdefault(key(choice), set()).add(round(choice.probability, 12))
    assert all(len(values) == 1 for values in by_set.values())
    assert len({value for values in by_set.values() for value in values}) > 1


def test_a_prompt_whose_contestants_are_all_kept_apart_is_no_choice_at_all() -> None:
    """What is left has the probability with which it is drawn."""
    known = knowledge([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], apart=("lab", "lab", "", "", ""))
    rng = np.random.default_rng(6)
    choices = [chosen(known, rng, size=2, policy=policy_named("uniform"), rules=NO_RULES) for _ in range(30)]
    for choice in choices:
        assert choice is not None
        assert choice.prompt == 1
        assert choice.probability == pytest.approx(1 / 3)


def test_who_is_ready_on_few_prompts_is_shown_all_the_same() -> None:
    """Its outputs are still being made; a tenth of all prompts has one."""
    ready = np.ones((20, 10), int)
    ready[2:, 9] = 0
    known, rng = knowledge(ready.tolist()), np.random.default_rng(8)
    for _ in range(400):
        choice = chosen(known, rng, size=4, policy=policy_named("coverage"), rules=Rules(audit=0.0), audit=0.1)
        assert choice is not None
        known.note(choice.prompt, choice.contestants)
    assert known.shown[9] > 0.3 * known.shown.mean()


@pytest.mark.parametrize("name", ["uniform", "misorder"])
def test_a_prompt_of_which_only_sets_kept_apart_are_left_is_no_choice_at_all(name: str) -> None:
    """The voter has seen all other pairs of it: what is left elsewhere has the probability with which it is drawn."""
    known = knowledge([[1, 1, 1, 1]] * 2, apart=("lab", "lab", "", ""))
    pairs = [frozenset(each) for each in combinations((10, 11, 12, 13), 2)]
    seen = {100: [each for each in pairs if each != {10, 11}]}
    rng, said = np.random.default_rng(6), dict[tuple[int, frozenset[int]], float]()
    for _ in range(400):
        choice = chosen(known, rng, size=2, policy=policy_named(name), rules=NO_RULES, seen=seen)
        assert choice is not None
        assert choice.exact
        assert choice.prompt == 1
        assert choice.uniform == pytest.approx(1 / 5)
        assert said.setdefault(key(choice), choice.probability) == pytest.approx(choice.probability)
    assert len(said) == 5
    assert sum(said.values()) == pytest.approx(1)


def test_a_change_of_size_locks_nobody_out() -> None:
    """Voters have seen one pair on each prompt when battles become ones of all four."""
    seen = {100 + at: [frozenset({10, 11}), frozenset({12, 13})] for at in range(3)}
    rng = np.random.default_rng(1)
    for _ in range(20):
        choice = chosen(knowledge([[1] * 4] * 3), rng, size=4, seen=seen)
        assert choice is not None
        assert choice.probability == pytest.approx(1 / 3)
