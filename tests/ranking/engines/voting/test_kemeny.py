"""Kemeny orders against trying every order, the capital of Tennessee, and large groups with a stated gap."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.pairwise.pairs import observed
from ranking.engines.voting.kemeny import fit, solve
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.pairwise.peers import llmfao
from tests.ranking.engines.pairwise.references import counted, listed_pairs
from tests.ranking.engines.voting.tennessee import CITIES, tennessee

WIDE = settings(max_examples=60, deadline=None)


def disagreement(order, halved: np.ndarray) -> float:
    return sum(halved[below, above] for above, below in combinations(order, 2))


def tried(halved: np.ndarray) -> tuple[float, int]:
    """The least disagreement and how many orders have it."""
    costs = np.array([disagreement(order, halved) for order in permutations(range(len(halved)))])
    return costs.min(), int((costs <= costs.min() + 1e-9).sum())


@settings(max_examples=40, deadline=None)
@given(some_ballots(items=5), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_the_order_is_as_good_as_the_best_of_all(ballots, weights) -> None:
    evidence = evidence_of(ballots, 5, weight=[float(w) for w in weights[: len(ballots)]])
    assume(any(True for _ in listed_pairs(evidence)))
    wins, ties = counted(evidence)
    best, number = tried(wins + ties / 2)
    found = fit(evidence, intervals="none")
    assert disagreement(np.argsort(-found.mean), wins + ties / 2) == pytest.approx(best)
    assert found.parameters["disagreement"] == pytest.approx(best)
    assert found.parameters["lower_bound"] == pytest.approx(best)
    assert found.parameters["optimal"] is True
    assert found.parameters["unique"] is (number == 1)
    searched = fit(evidence, intervals="none", exact=1)
    assert searched.parameters["lower_bound"] <= best + 1e-9
    assert searched.parameters["disagreement"] >= best - 1e-9
    if searched.parameters["optimal"]:
        assert searched.parameters["disagreement"] == pytest.approx(best)


@settings(max_examples=30, deadline=None)
@given(some_ballots(items=5, most=6), st.lists(st.integers(1, 4), min_size=6, max_size=6))
def test_a_ballot_cast_again_is_a_weight(ballots, times) -> None:
    """The same votes, whether identical ballots repeat or one weighs as much."""
    repeated = [ballot for ballot, count in zip(ballots, times, strict=False) for _ in range(count)]
    weight = [float(count) for count in times[: len(ballots)]]
    assume(any(True for _ in listed_pairs(evidence_of(ballots, 5))))
    for exact in (16, 1):
        one = fit(evidence_of(repeated, 5), intervals="none", exact=exact)
        other = fit(evidence_of(ballots, 5, weight=weight), intervals="none", exact=exact)
        np.testing.assert_array_equal(one.mean, other.mean)
        for key in ("disagreement", "lower_bound", "optimal", "unique"):
            assert one.parameters[key] == pytest.approx(other.parameters[key])


def test_a_million_identical_ballots_are_one_order() -> None:
    ballot = ([3, 1, 0, 2], [1, 2, 3, 4])
    found = fit(evidence_of([ballot], 4, weight=[1e6]), intervals="none")
    assert np.argsort(-found.mean).tolist() == [3, 1, 0, 2]
    assert found.parameters["disagreement"] == 0
    assert found.parameters["unique"] is True
    assert fit(evidence_of([ballot] * 50, 4), intervals="none").mean.tolist() == found.mean.tolist()


def test_the_capital_of_tennessee() -> None:
    found = fit(tennessee())
    order = [CITIES[item] for item in np.argsort(-found.mean)]
    assert order == ["Nashville", "Chattanooga", "Knoxville", "Memphis"]
    assert found.parameters["unique"] is True


def test_a_cycle_is_cut_where_it_is_weakest_and_several_optima_are_stated() -> None:
    ballots = [([0, 1], [1, 2])] * 5 + [([1, 2], [1, 2])] * 4 + [([2, 0], [1, 2])] * 3
    found = fit(evidence_of(ballots, 3))
    np.testing.assert_array_equal(found.mean, [2, 1, 0])
    assert found.parameters["disagreement"] == 3
    even = fit(evidence_of([([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2])], 3))
    assert even.parameters["unique"] is False
    assert any("several orders agree equally well" in warning for warning in even.warnings)


@WIDE
@given(some_ballots(items=5), st.permutations(range(5)), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_change_nothing_but_the_choice_among_equals(ballots, labels, random) -> None:
    evidence = evidence_of(ballots, 5)
    assume(any(True for _ in listed_pairs(evidence)))
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots]
    random.shuffle(shuffled)
    first, second = fit(evidence, intervals="none"), fit(evidence_of(shuffled, 5), intervals="none")
    assert second.parameters["disagreement"] == pytest.approx(first.parameters["disagreement"])
    assert second.parameters["unique"] == first.parameters["unique"]
    if first.parameters["unique"]:
        np.testing.assert_array_equal(second.mean[labels], first.mean)


def test_fifteen_contestants_in_one_cycle_are_solved_exactly() -> None:
    """Against the search from many starts, which finds the optimum of so small a group."""
    rng = np.random.default_rng(0)
    pairs = observed(simulated(rng.normal(0, 0.1, 15), 150, 3, rng))
    exact, searched = solve(pairs, 16), solve(pairs, 1)
    assert exact.largest >= 10
    assert exact.optimal
    assert exact.cost == pytest.approx(searched.cost)
    assert searched.bound <= exact.cost


def test_a_large_group_states_how_far_from_the_best_it_may_be() -> None:
    found = fit(llmfao(), samples=5)
    assert found.parameters["optimal"] is False
    assert found.parameters["unique"] is None
    assert 0 < found.parameters["gap"] < 0.02
    assert found.parameters["lower_bound"] < found.parameters["disagreement"]
    assert "too large for an exact search (limit 16)" in found.warnings[0]
    assert f"at most {100 * found.parameters['gap']:.2g} % more than the best" in found.warnings[0]


def test_clear_strengths_are_ordered_and_drawn_without_doubt() -> None:
    rng = np.random.default_rng(1)
    found = fit(simulated(np.linspace(3, -3, 6), 2_000, 4, rng))
    np.testing.assert_array_equal(found.mean, [5, 4, 3, 2, 1, 0])
    assert (found.draws == found.mean).mean() > 0.95


def test_one_ballot_and_one_contestant() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])], 2))
    np.testing.assert_array_equal(found.mean, [1, 0])
    assert 0.1 < (found.draws[:, 0] == 0).mean() < 0.3


def test_senseless_requests_are_refused() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    with pytest.raises(FitError, match="exact must lie between 1 and 20, not 30"):
        fit(evidence, exact=30)
    with pytest.raises(FitError, match="at least one observed pair"):
        fit(evidence_of([([0, 1], [None, None])], 2))


@pytest.mark.parametrize("weight", [1e-9, 1e-13, 1e-300])
@pytest.mark.parametrize("exact", [16, 1])
def test_the_size_of_the_weights_changes_nothing(weight, exact) -> None:
    """A cycle of which one win counts less than the others, so that one order is the best."""
    ballots = [([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2]), ([0, 1], [1, 2]), ([1, 2], [1, 2])]
    found = fit(evidence_of(ballots, 3, weight=[weight] * 5), intervals="none", exact=exact)
    np.testing.assert_array_equal(found.mean, [2, 1, 0])
    assert found.parameters["optimal"] is True
    assert found.parameters["unique"] is (True if exact > 1 else None)
    assert found.parameters["disagreement"] == pytest.approx(weight, rel=1e-9, abs=0)


@pytest.mark.parametrize("exact", [16, 1])
@pytest.mark.parametrize("ballots", ["ties", "a cycle", "two pairs"])
def test_of_equal_orders_names_choose_whatever_the_order_of_the_ballots(ballots, exact) -> None:
    rows = {
        "ties": [("abc", [1, 1, 1])],
        "a cycle": [("ab", [1, 2]), ("bc", [1, 2]), ("ca", [1, 2])],
        "two pairs": [("ad", [1, 2]), ("bc", [1, 2])],
    }[ballots]
    boards = set()
    for shuffled in permutations(rows):
        for turn in (1, -1):
            names = list(dict.fromkeys("".join(items[::turn] for items, _ in shuffled)))
            slots = [([names.index(item) for item in items], ranks) for items, ranks in shuffled]
            offsets = np.cumsum([0, *(len(where) for where, _ in slots)])
            flat = [np.concatenate([row[part] for row in slots]) for part in (0, 1)]
            found = fit(Evidence.from_arrays(names, *flat, offsets=offsets), intervals="none", exact=exact)
            boards.add("".join(names[item] for item in np.argsort(-found.mean)))
    assert boards == {{"ties": "abc", "a cycle": "abc", "two pairs": "abcd"}[ballots]}
