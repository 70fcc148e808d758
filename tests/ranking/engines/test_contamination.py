"""Noise among the ballots: derivatives, the fixed point of EM, recovery of its share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.covariates import design
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.plackett_luce import fit
from ranking.engines.profiled import NOISE_PRIOR, Profiled
from ranking.engines.scores import ballot_scores
from tests.ranking.engines.ballots import evidence_of, names, simulated, some_ballots


def contaminated(theta: np.ndarray, share: float, ballots: int, rng: np.random.Generator) -> Evidence:
    count = len(theta)
    slots = rng.random((ballots, count)).argpartition(3, axis=1)[:, :4]
    meant = rng.random((ballots, 1)) >= share
    utility = meant * theta[slots] + rng.gumbel(size=slots.shape)
    return Evidence.from_arrays(names(count), slots, (-utility).argsort(axis=1).argsort(axis=1) + 1)


@settings(max_examples=40, deadline=None)
@given(
    some_ballots(),
    st.lists(st.floats(-2, 2), min_size=6, max_size=6),
    st.floats(-1, 1),
    st.floats(-4, 2),
)
def test_gradient_and_information_are_the_derivatives_of_the_value(ballots, theta, effect, odds) -> None:
    evidence = evidence_of(ballots, 6)
    if not evidence.informative().any():
        return
    likelihood = Profiled(evidence, design(evidence, "position", 1.0), noise=True)
    point = np.array([*theta, effect, odds])
    found = likelihood.joint(point[:6], point[6:])
    steps = 1e-5 * np.eye(8)
    ahead = [likelihood.joint((point + step)[:6], (point + step)[6:]) for step in steps]
    behind = [likelihood.joint((point - step)[:6], (point - step)[6:]) for step in steps]
    slopes = [(one.value - other.value) / 2e-5 for one, other in zip(ahead, behind, strict=True)]
    bends = [(one.gradient - other.gradient) / 2e-5 for one, other in zip(ahead, behind, strict=True)]
    np.testing.assert_allclose(found.gradient, slopes, atol=1e-6)
    np.testing.assert_allclose(found.information, -np.array(bends), atol=1e-6)
    complete = likelihood.joint(point[:6], point[6:], complete=True).information
    assert np.linalg.eigvalsh(complete).min() > -1e-9
    assert np.linalg.eigvalsh(complete - found.information).min() > -1e-9  # what is not known costs information


def test_the_mode_is_the_fixed_point_of_em() -> None:
    rng = np.random.default_rng(0)
    evidence = contaminated(rng.normal(0, 1.2, 8), 0.25, 600, rng)
    found = fit(evidence, prior_sd=1.0, contamination=True)
    share = found.parameters["contamination"]["share"]
    values, chance = ballot_scores(evidence, found.mean).values, ballot_scores(evidence, np.zeros(8)).values
    meant = 1 / (1 + share / (1 - share) * np.exp(chance - values))
    again = fit(Evidence.from_arrays(evidence.items, evidence.slots, evidence.ranks, offsets=evidence.offsets,
                                     weight=meant), prior_sd=1.0)  # fmt: skip
    np.testing.assert_allclose(again.mean, found.mean, atol=1e-5)
    a, b = NOISE_PRIOR
    assert ((1 - meant).sum() + a) / (len(evidence) + a + b) == pytest.approx(share, abs=1e-6)
    mixture = np.log((1 - share) * np.exp(values) + share * np.exp(chance)).sum()
    assert found.parameters["log_likelihood"] == pytest.approx(mixture)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_the_share_of_noise_and_the_strengths_are_recovered(share) -> None:
    rng = np.random.default_rng(int(100 * share))
    theta = rng.normal(0, 1.2, 12)
    theta -= theta.mean()
    evidence = contaminated(theta, share, 4000, rng)
    found, plain = fit(evidence, contamination=True), fit(evidence)
    noise = found.parameters["contamination"]
    assert noise["low"] <= share <= noise["high"]
    assert noise["high"] - noise["low"] < 0.1
    assert np.abs((found.mean - theta) / np.sqrt(np.diag(found.covariance))).max() < 4
    assert np.linalg.norm(found.mean - theta) < 0.5 * np.linalg.norm(plain.mean - theta)
    assert np.all(np.diag(found.covariance) > np.diag(plain.covariance))
    assert found.converged


def test_clean_ballots_lose_nothing_but_certainty() -> None:
    rng = np.random.default_rng(5)
    theta = rng.normal(0, 1, 10)
    evidence = simulated(theta, 2000, 4, rng)
    found, plain = fit(evidence, contamination=True), fit(evidence)
    assert found.parameters["contamination"]["low"] < 0.01
    assert found.parameters["contamination"]["share"] < 0.03
    np.testing.assert_allclose(found.mean, plain.mean, atol=0.1)


def test_noise_and_covariates_go_together() -> None:
    rng = np.random.default_rng(6)
    theta, count = rng.normal(0, 1, 8), 3000
    slots = rng.random((count, 8)).argpartition(3, axis=1)[:, :4]
    eta = theta[slots] + np.array([0.3, 0.1, -0.1, -0.3])
    utility = (rng.random((count, 1)) > 0.15) * eta + rng.gumbel(size=slots.shape)
    evidence = Evidence.from_arrays(names(8), slots, (-utility).argsort(axis=1).argsort(axis=1) + 1)
    for intervals in ("model", "sandwich"):
        found = fit(evidence, covariates="position", contamination=True, intervals=intervals)
        effect = found.parameters["covariates"]["position"]
        assert effect["low"] < 0.6 < effect["high"]
        assert found.parameters["contamination"]["low"] < 0.15 < found.parameters["contamination"]["high"]


def test_ballots_that_say_nothing_change_nothing_and_none_at_all_leave_the_prior() -> None:
    ballots = [([0, 1, 2], [1, 2, 3]), ([2, 1, 0], [1, 2, 3]), ([0, 2], [1, 2])] * 4
    silent = [*ballots, ([0, 1], [None, None])]
    one, other = (fit(evidence_of(found, 3), contamination=True) for found in (ballots, silent))
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-10)
    none = fit(evidence_of([], 3), prior_sd=1.0, contamination=True)
    np.testing.assert_array_equal(none.mean, 0)
    assert none.parameters["contamination"]["share"] == pytest.approx(0.2)


def test_it_does_not_go_with_effects() -> None:
    with pytest.raises(FitError, match="contamination and effects cannot be fitted together"):
        fit(evidence_of([([0, 1], [1, 2])], 2), contamination=True, effects="prompt")


@pytest.mark.slow
def test_intervals_of_the_share_and_of_strengths_cover() -> None:
    rng = np.random.default_rng(33)
    shares, strengths = [], []
    for _ in range(120):
        theta = rng.normal(0, 1.2, 10)
        found = fit(contaminated(theta, 0.2, 500, rng), contamination=True)
        noise = found.parameters["contamination"]
        shares.append(noise["low"] <= 0.2 <= noise["high"])
        sd = np.sqrt(np.diag(found.covariance))
        strengths.append(np.abs(found.mean - (theta - theta.mean())) <= 1.96 * sd)
    assert np.mean(shares) >= 0.93
    assert 0.92 <= np.mean(strengths) <= 0.98
