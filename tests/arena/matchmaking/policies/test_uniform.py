"""The uniform policy against a slow enumeration of everything it could draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from arena.matchmaking.policies.uniform import Choice, choose

Seen = Mapping[int, Sequence[frozenset[int]]]
Set = tuple[int, frozenset[int]]


def reference(eligible: Mapping[int, Sequence[int]], size: int, seen: Seen) -> dict[Set, float]:
    """The probability of every prompt and set: prompts first, then sets, each uniformly among those that are open."""
    open_sets = {
        prompt: [
            frozenset(members)
            for members in combinations(contestants, size)
            if frozenset(members) not in seen.get(prompt, ())
        ]
        for prompt, contestants in eligible.items()
    }
    prompts = [prompt for prompt, sets in open_sets.items() if sets]
    return {
        (prompt, members): 1 / len(prompts) / len(open_sets[prompt])
        for prompt in prompts
        for members in open_sets[prompt]
    }


def draw(eligible: Mapping[int, Sequence[int]], size: int, seen: Seen, seed: int) -> Choice | None:
    return choose(eligible, size, seen, np.random.default_rng(seed))


ELIGIBLE = {1: [10, 11, 12, 13, 14], 2: [10, 11, 12, 13], 3: [10, 11, 12], 4: [10]}
SEEN = {1: [frozenset({10, 11, 12}), frozenset({12, 13, 14})], 3: [frozenset({10, 11, 12})]}


@pytest.fixture(scope="module")
def drawn() -> list[Choice]:
    rng = np.random.default_rng(20260131)
    choices = [choose(ELIGIBLE, 3, SEEN, rng) for _ in range(6000)]
    assert None not in choices
    return choices  # type: ignore[return-value]


def test_every_open_set_is_drawn_and_its_stored_probability_is_exact(drawn: list[Choice]) -> None:
    expected = reference(ELIGIBLE, 3, SEEN)
    stored = {(choice.prompt, frozenset(choice.contestants)): choice.probability for choice in drawn}

    assert stored == pytest.approx(expected)
    assert sum(stored.values()) == pytest.approx(1)


def test_sets_are_drawn_as_often_as_their_probability_says(drawn: list[Choice]) -> None:
    expected = reference(ELIGIBLE, 3, SEEN)
    counts = Counter((choice.prompt, frozenset(choice.contestants)) for choice in drawn)

    observed = [counts[key] for key in expected]
    assert chisquare(observed, [len(drawn) * probability for probability in expected.values()]).pvalue > 0.001


def test_all_orders_of_a_set_are_equally_likely(drawn: list[Choice]) -> None:
    members = frozenset({10, 11, 13})
    orders = Counter(
        choice.contestants for choice in drawn if choice.prompt == 2 and set(choice.contestants) == members
    )

    observed = [orders[order] for order in permutations(sorted(members))]
    assert sum(observed) > 500
    assert chisquare(observed).pvalue > 0.001


def test_a_prompt_with_nothing_left_is_never_drawn(drawn: list[Choice]) -> None:
    assert {choice.prompt for choice in drawn} == {1, 2}


def test_nothing_is_drawn_when_everything_was_seen() -> None:
    everything = {1: [frozenset(members) for members in combinations(ELIGIBLE[1], 3)]}

    assert draw({1: ELIGIBLE[1]}, 3, everything, 0) is None


@pytest.mark.parametrize("eligible", [{}, {1: []}, {1: [10, 11]}], ids=["no-prompt", "no-contestant", "too-few"])
def test_nothing_is_drawn_where_no_battle_can_be_made(eligible: Mapping[int, Sequence[int]]) -> None:
    assert draw(eligible, 3, {}, 0) is None


def test_sets_of_another_size_or_with_a_contestant_who_left_do_not_count_as_seen() -> None:
    seen = {1: [frozenset({10, 11}), frozenset({10, 11, 99}), frozenset({10, 11, 12}), frozenset({10, 11, 12})]}

    choice = draw({1: [10, 11, 12, 13]}, 3, seen, 0)

    assert choice is not None
    assert choice.probability == pytest.approx(1 / 3)  # four sets, of which one was seen


def test_the_same_generator_draws_the_same_battle() -> None:
    assert draw(ELIGIBLE, 3, SEEN, 5) == draw(ELIGIBLE, 3, SEEN, 5)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[int, list[int]], int, dict[int, list[frozenset[int]]]]:
    size = draw(st.integers(2, 3))
    contestants = st.lists(st.integers(0, 5), unique=True, max_size=5)
    eligible = draw(st.dictionaries(st.integers(0, 4), contestants, max_size=4))
    sets = st.lists(st.frozensets(st.integers(0, 6), min_size=2, max_size=3), max_size=8)
    return eligible, size, draw(st.dictionaries(st.integers(0, 4), sets, max_size=4))


@given(situation=situations(), seed=st.integers(0, 2**32 - 1))
def test_a_draw_is_always_one_of_the_open_sets_with_its_probability(
    situation: tuple[dict[int, list[int]], int, dict[int, list[frozenset[int]]]], seed: int
) -> None:
    eligible, size, seen = situation
    expected = reference(eligible, size, seen)

    choice = draw(eligible, size, seen, seed)

    if choice is None:
        assert expected == {}
        return
    assert len(choice.contestants) == size
    assert choice.probability == pytest.approx(expected[choice.prompt, frozenset(choice.contestants)])
