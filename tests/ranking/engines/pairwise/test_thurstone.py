"""Thurstone's case V against the likelihood written out, choix, and at the extremes."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from scipy.stats import norm

from ranking.engines import posterior, standings
from ranking.engines.errors import FitError
from ranking.engines.pairwise.thurstone import fit
from tests.ranking.engines.ballots import evidence_of, simulated
from tests.ranking.engines.pairwise.references import WIN, hessian, listed_pairs, maximum


def test_mode_and_covariance_agree_with_the_obvious_version() -> None:
    evidence = evidence_of(
        [([0, 1], [1, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2]), ([0, 1, 2], [1, 2, None]), ([0, 2], [2, 1])], 3
    )
    pairs = list(listed_pairs(evidence))

    def objective(theta: np.ndarray) -> float:
        total = -float(theta @ theta) / 2
        for _, outcome, a, b in pairs:
            ahead, behind = norm.logcdf(theta[a] - theta[b]), norm.logcdf(theta[b] - theta[a])
            total += ahead if outcome == WIN else (ahead + behind) / 2
        return total

    found = fit(evidence, prior_sd=1.0)
    mode = maximum(objective, np.zeros(3))
    centre = np.eye(3) - 1 / 3
    np.testing.assert_allclose(found.mean, centre @ mode, atol=1e-5)
    np.testing.assert_allclose(found.covariance, centre @ np.linalg.inv(-hessian(objective, mode)) @ centre, atol=1e-5)


def test_two_contestants_differ_by_the_normal_quantile_of_the_share_won() -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * 84 + [([0, 1], [2, 1])] * 16, 2)
    found = fit(evidence, method="ml")
    assert found.mean[0] - found.mean[1] == pytest.approx(norm.ppf(0.84), abs=1e-9)


def test_strengths_are_recovered_from_normal_impressions() -> None:
    rng = np.random.default_rng(10)
    theta, size = rng.normal(size=6), 20_000
    pairs = np.array([rng.choice(6, 2, replace=False) for _ in range(size)])
    seen = theta[pairs] + rng.normal(0, np.sqrt(0.5), pairs.shape)
    ranks = np.where((seen[:, 0] > seen[:, 1])[:, None], [1, 2], [2, 1])
    found = fit(evidence_of([(p.tolist(), r.tolist()) for p, r in zip(pairs, ranks, strict=True)], 6))
    error = (found.mean - theta + theta.mean()) / np.sqrt(np.diag(found.covariance))
    assert np.abs(error).max() < 3


def test_it_orders_as_bradley_terry_does_but_is_not_on_its_scale() -> None:
    """choix maximises no probit likelihood; its logit fit is the nearest peer, on another scale."""
    rng = np.random.default_rng(2)
    evidence = simulated(rng.normal(size=8), 3_000, 2, rng)
    games = [(a, b) for _, _, a, b in listed_pairs(evidence)]
    found = fit(evidence, method="ml")
    peer = choix.opt_pairwise(8, games)
    assert np.corrcoef(found.mean, peer)[0, 1] > 0.999
    assert 0.5 < found.mean.std() / peer.std() < 0.7
    assert found.unit == "score"
    for refused in (lambda: posterior.wins(found), lambda: standings.standings(found, scale="elo")):
        with pytest.raises(FitError):
            refused()


def test_perfect_separation_of_many_ballots_is_finite_with_a_prior() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])], 2, weight=[1e6]), prior_sd=1.0)
    assert found.converged
    assert np.isfinite(found.covariance).all()
    with pytest.raises(FitError, match="never lost to"):
        fit(evidence_of([([0, 1], [1, 2])], 2), method="ml")
