"""Each link: probabilities that add to one, derivatives that are derivatives, no overflow at the far ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ranking.engines.pairwise.links import Davidson, Logistic, Probit, RaoKupper

ETA = np.array([-4.0, -1.3, -0.2, 0.0, 0.5, 2.0, 5.0])
LINKS = [Logistic(), Probit(), Davidson(), RaoKupper()]
MODELS_TIES = [Davidson(), RaoKupper()]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
@pytest.mark.parametrize("outcome", ["win", "tie"])
def test_derivatives_agree_with_differences(link, outcome) -> None:
    function, tau, step = getattr(link, outcome), 0.4, 1e-5
    jet = function(ETA, tau)
    up, down = function(ETA + step, tau), function(ETA - step, tau)
    np.testing.assert_allclose(jet.eta, (up.value - down.value) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(jet.eta_eta, (up.eta - down.eta) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(jet.eta_tau, (up.tau - down.tau) / (2 * step), atol=1e-8)
    up, down = function(ETA, tau + step), function(ETA, tau - step)
    np.testing.assert_allclose(jet.tau, (up.value - down.value) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(jet.tau_tau, (up.tau - down.tau) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
def test_the_outcomes_have_probability_one_together(link) -> None:
    total = np.exp(link.win(ETA, 0.7).value) + np.exp(link.win(-ETA, 0.7).value)
    if link.models_ties:
        total += np.exp(link.tie(ETA, 0.7).value)
    np.testing.assert_allclose(total, 1, atol=1e-14)


def test_the_published_formulas() -> None:
    """In odds: Davidson's tie is nu sqrt(pi_a pi_b), Rao and Kupper's win is pi_a / (pi_a + theta pi_b)."""
    pi, nu = np.exp(1.2), 0.75
    total = pi + 1 + nu * np.sqrt(pi)
    eta = np.array([1.2])
    np.testing.assert_allclose(np.exp(Davidson().win(eta, np.log(nu)).value), pi / total)
    np.testing.assert_allclose(np.exp(Davidson().tie(eta, np.log(nu)).value), nu * np.sqrt(pi) / total)
    theta = 1.6
    np.testing.assert_allclose(np.exp(RaoKupper().win(eta, np.log(theta)).value), pi / (pi + theta))
    tie = pi * (theta**2 - 1) / ((pi + theta) * (1 + theta * pi))
    np.testing.assert_allclose(np.exp(RaoKupper().tie(eta, np.log(theta)).value), tie)
    np.testing.assert_allclose(np.exp(Probit().win(ETA, 0.0).value), norm.cdf(ETA), rtol=1e-12)


def test_without_ties_both_tie_models_are_bradley_terry() -> None:
    expected = Logistic().win(ETA, 0.0)
    for link in MODELS_TIES:
        found = link.win(ETA, link.no_ties)
        np.testing.assert_allclose(found.value, expected.value, atol=1e-15)
        np.testing.assert_allclose(found.eta, expected.eta, atol=1e-15)
        np.testing.assert_allclose(found.eta_eta, expected.eta_eta, atol=1e-15)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
def test_far_ends_are_finite_and_concave(link) -> None:
    for tau in (0.01, 1.0, 30.0):
        for outcome in (link.win, link.tie):
            jet = outcome(np.array([-300.0, -40.0, 40.0, 300.0]), tau)
            for part in ("value", "eta", "tau", "eta_eta", "eta_tau", "tau_tau"):
                assert np.isfinite(getattr(jet, part)).all(), part
            assert (jet.eta_eta <= 1e-12).all()
            assert (jet.tau_tau <= 1e-12).all()
            assert (jet.eta_eta * jet.tau_tau - jet.eta_tau**2 >= -1e-9).all()


def test_small_slopes_keep_their_digits() -> None:
    """Far from the balance a slope by the tie parameter is a small probability, not a difference of two large ones."""
    apart = np.array([60.0])
    np.testing.assert_allclose(Davidson().tie(apart, 70.0).tau, np.exp(-40.0), rtol=1e-12)
    np.testing.assert_allclose(Davidson().win(apart, 0.0).eta, np.exp(-30.0) / 2, rtol=1e-12)
    np.testing.assert_allclose(RaoKupper().tie(apart, 100.0).tau, np.exp(-40.0), rtol=1e-12)
    np.testing.assert_allclose(RaoKupper().tie(apart, 100.0).value, -np.exp(-40.0), rtol=1e-12)
