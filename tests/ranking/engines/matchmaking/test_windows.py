"""Windows of a random order: the probability that is stated is that with which a set is drawn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from ranking.engines.matchmaking.choosing import NO_RULES, choose, probability_of
from ranking.engines.matchmaking.registry import policy_named
from ranking.engines.matchmaking.situation import Situation, SituationError
from ranking.engines.matchmaking.windows import window

RNG = 20260131


def situation(count: int, size: int, **fields: object) -> Situation:
    rng = np.random.default_rng(RNG)
    root = rng.normal(size=(count, count))
    covariance = root @ root.T / count * 0.1 + np.eye(count) * 0.05
    return replace(
        Situation(rng.normal(0, 0.5, count), covariance, size, np.full(count, 20)),
        **fields,  # type: ignore[arg-type]
    )


def apart(count: int, *groups: tuple[int, ...]) -> np.ndarray:
    found = np.zeros((count, count), np.bool_)
    for group in groups:
        found[np.ix_(group, group)] = True
    np.fill_diagonal(found, False)
    return found


TIRED = np.array([1, 0.5, 0.2, 0.9, 0.3, 0.7, 1e-9])


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fatigue": TIRED},
        {"fatigue": np.where(np.arange(7) == 3, 1.0, 1e-9)},
        {"conflicts": apart(7, (0, 1), (4, 5, 6))},
        {"conflicts": apart(7, (0, 1), (4, 5, 6)), "fatigue": TIRED},
        {"covariance": np.eye(7) * 0.3 - 0.3 / 7},
    ],
    ids=["plain", "tired", "all tired but one", "apart", "apart and tired", "singular"],
)
def test_what_is_said_is_how_often_it_comes(size: int, fields: dict[str, object]) -> None:
    known, draws = situation(7, size, **fields), 3000
    rng = np.random.default_rng(RNG)
    many = window(known, 4000, rng)
    said = {each: many.probability(known, each) for each in combinations(range(7), size)}
    counts = Counter(tuple(sorted(window(known, 1, rng).draw(known, rng))) for _ in range(draws))

    assert sum(said.values()) == pytest.approx(1, abs=0.03)
    assert set(counts) <= set(said)
    for members, chance in said.items():
        assert abs(counts[members] / draws - chance) < 4.5 * math.sqrt(chance / draws) + 0.02 * chance + 1e-4
        assert many.total(known, [members]) == pytest.approx(chance, abs=4.5 * math.sqrt(chance / 4000) + 1e-4)
    assert many.total(known, list(said)) == pytest.approx(1)


@pytest.mark.parametrize(("count", "size"), [(50, 4), (50, 2), (200, 4)])
def test_among_many_what_is_said_of_the_chosen_set_is_right_on_average(count: int, size: int) -> None:
    """Over the sets that come: sums within a tenth of those of forty times as many draws, and none far off.

    Before, when the draw that made the set was among those that told its probability, it was 16 times too large.
    """
    known, rng = situation(count, size), np.random.default_rng(RNG)
    policy, many = policy_named("thompson-window"), window(known, 2500, rng)
    said, true = [], []
    for _ in range(60):
        choice = choose(known, policy, NO_RULES, rng)
        assert choice is not None
        assert not choice.exact
        said.append(choice.probability)
        true.append(many.probability(known, choice.members))

    ratio = np.array(said) / true
    assert np.sum(said) / np.sum(true) == pytest.approx(1, abs=0.1)
    assert np.median(ratio) == pytest.approx(1, abs=0.12)
    assert ratio.std() < 0.5
    assert ratio.max() < 5
    assert ratio.min() > 1 / 5


def test_among_fifty_weights_by_what_is_said_undo_the_policy() -> None:
    """One over the probability sums, on average, to the number of sets: here of pairs, by name."""
    known, rng = situation(50, 2), np.random.default_rng(RNG)
    policy = policy_named("thompson-window")
    near = {each for each in combinations(range(50), 2) if abs(known.mean[each[0]] - known.mean[each[1]]) < 0.15}
    inverse = []
    for _ in range(1500):
        choice = choose(known, policy, NO_RULES, rng)
        assert choice is not None
        inverse.append(1 / choice.probability if tuple(sorted(choice.members)) in near else 0.0)

    error = np.std(inverse) / math.sqrt(len(inverse))
    assert abs(np.mean(inverse) - len(near)) < 4.5 * error + 0.01 * len(near)
    assert error < 0.1 * len(near)


def test_conflicts_that_are_no_groups_keep_whoever_is_linked_apart() -> None:
    """0 and 2 might meet, but not in a window; where too few are left to meet, any allowed set has its chance."""
    conflicts = apart(4, (0, 1), (1, 2))
    known, rng = situation(4, 2, conflicts=conflicts), np.random.default_rng(RNG)
    assert all(set(window(known, 1, rng).draw(known, rng)) != {0, 2} for _ in range(50))

    linked = situation(4, 3, conflicts=apart(4, (0, 1), (1, 2)))
    assert window(linked, 1, rng).draw(linked, rng) == ()
    choice = choose(linked, policy_named("thompson-window"), NO_RULES, rng)
    assert choice is not None
    assert set(choice.members) == {0, 2, 3}
    assert choice.probability == pytest.approx(1)


def test_what_draws_cannot_tell_of_is_still_possible() -> None:
    """The two ends of a field that is known for certain."""
    known = situation(30, 2, mean=np.arange(30.0) * 50, covariance=np.eye(30) * 1e-6)
    rng = np.random.default_rng(RNG)
    choice = choose(known, policy_named("thompson-window"), NO_RULES, rng)
    assert choice is not None
    assert choice.probability == pytest.approx(1 / 30, rel=0.6)
    assert probability_of(known, policy_named("thompson-window"), NO_RULES, (0, 29), rng) == 0


def test_a_covariance_that_is_none_is_refused() -> None:
    known = situation(3, 2, covariance=np.array([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]]) - 5)
    with pytest.raises(SituationError, match="not positive semidefinite"):
        window(known, 1, np.random.default_rng(0))
