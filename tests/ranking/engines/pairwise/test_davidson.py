"""Davidson's model against its published example, the likelihood written out, and at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.pairwise import bradley_terry
from ranking.engines.pairwise.davidson import fit
from tests.ranking.engines.ballots import evidence_of, simulated
from tests.ranking.engines.pairwise.peers import llmfao, llmfao_golden, toy
from tests.ranking.engines.pairwise.pudding import pudding
from tests.ranking.engines.pairwise.references import WIN, hessian, listed_pairs, maximum


def test_the_published_tie_prevalence_of_the_puddings() -> None:
    """Davidson 1970: nu = .7468. Brand 6 is preferred, and the likelihood equation of nu holds."""
    found = fit(pudding(), method="ml")
    assert round(found.parameters["tie_parameter"], 4) == 0.7468
    assert found.items[int(np.argmax(found.mean))] == "brand 6"
    ties = sum(weight for weight in pudding().weight[2::3])
    expected = 0.0
    for pair in range(15):
        a, b = pudding().slots[6 * pair : 6 * pair + 2]
        count = pudding().weight[3 * pair : 3 * pair + 3].sum()
        pi = np.exp(found.mean[[a, b]])
        level = found.parameters["tie_parameter"] * math.sqrt(pi[0] * pi[1])
        expected += count * level / (pi.sum() + level)
    assert ties == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_golden_scores_of_newmans_method(name) -> None:
    """Newman 2023 finds the same maximum by another iteration; his tie parameter is half of Davidson's nu."""
    evidence, golden = (llmfao(), llmfao_golden()) if name == "llmfao" else toy(name)
    expected = np.log([golden["newman"][item] for item in evidence.items])
    np.testing.assert_allclose(fit(evidence, method="ml").mean, expected - expected.mean(), atol=1e-9)


def log_likelihood(evidence, prior_sd: float = math.inf, tie_prior: float = 0.0):
    pairs = list(listed_pairs(evidence))

    def value(point: np.ndarray) -> float:
        pi, nu = np.exp(point[:-1]), math.exp(point[-1])
        total = -float(point[:-1] @ point[:-1]) / (2 * prior_sd**2)
        total += tie_prior * (math.log(nu / (2 + nu)) + math.log(2 / (2 + nu)))
        for ballot, outcome, a, b in pairs:
            tie = nu * math.sqrt(pi[a] * pi[b])
            total += evidence.weight[ballot] * math.log((pi[a] if outcome == WIN else tie) / (pi[a] + pi[b] + tie))
        return total

    return value


def test_mode_covariance_and_tie_parameter_agree_with_the_obvious_version() -> None:
    evidence = evidence_of(
        [([0, 1], [1, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2]), ([1, 2], [1, 1]), ([0, 1, 2], [1, 2, 2])] * 2, 3
    )
    found = fit(evidence, prior_sd=0.8)
    objective = log_likelihood(evidence, 0.8, tie_prior=0.5)
    mode = maximum(objective, np.zeros(4))
    covariance = np.linalg.inv(-hessian(objective, mode))
    centre = np.eye(3) - 1 / 3
    np.testing.assert_allclose(found.mean, centre @ mode[:3], atol=1e-5)
    np.testing.assert_allclose(found.covariance, centre @ covariance[:3, :3] @ centre, atol=1e-5)
    assert math.log(found.parameters["tie_parameter"]) == pytest.approx(mode[3], abs=1e-5)
    sd = found.parameters["tie_parameter_sd"] / found.parameters["tie_parameter"]
    assert sd == pytest.approx(math.sqrt(covariance[3, 3]), rel=1e-4)


