"""Rao and Kupper's model against the likelihood written out, the puddings, and at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.pairwise import bradley_terry, davidson
from ranking.engines.pairwise.rao_kupper import fit
from tests.ranking.engines.ballots import evidence_of, simulated
from tests.ranking.engines.pairwise.pudding import pudding
from tests.ranking.engines.pairwise.references import WIN, hessian, listed_pairs, maximum


def log_likelihood(evidence, prior_sd: float = math.inf, tie_prior: float = 0.0):
    pairs = list(listed_pairs(evidence))

    def value(point: np.ndarray) -> float:
        pi, theta = np.exp(point[:-1]), math.exp(point[-1])
        if theta <= 1:
            return -1e9
        total = -float(point[:-1] @ point[:-1]) / (2 * prior_sd**2)
        total += tie_prior * (math.log((theta - 1) / (theta + 1)) + math.log(2 / (theta + 1)))
        for ballot, outcome, a, b in pairs:
            win, loss = pi[a] / (pi[a] + theta * pi[b]), pi[b] / (pi[b] + theta * pi[a])
            total += evidence.weight[ballot] * math.log(win if outcome == WIN else 1 - win - loss)
        return total

    return value


def test_mode_covariance_and_threshold_agree_with_the_obvious_version() -> None:
    evidence = evidence_of(
        [([0, 1], [1, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2]), ([1, 2], [1, 1]), ([0, 1, 2], [1, 2, 2])] * 2, 3
    )
    found = fit(evidence, prior_sd=0.8)
    objective = log_likelihood(evidence, 0.8, tie_prior=0.5)
    mode = maximum(objective, np.array([0.0, 0.0, 0.0, 0.5]))
    covariance = np.linalg.inv(-hessian(objective, mode))
    centre = np.eye(3) - 1 / 3
    np.testing.assert_allclose(found.mean, centre @ mode[:3], atol=1e-5)
    np.testing.assert_allclose(found.covariance, centre @ covariance[:3, :3] @ centre, atol=1e-5)
    assert math.log(found.parameters["tie_parameter"]) == pytest.approx(mode[3], abs=1e-5)
    sd = found.parameters["tie_parameter_sd"] / found.parameters["tie_parameter"]
    assert sd == pytest.approx(math.sqrt(covariance[3, 3]), rel=1e-4)


def test_on_the_puddings_it_fits_as_well_as_davidson_and_in_the_same_order() -> None:
    """Davidson 1970 compares both models on these data and finds them next to equal."""
    found, other = fit(pudding(), method="ml"), davidson.fit(pudding(), method="ml")
    assert found.parameters["log_likelihood"] == pytest.approx(other.parameters["log_likelihood"], abs=0.05)
    np.testing.assert_array_equal(np.argsort(found.mean), np.argsort(other.mean))
    assert found.parameters["tie_probability"] == pytest.approx(other.parameters["tie_probability"], abs=0.002)


def test_without_ties_maximum_likelihood_is_bradley_terry() -> None:
    rng = np.random.default_rng(1)
    evidence = simulated(rng.normal(size=5), 200, 2, rng)
    found, plain = fit(evidence, method="ml"), bradley_terry.fit(evidence, method="ml")
    np.testing.assert_allclose(found.mean, plain.mean, atol=1e-8)
    assert found.parameters["tie_parameter"] == 1
    assert any("there are no ties" in warning for warning in found.warnings)


def test_a_threshold_is_recovered_from_voters_who_perceive_with_logistic_noise() -> None:
    rng = np.random.default_rng(9)
    theta, width, size = rng.normal(size=6), 0.6, 20_000
    pairs = np.array([rng.choice(6, 2, replace=False) for _ in range(size)])
    seen = theta[pairs[:, 0]] - theta[pairs[:, 1]] + rng.logistic(size=size)
    ranks = np.where((seen > width)[:, None], [1, 2], np.where((seen < -width)[:, None], [2, 1], [1, 1]))
    found = fit(evidence_of([(p.tolist(), r.tolist()) for p, r in zip(pairs, ranks, strict=True)], 6))
    error = (found.mean - theta + theta.mean()) / np.sqrt(np.diag(found.covariance))
    assert np.abs(error).max() < 3
    assert abs(found.parameters["tie_parameter"] - math.exp(width)) < 3 * found.parameters["tie_parameter_sd"]


def test_nothing_but_ties_is_finite_with_a_prior_and_refused_without() -> None:
    evidence = evidence_of([([0, 1], [1, 1])] * 20, 2)
    found = fit(evidence)
    np.testing.assert_allclose(found.mean, 0, atol=1e-9)
    assert found.parameters["tie_probability"] == pytest.approx(20.5 / 21)  # the prior is half a tie, half a win
    with pytest.raises(FitError, match="every observed pair is a tie"):
        fit(evidence, method="ml")


@pytest.mark.parametrize("ballots", [1e6, 1e8, 1e9])
def test_any_number_of_ties_has_a_fit(ballots) -> None:
    """Between equals P(tie) = (Theta - 1) / (Theta + 1): highest where it is (n + 1/2) / (n + 1) with the prior."""
    found = fit(Evidence.from_pairs(["a", "b"], [0], [1], [0], weight=[ballots]))
    assert found.converged
    np.testing.assert_allclose(found.mean, 0, atol=1e-9)
    assert found.parameters["tie_parameter"] == pytest.approx(4 * ballots + 3, rel=1e-6)


def test_the_log_likelihood_is_that_of_the_ballots_alone() -> None:
    evidence = evidence_of([([0, 1], [1, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2])], 3)
    found = fit(evidence, prior_sd=0.8)
    point = np.append(found.mean, math.log(found.parameters["tie_parameter"]))
    assert found.parameters["log_likelihood"] == pytest.approx(log_likelihood(evidence)(point), abs=1e-12)
