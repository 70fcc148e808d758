"""Copeland against counting majorities, the capital of Tennessee, and at the extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines.errors import FitError
from ranking.engines.voting.copeland import fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.pairwise.references import WIN, listed_pairs
from tests.ranking.engines.voting.tennessee import CITIES, tennessee

WIDE = settings(max_examples=60, deadline=None)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_scores_agree_with_counting_majorities(ballots, weights) -> None:
    evidence = evidence_of(ballots, 6, weight=[float(w) for w in weights[: len(ballots)]])
    net = np.zeros((6, 6))
    pairs = list(listed_pairs(evidence))
    assume(pairs)
    for ballot, outcome, a, b in pairs:
        net[a, b] += (outcome == WIN) * evidence.weight[ballot]
        net[b, a] -= (outcome == WIN) * evidence.weight[ballot]
    expected = [sum(net[a] > 0) - sum(net[a] < 0) for a in range(6)]
    np.testing.assert_array_equal(fit(evidence, intervals="none").mean, expected)


def test_nashville_beats_every_other_city() -> None:
    found = fit(tennessee())
    scores = dict(zip(CITIES, found.mean.tolist(), strict=True))
    assert scores == {"Memphis": -3, "Nashville": 3, "Chattanooga": 1, "Knoxville": -1}
    assert found.parameters["condorcet_winner"] == "Nashville"


def test_a_cycle_has_no_condorcet_winner() -> None:
    found = fit(evidence_of([([0, 1, 2], [1, 2, 3]), ([1, 2, 0], [1, 2, 3]), ([2, 0, 1], [1, 2, 3])], 3))
    np.testing.assert_array_equal(found.mean, 0)
    assert found.parameters["condorcet_winner"] is None


def test_weights_that_only_round_differently_are_even() -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * 3 + [([0, 1], [2, 1])], 2, weight=[0.1, 0.1, 0.1, 0.3])
    np.testing.assert_array_equal(fit(evidence).mean, 0)


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_relabelling_reordering_and_repeating_change_nothing(ballots, labels, random, times) -> None:
    evidence = evidence_of(ballots, 6, weight=[float(times)] * len(ballots))
    assume(any(True for _ in listed_pairs(evidence)))
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots] * times
    random.shuffle(shuffled)
    first, second = fit(evidence, intervals="none"), fit(evidence_of(shuffled, 6), intervals="none")
    np.testing.assert_array_equal(second.mean[labels], first.mean)


@pytest.mark.parametrize("intervals", ["model", "bootstrap"])
def test_draws_are_certain_of_what_many_ballots_say_and_open_where_few_do(intervals) -> None:
    many = evidence_of([([0, 1], [1, 2])] * 300 + [([0, 1], [2, 1])] * 100, 2)
    assert (fit(many, intervals=intervals).draws[:, 0] == 1).all()
    few = evidence_of([([0, 1], [1, 2])] * 3 + [([0, 1], [2, 1])] * 2, 2)
    assert 0.2 < (fit(few, intervals=intervals).draws[:, 0] < 0).mean() < 0.5


def test_one_ballot_is_open_with_model_intervals() -> None:
    draws = fit(evidence_of([([0, 1], [1, 2])], 2)).draws
    assert 0.1 < (draws[:, 0] < 0).mean() < 0.3  # Beta(3/2, 1/2) below one half: 0.18


def test_pairs_that_never_met_are_stated_and_count_for_neither() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])], 4))
    np.testing.assert_array_equal(found.mean, [1, -1, 0, 0])
    assert found.warnings[0] == "5 of 6 pairs of contestants were never compared; they count for neither"


def test_the_order_of_clear_strengths_is_found() -> None:
    rng = np.random.default_rng(1)
    theta = np.linspace(2, -2, 7)
    found = fit(simulated(theta, 3_000, 4, rng), intervals="none")
    np.testing.assert_array_equal(found.mean, [6, 4, 2, 0, -2, -4, -6])


def test_senseless_requests_are_refused() -> None:
    with pytest.raises(FitError, match="at least one observed pair"):
        fit(evidence_of([([0, 1], [None, None])], 2))
    with pytest.raises(FitError, match="intervals must be one of"):
        fit(evidence_of([([0, 1], [1, 2])], 2), intervals="sandwich")
