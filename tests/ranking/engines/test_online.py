"""One ballot at a time: the exact single update, and how near the batch fit it stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines import reference
from ranking.engines.errors import BallotError
from ranking.engines.online import assimilate
from ranking.engines.plackett_luce import fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots

BELIEF = (np.zeros(3), np.eye(3))


@settings(max_examples=60, deadline=None)
@given(some_ballots(most=1), st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 3.0]))
def test_one_ballot_is_the_mode_and_curvature_of_the_exact_posterior(ballots, seed, weight) -> None:
    """With a prior of any mean and covariance, against Newton's method on the enumerated likelihood."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 6))
    mean, covariance = rng.normal(size=6), root @ root.T / 6 + 0.1 * np.eye(6)
    slots, ranks = ballots[0]
    known = [0 if rank is None else rank for rank in ranks]
    x = mean.copy()
    for _ in range(200):
        _, gradient, information = reference.ballot_term(x, slots, known)
        step = np.linalg.solve(
            np.eye(6) + covariance @ (weight * information), mean + covariance @ (weight * gradient) - x
        )
        x = x + step * min(1, 1 / max(np.abs(step).max(), 1e-9))
    _, _, information = reference.ballot_term(x, slots, known)
    expected = np.linalg.inv(np.linalg.inv(covariance) + weight * information)
    found_mean, found_covariance = assimilate(mean, covariance, slots, ranks, weight)
    np.testing.assert_allclose(found_mean, x, atol=1e-6)
    np.testing.assert_allclose(found_covariance, expected, atol=1e-6)
    np.testing.assert_array_equal(found_covariance, found_covariance.T)


def test_a_stream_stays_near_the_batch_posterior() -> None:
    """2,000 four-way ballots on 20 contestants, never refitted: of the size that `online` has seen."""
    rng = np.random.default_rng(3)
    evidence = simulated(rng.normal(0, 1, 20), 2000, 4, rng)
    mean, covariance = np.zeros(20), np.eye(20)
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        mean, covariance = assimilate(mean, covariance, evidence.slots[span], evidence.ranks[span])
    batch = fit(evidence, prior_sd=1.0)
    sd = np.sqrt(np.diag(batch.covariance))
    distance = (mean - batch.mean) / sd
    assert np.sqrt((distance**2).mean()) < 0.25
    assert np.abs(distance).max() < 1.42
    centre = np.eye(20) - 1 / 20
    np.testing.assert_allclose(np.sqrt(np.diag(centre @ covariance @ centre)), sd, rtol=0.125)


def test_a_centred_posterior_is_updated_like_the_full_one() -> None:
    rng = np.random.default_rng(1)
    evidence = simulated(rng.normal(0, 1, 6), 40, 3, rng)
    batch = fit(evidence, prior_sd=0.9)
    full_mean, full_covariance = reference.posterior(evidence, 0.9)
    one = assimilate(batch.mean, batch.covariance, [4, 0, 2], [1, 2, 3])
    two = assimilate(full_mean, full_covariance, [4, 0, 2], [1, 2, 3])
    centre = np.eye(6) - 1 / 6
    np.testing.assert_allclose(one[0], centre @ two[0], atol=1e-6)
    np.testing.assert_allclose(one[1], centre @ two[1] @ centre, atol=1e-6)


def test_the_arguments_are_not_changed() -> None:
    mean, covariance = np.zeros(3), np.eye(3)
    mean.flags.writeable = covariance.flags.writeable = False
    found, _ = assimilate(mean, covariance, [0, 1], [1, 2])
    assert found[0] > 0 > found[1]
    assert found[2] == 0


@pytest.mark.parametrize("ranks", [[None, None, None], [0, 0, 0]])
def test_a_ballot_that_says_nothing_changes_nothing(ranks) -> None:
    mean, covariance = assimilate(*BELIEF, [0, 1, 2], ranks)
    np.testing.assert_array_equal(mean, BELIEF[0])
    np.testing.assert_array_equal(covariance, BELIEF[1])


def test_an_upset_against_certainty_and_a_flat_prior_stay_finite() -> None:
    mean, covariance = assimilate(np.array([-40.0, 40.0]), np.eye(2) * 100.0, [0, 1], [1, 2])
    assert np.isfinite(mean).all()
    assert mean[0] - mean[1] > -80
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    sure, _ = assimilate(np.array([-40.0, 40.0]), np.eye(2) * 1e-12, [0, 1], [1, 2])
    np.testing.assert_allclose(sure, [-40, 40], atol=1e-6)


@pytest.mark.parametrize(
    ("slots", "ranks", "weight", "message"),
    [
        ([0], [1], 1.0, "at least two items"),
        ([0, 0], [1, 2], 1.0, "appears twice"),
        ([0, 3], [1, 2], 1.0, "outside 0 to 2"),
        ([-1, 0], [1, 2], 1.0, "outside 0 to 2"),
        ([0, 1], [1], 1.0, "1 ranks for 2 items"),
        ([0, 1], [1, 2], 0.0, "weight must be above 0"),
        ([0, 1], [1, 2], float("nan"), "weight must be above 0"),
        ([0, 1], [1, 2], -1.0, "weight must be above 0"),
    ],
)
def test_a_ballot_that_makes_no_sense_is_refused(slots, ranks, weight, message) -> None:
    with pytest.raises(BallotError, match=message):
        assimilate(*BELIEF, slots, ranks, weight)


def test_a_covariance_of_another_size_is_refused() -> None:
    with pytest.raises(BallotError, match="covariance has shape"):
        assimilate(np.zeros(3), np.eye(2), [0, 1], [1, 2])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_belief_that_is_not_a_number_is_refused(wrong) -> None:
    with pytest.raises(BallotError, match="the mean holds a value that is not finite"):
        assimilate(np.array([0.0, 0.0, wrong]), np.eye(3), [0, 1], [1, 2])
    with pytest.raises(BallotError, match="the covariance holds a variance that is not finite"):
        assimilate(np.zeros(3), np.diag([1.0, wrong, 1.0]), [0, 1], [1, 2])


def test_a_tie_pulls_together_and_best_only_says_less_than_a_ranking() -> None:
    apart = np.array([1.0, -1.0, 0.0])
    tied, _ = assimilate(apart, np.eye(3), [0, 1], [1, 1])
    assert abs(tied[0] - tied[1]) < 2
    _, best_only = assimilate(*BELIEF, [0, 1, 2], [1, None, None])
    _, ranked = assimilate(*BELIEF, [0, 1, 2], [1, 2, 3])
    assert np.trace(ranked) < np.trace(best_only) < 3


def test_ranks_may_be_arrays_or_lists() -> None:
    evidence = evidence_of([([0, 1, 2], [1, None, -1])], 3)
    by_array = assimilate(*BELIEF, evidence.slots, evidence.ranks)
    by_list = assimilate(*BELIEF, [0, 1, 2], [1, None, -1])
    np.testing.assert_array_equal(by_array[0], by_list[0])
