"""Newton's method and its cheap repetition agree, near and far from the solution."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.pairwise.likelihood import PairLikelihood
from ranking.engines.pairwise.links import Davidson, Logistic, Probit, RaoKupper
from ranking.engines.pairwise.pairs import observed
from ranking.engines.pairwise.solver import factorised, newton, refit
from tests.ranking.engines.ballots import evidence_of

LINKS = [Logistic(), Probit(), Davidson(), RaoKupper()]


def with_ties(rng: np.random.Generator, count: int):
    ballots = [(rng.permutation(5)[:2].tolist(), [[1, 2], [2, 1], [1, 1]][rng.integers(3)]) for _ in range(count)]
    return observed(evidence_of(ballots, 5))


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
@pytest.mark.parametrize("precision", [0.0, 2.0])
@pytest.mark.parametrize("away", [0.05, 3.0])
def test_a_refit_ends_where_newton_does(link, precision, away) -> None:
    rng = np.random.default_rng(1)
    likelihood = PairLikelihood(with_ties(rng, 200), link, tie_prior=precision > 0)
    expected, _, converged = newton(likelihood, np.zeros(5), precision=precision)
    start = expected + away * (np.arange(5) - 2)
    factor = factorised(likelihood.evaluate(start)[2], precision)
    found = refit(likelihood, start, factor, precision=precision)
    assert converged
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=1e-6)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
def test_the_gradient_alone_is_that_of_the_evaluation(link) -> None:
    rng = np.random.default_rng(2)
    likelihood = PairLikelihood(with_ties(rng, 50), link, tie_prior=True)
    theta = rng.normal(size=5)
    np.testing.assert_allclose(likelihood.gradient(theta), likelihood.evaluate(theta)[1], atol=1e-12)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
def test_the_profile_has_the_derivatives_of_its_value(link) -> None:
    rng = np.random.default_rng(3)
    likelihood = PairLikelihood(with_ties(rng, 50), link, tie_prior=True)
    theta, step = rng.normal(size=5), 1e-5
    _, gradient, information = likelihood.evaluate(theta)
    for item in range(5):
        shift = np.eye(5)[item] * step
        up, down = likelihood.evaluate(theta + shift), likelihood.evaluate(theta - shift)
        assert (up[0] - down[0]) / (2 * step) == pytest.approx(gradient[item], abs=1e-6)
        np.testing.assert_allclose(-(up[1] - down[1]) / (2 * step), information[item], atol=1e-5)
