"""Sets are counted and numbered as a list of them would have it."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from ranking.engines.matchmaking import sets
from ranking.engines.matchmaking.situation import Situation, SituationError


def situation(groups: list[int], size: int, pairs: tuple[tuple[int, int], ...] = ()) -> Situation:
    """Contestants with these groups, equal ones apart; and further pairs that are apart."""
    label = np.array(groups)
    conflicts = label[:, None] == label[None, :]
    for one, other in pairs:
        conflicts[one, other] = conflicts[other, one] = True
    np.fill_diagonal(conflicts, False)
    count = len(groups)
    return Situation(np.zeros(count), np.eye(count), size, np.zeros(count, np.int64), conflicts=conflicts)


def listed(known: Situation) -> list[tuple[int, ...]]:
    return [
        each
        for each in combinations(range(known.count), known.size)
        if known.blocked[np.ix_(each, each)].sum() == known.size
    ]


@settings(max_examples=80, deadline=None)
@given(groups=st.lists(st.integers(0, 5), min_size=1, max_size=9), size=st.integers(2, 5))
def test_sets_of_groups_have_every_number_once(groups: list[int], size: int) -> None:
    known = situation(groups, size)
    found = sets.allowed(known)
    wanted = listed(known)

    assert found.count == len(wanted) == sets.count_of(list(Counter(groups).values()), size)
    assert {tuple(sorted(found.at(number))) for number in range(found.count)} == set(wanted)
    assert [found.number(found.at(number)) for number in range(found.count)] == list(range(found.count))


def test_sets_of_other_conflicts_are_listed() -> None:
    known = situation([0, 1, 2, 3, 4], 3, pairs=((0, 1), (1, 2), (3, 4)))
    found = sets.allowed(known)

    assert known.groups is None
    assert [found.at(number) for number in range(found.count)] == listed(known)


def test_too_many_sets_to_list_are_refused() -> None:
    known = situation(list(range(60)), 4, pairs=((0, 1), (1, 2)))
    with pytest.raises(SituationError, match="more than 100,000 sets"):
        sets.allowed(known)


def test_numbers_that_no_machine_word_holds_are_no_obstacle() -> None:
    known = Situation(np.zeros(3000), np.eye(3000), 8, np.zeros(3000, np.int64))
    found = sets.allowed(known)
    assert found.count == math.comb(3000, 8) > 2**64
    drawn = sets.uniform(known, (), np.random.default_rng(0))
    assert len(set(drawn)) == 8
    assert found.at(found.number(drawn)) == drawn


@pytest.mark.parametrize("pairs", [(), ((0, 3), (3, 5))], ids=["groups", "other conflicts"])
def test_a_draw_takes_each_set_that_is_left_equally_often(pairs: tuple[tuple[int, int], ...]) -> None:
    known = situation([0, 0, 1, 2, 2, 3], 3, pairs=pairs)
    possible = listed(known)
    without = possible[::3]
    rng = np.random.default_rng(3)
    counts = Counter(tuple(sorted(sets.uniform(known, without, rng))) for _ in range(1500))

    assert set(counts) == set(possible) - set(without)
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_nothing_is_drawn_where_nothing_is_left() -> None:
    known = situation([0, 0, 1], 2)
    assert sets.uniform(known, listed(known), np.random.default_rng(0)) == ()
