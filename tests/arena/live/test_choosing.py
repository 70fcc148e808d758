"""Who answers is chosen as for any battle, on a prompt that everybody can answer; the probability says how."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from arena.live.choosing import at_hand, choose_others, choose_set
from arena.matchmaking.knowledge import Knowledge, Stock
from arena.matchmaking.rules import ArenaRules
from ranking.engines.matchmaking.choosing import Rules
from ranking.engines.matchmaking.policies import Misorder, Uniform

pytestmark = pytest.mark.pure
IDS = np.array([11, 12, 13, 14, 15, 16])
TRIALS = 3000


def rules(policy: Any = None, audit: float = 0.1) -> ArenaRules:
    return ArenaRules(
        size=3,
        policy=policy or Misorder(),
        rules=Rules(audit=0.0),
        audit=audit,
        prompt_choice="least-judged",
        quota={"people": 1.0},
        goal=None,
        observed=None,
    )


def knowledge(apart: tuple[str, ...] = ("",) * 6) -> Knowledge:
    """Six contestants and one prompt of the arena's own, on which only two are ready."""
    stock = Stock(
        contestants=IDS,
        apart=apart,
        weights=np.ones(6),
        prompts=np.array([7]),
        categories=(("people",),),
        judged=np.array([3]),
        ready=np.array([[True, True, False, False, False, False]]),
    )
    mean = np.array([1.0, 0.6, 0.2, 0.0, -0.6, -1.2])
    return Knowledge(
        stock=stock,
        mean=mean,
        covariance=np.eye(6) * 0.2,
        shown=np.full(6, 5),
        met=np.full((6, 6), 2),
        newcomers=np.zeros(6, np.bool_),
        busy=np.zeros(6, np.int64),
    )


def test_sets_come_as_often_as_their_probability_says() -> None:
    here, rng = at_hand(knowledge(), IDS.tolist()), np.random.default_rng(5)
    counts: Counter[frozenset[int]] = Counter()
    said: dict[frozenset[int], float] = {}
    for _ in range(TRIALS):
        choice = choose_set(here, rules(), (), rng)
        assert choice is not None
        assert choice.uniform == pytest.approx(1 / 20)
        members = frozenset(choice.contestants)
        counts[members] += 1
        said[members] = choice.probability

    assert sum(said.values()) == pytest.approx(1, abs=0.02), "of all sets, each seen at least once"
    for members, probability in said.items():
        deviation = (probability * (1 - probability) / TRIALS) ** 0.5
        assert abs(counts[members] / TRIALS - probability) < 4.5 * deviation


def test_only_those_who_can_answer_are_chosen() -> None:
    here = at_hand(knowledge(), [11, 13, 14, 16])
    for seed in range(20):
        choice = choose_set(here, rules(), (), np.random.default_rng(seed))
        assert choice is not None
        assert {int(IDS[at]) for at in choice.contestants} <= {11, 13, 14, 16}
    assert choose_set(at_hand(knowledge(), [11, 13]), rules(), (), np.random.default_rng(0)) is None


def test_what_is_known_of_the_arena_is_left_as_it_was() -> None:
    known = knowledge()
    at_hand(known, IDS.tolist())
    assert known.stock.ready.sum() == 2
    assert known.stock.prompts.tolist() == [7]


def test_another_is_drawn_in_proportion_to_the_sets_it_would_make() -> None:
    here, rng = at_hand(knowledge(), [11, 13, 14, 15, 16]), np.random.default_rng(6)  # 12 has failed
    counts: Counter[int] = Counter()
    said: dict[int, float] = {}
    for _ in range(TRIALS):
        joined = choose_others(here, rules(), {11, 14}, (), rng)
        assert joined is not None
        counts[joined.contestants[0]] += 1
        said[joined.contestants[0]] = joined.probability
        assert joined.uniform == pytest.approx(1 / 10)

    assert {int(IDS[at]) for at in counts} == {13, 15, 16}
    whole = sum(said.values())
    for at, probability in said.items():
        share = probability / whole
        assert abs(counts[at] / TRIALS - share) < 4.5 * (share * (1 - share) / TRIALS) ** 0.5


def test_under_uniform_choice_a_replaced_set_is_as_likely_as_if_the_failed_one_had_not_existed() -> None:
    """The claim in the docstring of `arena.live.choosing`, by simulation: 11 fails whenever it is chosen."""
    even, rng = rules(Uniform(), audit=1.0), np.random.default_rng(7)
    whole, without = at_hand(knowledge(), IDS.tolist()), at_hand(knowledge(), [12, 13, 14, 15, 16])
    counts: Counter[frozenset[int]] = Counter()
    for _ in range(TRIALS):
        choice = choose_set(whole, even, (), rng)
        assert choice is not None
        members = {int(IDS[at]) for at in choice.contestants}
        if 11 in members:
            joined = choose_others(without, even, members - {11}, (), rng)
            assert joined is not None
            assert joined.probability == pytest.approx(1 / 10)
            members = members - {11} | {int(IDS[joined.contestants[0]])}
        counts[frozenset(members)] += 1

    assert set(counts) == {frozenset(group) for group in combinations([12, 13, 14, 15, 16], 3)}
    for count in counts.values():
        assert abs(count / TRIALS - 0.1) < 4.5 * (0.1 * 0.9 / TRIALS) ** 0.5


def test_nobody_joins_whom_they_are_kept_apart_from() -> None:
    here = at_hand(knowledge(("", "", "x", "x", "", "x")), IDS.tolist())
    joined = {choose_others(here, rules(), {11, 13}, (), np.random.default_rng(seed)) for seed in range(200)}
    assert {int(IDS[one.contestants[0]]) for one in joined if one is not None} == {12, 15}


def test_there_may_be_nobody_to_join() -> None:
    assert choose_others(at_hand(knowledge(), [11, 13]), rules(), {11, 13}, (), np.random.default_rng(0)) is None
    assert choose_others(at_hand(knowledge(), [11, 13, 14]), rules(), {11, 12}, (), np.random.default_rng(0)) is None


def test_two_places_are_filled_at_once_by_those_who_may_meet() -> None:
    here = at_hand(knowledge(("", "", "x", "x", "", "")), [11, 13, 14, 15, 16])
    seen = set()
    for seed in range(200):
        joined = choose_others(here, rules(), {11}, (), np.random.default_rng(seed))
        assert joined is not None
        seen.add(tuple(int(IDS[at]) for at in joined.contestants))
        assert 0 < joined.probability <= 1

    assert {(13, 14), (14, 13)} & seen == set(), "kept apart"
    assert {(13, 15), (15, 13)} <= seen, "in either order, so that places tell nothing"
