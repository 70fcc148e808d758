"""Rank centrality against its definition, choix, Bradley-Terry, and at the extremes."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines.errors import FitError
from ranking.engines.pairwise import bradley_terry
from ranking.engines.pairwise.pairs import observed
from ranking.engines.pairwise.rank_centrality import fit, stationary
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.pairwise.references import listed_pairs

WIDE = settings(max_examples=60, deadline=None)


def walked(pairs, pseudo: float) -> np.ndarray:
    """The definition: the transition matrix with its diagonal, raised to a high power."""
    count = len(pairs.wins)
    step = np.zeros((count, count))
    for a in range(count):
        for b in range(count):
            if pairs.played[a, b]:
                step[a, b] = (pairs.halved[b, a] + pseudo) / (pairs.played[a, b] + 2 * pseudo)
    step /= (pairs.played > 0).sum(axis=1).max()
    step += np.diag(1 - step.sum(axis=1))
    return np.linalg.matrix_power(step, 2**30)[0]


@WIDE
@given(some_ballots())
def test_shares_agree_with_walking_for_long(ballots) -> None:
    pairs = observed(evidence_of([*ballots, ([0, 1], [1, 1]), ([1, 2, 3, 4, 5], [1, 1, 2, 3, 4])], 6))
    found = fit(evidence_of([*ballots, ([0, 1], [1, 1]), ([1, 2, 3, 4, 5], [1, 1, 2, 3, 4])], 6), intervals="none")
    share = np.exp(found.mean)
    np.testing.assert_allclose(share / share.sum(), walked(pairs, 1.0), rtol=1e-6)


def test_agrees_with_choix() -> None:
    """choix adds `alpha` to every cell, compared or not, so only its alpha = 0 is the same method."""
    rng = np.random.default_rng(1)
    evidence = simulated(rng.normal(size=7), 900, 2, rng)
    games = [(a, b) for _, _, a, b in listed_pairs(evidence)]
    np.testing.assert_allclose(
        fit(evidence, pseudo=0, intervals="none").mean, choix.rank_centrality(7, games), atol=1e-9
    )


def test_it_estimates_the_strengths_of_bradley_terry() -> None:
    rng = np.random.default_rng(2)
    theta = rng.normal(0, 0.8, 8)
    evidence = simulated(theta, 40_000, 2, rng)
    np.testing.assert_allclose(fit(evidence, intervals="none").mean, theta - theta.mean(), atol=0.1)
    np.testing.assert_allclose(
        fit(evidence, intervals="none").mean, bradley_terry.fit(evidence, method="ml").mean, atol=0.06
    )


def test_tiny_shares_keep_their_precision() -> None:
    """A ladder where each step up is a million times likelier than the step down: shares down to 1e-60."""
    count, odds = 11, 1e6
    rate = np.zeros((count, count))
    for state in range(count - 1):
        rate[state, state + 1], rate[state + 1, state] = 1.0, 1 / odds
    share = stationary(rate)
    np.testing.assert_allclose(np.diff(np.log(share)), np.log(odds), rtol=1e-12)


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.integers(2, 4))
def test_relabelling_repeating_and_reordering_change_nothing(ballots, labels, times) -> None:
    base = [*ballots, ([0, 1, 2, 3, 4, 5], [1, 1, 1, 2, 2, 2])]
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in base][::-1]
    first = fit(evidence_of(base, 6, weight=[float(times)] * len(base)), intervals="none")
    second = fit(evidence_of(shuffled * times, 6), intervals="none")
    np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-9)


@pytest.mark.parametrize("intervals", ["model", "bootstrap", "clustered-bootstrap"])
def test_draws_lie_around_the_estimate_as_widely_as_repetitions_of_the_experiment(intervals) -> None:
    rng = np.random.default_rng(3)
    theta = np.array([0.8, 0.2, 0.0, -0.4, -0.6])
    repeated = [fit(simulated(theta, 1_000, 2, rng), intervals="none").mean for _ in range(150)]
    found = fit(simulated(theta, 1_000, 2, rng), intervals=intervals, samples=600)
    np.testing.assert_allclose(found.draws.std(axis=0), np.std(repeated, axis=0), rtol=0.25)
    np.testing.assert_allclose(found.draws.mean(axis=0), found.mean, atol=0.03)


def test_perfect_separation_is_finite_with_pseudo_wins_and_refused_without() -> None:
    evidence = evidence_of([([0, 1, 2], [1, 2, 3])] * 5, 3)
    assert (np.diff(fit(evidence).mean) < 0).all()
    with pytest.raises(FitError, match=r"never lost to any of the others\); use pseudo above 0"):
        fit(evidence, pseudo=0)


def test_what_no_walk_connects_is_refused() -> None:
    with pytest.raises(FitError, match="no walk connects the contestants: c2 is compared with nothing"):
        fit(evidence_of([([0, 1], [1, 2])], 3))
    with pytest.raises(FitError, match="2 groups never compared"):
        fit(evidence_of([([0, 1], [1, 2]), ([2, 3], [1, 2])], 4))
    with pytest.raises(FitError, match="pseudo must be"):
        fit(evidence_of([([0, 1], [1, 2])], 2), pseudo=-1)
    with pytest.raises(FitError, match="at least one observed pair"):
        fit(evidence_of([([0, 1], [None, None])], 2))


def test_one_ballot_has_an_answer_with_wide_intervals() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])], 2))
    assert found.mean[0] == pytest.approx(np.log(2) / 2)
    assert (found.draws[:, 0] < 0).mean() > 0.1


@WIDE
@given(some_ballots())
def test_longer_ballots_are_stated(ballots) -> None:
    evidence = evidence_of([*ballots, ([0, 1, 2, 3, 4, 5], [1, 1, 1, 2, 2, 2])], 6)
    assume(len(evidence))
    assert any("broken into" in warning for warning in fit(evidence, intervals="none").warnings)