def test_without_ties_maximum_likelihood_is_bradley_terry() -> None:
    rng = np.random.default_rng(1)
    evidence = simulated(rng.normal(size=5), 200, 2, rng)
    found, plain = fit(evidence, method="ml"), bradley_terry.fit(evidence, method="ml")
    np.testing.assert_allclose(found.mean, plain.mean, atol=1e-8)
    np.testing.assert_allclose(found.covariance, plain.covariance, atol=1e-8)
    assert found.parameters["tie_parameter"] == 0
    assert found.parameters["tie_probability"] == pytest.approx(0, abs=1e-12)
    assert any("there are no ties" in warning for warning in found.warnings)


def test_strengths_and_prevalence_are_recovered() -> None:
    rng = np.random.default_rng(8)
    theta, nu, size = rng.normal(size=6), 0.8, 20_000
    pairs = np.array([rng.choice(6, 2, replace=False) for _ in range(size)])
    a, b = np.exp(theta[pairs[:, 0]]), np.exp(theta[pairs[:, 1]])
    tie = nu * np.sqrt(a * b)
    where = rng.random(size) * (a + b + tie)
    ranks = np.where((where < a)[:, None], [1, 2], np.where((where < a + b)[:, None], [2, 1], [1, 1]))
    found = fit(evidence_of([(p.tolist(), r.tolist()) for p, r in zip(pairs, ranks, strict=True)], 6))
    error = (found.mean - theta + theta.mean()) / np.sqrt(np.diag(found.covariance))
    assert np.abs(error).max() < 3
    assert abs(found.parameters["tie_parameter"] - nu) < 3 * found.parameters["tie_parameter_sd"]


def test_nothing_but_ties_is_finite_with_a_prior_and_refused_without() -> None:
    evidence = evidence_of([([0, 1], [1, 1])] * 20, 2)
    found = fit(evidence)
    np.testing.assert_allclose(found.mean, 0, atol=1e-9)
    assert found.parameters["tie_probability"] == pytest.approx(20.5 / 21)  # the prior is half a tie, half a win
    with pytest.raises(FitError, match="every observed pair is a tie"):
        fit(evidence, method="ml")


@pytest.mark.parametrize("ballots", [1e4, 1e6, 1e8, 1e9])
def test_any_number_of_one_sided_ballots_has_a_fit(ballots) -> None:
    """Against the equations of the mode: every slope by x = theta_a = -theta_b and by log nu is 0."""
    found = fit(Evidence.from_pairs(["a", "b"], [0], [1], [1], weight=[ballots]), prior_sd=3.0)
    assert found.converged
    x, nu = float(found.mean[0]), found.parameters["tie_parameter"]
    total = math.exp(x) + math.exp(-x) + nu
    assert ballots * (math.exp(-x) + nu / 2) / total == pytest.approx(x / 9, rel=1e-5)
    assert ballots * nu / total == pytest.approx(0.5 - nu / (2 + nu), rel=1e-5)


@pytest.mark.parametrize(
    "pairs",
    [
        ([0], [1], [1], [1e6]),
        ([0, 1], [1, 2], [1, 1], [1e8, 1e8]),
        ([0], [1], [0], [1e6]),
        ([0, 1], [1, 0], [1, 1], [1e9, 1e-3]),
        ([0, 1], [1, 0], [1, 0], [1e9, 1e-3]),
    ],
)
def test_extreme_separation_and_extreme_weights_are_fitted(pairs) -> None:
    first, second, outcome, weight = pairs
    found = fit(Evidence.from_pairs(list("abc"), first, second, outcome, weight=weight))
    assert found.converged
    assert np.isfinite(found.mean).all()
    assert (np.diag(found.covariance) > 0).all()
    assert found.mean[0] >= found.mean[1] - 1e-6


def test_the_log_likelihood_is_that_of_the_ballots_alone() -> None:
    evidence = evidence_of([([0, 1], [1, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2])], 3)
    found = fit(evidence, prior_sd=0.8)
    point = np.append(found.mean, math.log(found.parameters["tie_parameter"]))
    assert found.parameters["log_likelihood"] == pytest.approx(log_likelihood(evidence)(point), abs=1e-12)
