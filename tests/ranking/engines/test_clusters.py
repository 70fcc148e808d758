"""Intervals that do not believe the model: by the formula written out, by what they must ignore, and by coverage."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines import reference
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.plackett_luce import fit
from tests.ranking.engines.ballots import evidence_of, names, simulated


def by_voters(evidence: Evidence, voters: np.ndarray) -> Evidence:
    return Evidence.from_arrays(
        evidence.items, evidence.slots, evidence.ranks, offsets=evidence.offsets, weight=evidence.weight,
        voters=[None if voter < 0 else f"v{voter}" for voter in voters],
    )  # fmt: skip


def written_out(evidence: Evidence, prior_sd: float, clusters: list[int]) -> np.ndarray:
    theta, covariance = reference.posterior(evidence, prior_sd)
    sums: dict[int, np.ndarray] = {}
    for ballot, cluster in enumerate(clusters):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        term = reference.ballot_term(theta, evidence.slots[span].tolist(), evidence.ranks[span].tolist())
        sums[cluster] = sums.get(cluster, 0) + evidence.weight[ballot] * term[1]
    middle = sum(np.outer(total, total) for total in sums.values()) * len(sums) / (len(sums) - 1)
    centre = np.eye(len(theta)) - 1 / len(theta)
    return centre @ covariance @ (middle + np.eye(len(theta)) / prior_sd**2) @ covariance @ centre


def test_clustered_and_ballot_sandwich_are_the_formula() -> None:
    rng = np.random.default_rng(0)
    ballots = [([0, 1, 2], [1, 2, 3]), ([3, 1], [1, 1]), ([4, 2, 0, 1], [1, None, None, -1]), ([1, 0], [1, 2])] * 4
    plain = evidence_of(ballots, 5, weight=rng.uniform(0.5, 2, 16))
    voters = rng.integers(0, 6, 16)
    evidence = by_voters(plain, voters)
    found = fit(evidence, prior_sd=0.9, intervals="clustered")
    np.testing.assert_allclose(found.covariance, written_out(evidence, 0.9, voters.tolist()), atol=1e-8)
    assert found.parameters["intervals"] == "clustered"
    np.testing.assert_allclose(found.mean, fit(evidence, prior_sd=0.9).mean)
    ones = evidence_of(ballots, 5)
    found = fit(ones, prior_sd=0.9, intervals="sandwich")
    np.testing.assert_allclose(found.covariance, written_out(ones, 0.9, list(range(16))), atol=1e-8)


def test_a_weight_of_two_is_the_ballot_twice_also_here() -> None:
    ballots = [([0, 1, 2], [1, 2, 3]), ([2, 1], [1, 2]), ([2, 0], [1, 1])]
    twice = fit(evidence_of(ballots * 2, 3), prior_sd=1.0, intervals="sandwich")
    weighted = fit(evidence_of(ballots, 3, weight=np.full(3, 2.0)), prior_sd=1.0, intervals="sandwich")
    np.testing.assert_allclose(weighted.covariance, twice.covariance, atol=1e-9)


def test_voters_who_repeat_themselves_are_no_more_than_their_first_ballots() -> None:
    rng = np.random.default_rng(4)
    once = simulated(rng.normal(0, 1, 8), 400, 3, rng)
    slots, ranks = once.slots.reshape(-1, 3), once.ranks.reshape(-1, 3)
    repeated = Evidence.from_arrays(
        names(8), np.tile(slots, (10, 1)), np.tile(ranks, (10, 1)), voters=[f"v{voter % 400}" for voter in range(4000)]
    )
    model, clustered = fit(repeated), fit(repeated, intervals="clustered")
    single = fit(once)
    ratio = np.sqrt(np.diag(clustered.covariance) / np.diag(single.covariance))
    assert np.all((ratio > 0.85) & (ratio < 1.25))
    assert np.all(np.diag(model.covariance) < 0.2 * np.diag(single.covariance))


def test_where_the_model_holds_the_sandwich_is_the_posterior() -> None:
    rng = np.random.default_rng(5)
    evidence = simulated(rng.normal(0, 1, 6), 20_000, 4, rng)
    ratio = np.diag(fit(evidence, intervals="sandwich").covariance) / np.diag(fit(evidence).covariance)
    np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_who_was_never_compared_keeps_the_prior() -> None:
    ballots = [([0, 1], [1, 2]), ([1, 0], [1, 2]), ([0, 1], [1, 2])]
    found = fit(evidence_of(ballots, 3), prior_sd=2.0, intervals="clustered")
    plain = fit(evidence_of(ballots, 3), prior_sd=2.0)
    assert found.covariance[2, 2] > 0.5 * plain.covariance[2, 2]
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-9


def test_few_and_unstated_voters_are_said() -> None:
    evidence = by_voters(evidence_of([([0, 1], [1, 2]), ([1, 0], [1, 2])] * 3, 2), np.array([0, 0, 1, 1, -1, -1]))
    warnings = fit(evidence, intervals="clustered").warnings
    assert "2 ballots state no voter; each counts as a voter of its own" in warnings
    assert "intervals by voter from only 4 voters are too narrow" in warnings


def test_one_voter_and_an_unknown_kind_are_refused() -> None:
    evidence = by_voters(evidence_of([([0, 1], [1, 2]), ([1, 0], [1, 2])], 2), np.array([0, 0]))
    with pytest.raises(FitError, match="at least two voters that rank something, there is 1"):
        fit(evidence, intervals="clustered")
    with pytest.raises(FitError, match="intervals must be one of model, sandwich, clustered, not 'wide'"):
        fit(evidence, intervals="wide")


@pytest.mark.slow
def test_clustered_intervals_cover_when_each_voter_has_a_taste_and_the_models_do_not() -> None:
    """60 voters, 20 four-way ballots each, whose own strengths differ from the common ones by sd 1."""
    rng = np.random.default_rng(77)
    inside = {"model": [], "clustered": []}
    for _ in range(100):
        theta = rng.normal(0, 0.7, 12)
        own = theta + rng.normal(0, 1.0, (60, 12))
        voter = np.repeat(np.arange(60), 20)
        slots = rng.random((1200, 12)).argpartition(3, axis=1)[:, :4]
        utility = np.take_along_axis(own[voter], slots, axis=1) + rng.gumbel(size=slots.shape)
        ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
        evidence = Evidence.from_arrays(names(12), slots, ranks, voters=[f"v{number}" for number in voter])
        for intervals, hits in inside.items():
            found = fit(evidence, intervals=intervals)
            # deviations attenuate the common scale: judge the direction of theta, at the scale of the fit
            target = (
                (theta - theta.mean())
                * (found.mean @ (theta - theta.mean()))
                / ((theta - theta.mean()) @ (theta - theta.mean()))
            )
            hits.append(np.abs(found.mean - target) < 1.96 * np.sqrt(np.diag(found.covariance)))
    assert np.mean(inside["model"]) < 0.85
    assert 0.92 < np.mean(inside["clustered"]) < 0.985
