"""Beside choix, evalica and openskill on random ballots; where they differ, the reason is what the test shows.

Elsewhere: pairs without ties in `pairwise/test_bradley_terry`, trueskill in `sequential/test_trueskill`, the golden
files of evalica beside each engine, the time they take in `benchmarks`.
"""

from __future__ import annotations

import choix
import evalica
import numpy as np
import pytest
from openskill.models import PlackettLuce

from ranking.engines import plackett_luce
from ranking.engines.evidence import Evidence
from ranking.engines.online import assimilate
from ranking.engines.pairwise import bradley_terry, davidson, win_rate
from ranking.engines.sequential import elo
from tests.ranking.engines.ballots import names, simulated

FLAT = 1e4  # logits: a prior too wide to matter
X, Y, DRAW = evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw
ITEMS = 9


def rankings(seed: int, *, known: int | None = None) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """400 ballots on four of ten each, as evidence and as choix wants them: slots and ranks."""
    rng = np.random.default_rng(seed)
    evidence = simulated(rng.normal(0, 0.8, 10), 400, 4, rng, known=known)
    return evidence, evidence.slots.reshape(-1, 4), evidence.ranks.reshape(-1, 4)


def orders(slots: np.ndarray, ranks: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(row) for row in np.take_along_axis(slots, ranks.argsort(axis=1), axis=1).tolist()]


def winners(slots: np.ndarray, ranks: np.ndarray) -> list[tuple[int, tuple[int, ...]]]:
    return [(int(row[known == 1][0]), tuple(row[known != 1].tolist())) for row, known in zip(slots, ranks, strict=True)]


@pytest.mark.parametrize("seed", [0, 1])
def test_rankings_have_the_maximum_that_choix_finds_by_spectra(seed: int) -> None:
    """choix has no prior and leaves the sum of its parameters at zero."""
    evidence, slots, ranks = rankings(seed)
    found = plackett_luce.fit(evidence, prior_sd=FLAT).mean

    np.testing.assert_allclose(found, choix.ilsr_rankings(10, orders(slots, ranks), max_iter=1000), atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_best_of_four_has_the_maximum_that_choix_finds_by_spectra(seed: int) -> None:
    """choix's top-1 lists are our best-only ballots: nothing is known of the others."""
    evidence, slots, ranks = rankings(seed, known=1)
    found = plackett_luce.fit(evidence, prior_sd=FLAT).mean

    np.testing.assert_allclose(found, choix.ilsr_top1(10, winners(slots, ranks), max_iter=1000), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 2.0])
@pytest.mark.parametrize("known", [None, 1])
def test_the_penalty_of_choix_is_our_prior(alpha: float, known: int | None) -> None:
    """alpha |theta|^2 is the logarithm of N(0, s^2) with s^2 = 1 / 2 alpha; the uncentred modes sum to zero alike."""
    evidence, slots, ranks = rankings(2, known=known)
    if known is None:
        expected = choix.opt_rankings(10, orders(slots, ranks), alpha=alpha, tol=1e-10)
    else:
        expected = choix.opt_top1(10, winners(slots, ranks), alpha=alpha, tol=1e-10)
    found = plackett_luce.fit(evidence, prior_sd=float(np.sqrt(1 / (2 * alpha))))

    np.testing.assert_allclose(found.mean, expected - expected.mean(), atol=1e-5)


def battles(seed: int, count: int = 700) -> tuple[Evidence, list[int], list[int], list[evalica.Winner]]:
    """Pairs of which some are tied, the likelier the closer; as evidence and as evalica wants them."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=ITEMS)
    first, second = np.array([rng.choice(ITEMS, 2, replace=False) for _ in range(count)]).T
    weight = np.exp(np.stack([theta[first], theta[second], (theta[first] + theta[second]) / 2 + np.log(0.8)]))
    drawn = (rng.random(count) > np.cumsum(weight / weight.sum(axis=0), axis=0)).sum(axis=0)
    ranks = np.array([[1, 2], [2, 1], [1, 1]])[drawn]
    evidence = Evidence.from_arrays(names(ITEMS), np.stack([first, second], axis=1), ranks)
    return evidence, first.tolist(), second.tolist(), [(X, Y, DRAW)[outcome] for outcome in drawn]


@pytest.mark.parametrize("seed", [0, 1])
def test_bradley_terry_with_ties_as_half_a_win_agrees_with_evalica(seed: int) -> None:
    """evalica gives strengths with geometric mean 1 (ours are their logarithms), and stops at a tolerance."""
    evidence, first, second, outcomes = battles(seed)
    peer = evalica.bradley_terry(first, second, outcomes, limit=10_000, tolerance=1e-12).scores

    np.testing.assert_allclose(bradley_terry.fit(evidence, method="ml").mean, np.log(peer.loc[range(ITEMS)]), atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1])
def test_davidson_has_the_maximum_of_newmans_iteration(seed: int) -> None:
    """evalica counts a tie as a whole one unless told otherwise; its v is half of our tie parameter."""
    evidence, first, second, outcomes = battles(seed)
    peer = evalica.newman(first, second, outcomes, limit=100_000, tolerance=1e-13)
    found = davidson.fit(evidence, method="ml")
    expected = np.log(peer.scores.loc[range(ITEMS)])

    np.testing.assert_allclose(found.mean, expected - expected.mean(), atol=1e-5)
    assert found.parameters["tie_parameter"] == pytest.approx(2 * peer.v, abs=1e-5)


def test_elo_with_ties_agrees_with_evalica() -> None:
    evidence, first, second, outcomes = battles(2)
    peer = evalica.elo(first, second, outcomes, k=16).scores.loc[range(ITEMS)]

    np.testing.assert_allclose(
        1000 + elo.fit(evidence, k_factor=16).mean * 400 / np.log(10), peer.to_numpy(), atol=1e-8
    )


def test_win_rates_over_opponents_agree_with_evalica() -> None:
    evidence, first, second, outcomes = battles(3)
    peer = evalica.average_win_rate(first, second, outcomes).scores.loc[range(ITEMS)]

    np.testing.assert_allclose(win_rate.fit(evidence, average="opponents").mean, peer.to_numpy(), atol=1e-9)


def test_openskills_plackett_luce_is_the_first_step_of_ours_in_units_that_depend_on_the_ballot() -> None:
    """It takes one gradient step from where it stands, in units of c^2 = sum of sigma^2 + beta^2 over the ballot, and
    keeps no covariance. For a prior that is narrow beside beta that is our update of one ballot."""
    beta, sigma, mu = 25 / 6, 0.004, np.array([24.0, 25.5, 25.0, 26.0])
    model = PlackettLuce(beta=beta, tau=0.0, gamma=lambda *_, **__: 1.0, kappa=1e-12)
    before = [[model.rating(mu=value, sigma=sigma)] for value in mu]
    after = [player for (player,) in model.rate(before, ranks=[2, 1, 4, 3])]
    unit = np.sqrt(4 * (sigma**2 + beta**2))
    mean, covariance = assimilate(mu / unit, (sigma / unit) ** 2 * np.eye(4), range(4), [2, 1, 4, 3])

    moved = np.array([player.mu for player in after]) - mu
    np.testing.assert_allclose((mean - mu / unit) * unit, moved, rtol=1e-5)
    shrunk = 1 - np.array([player.sigma for player in after]) ** 2 / sigma**2
    np.testing.assert_allclose(1 - np.diag(covariance) * (unit / sigma) ** 2, shrunk, rtol=1e-4)


def test_with_a_wide_prior_openskill_goes_further_than_the_posterior_mode() -> None:
    """The difference on real boards: a whole step where the likelihood bends away, so early ballots count too much."""
    beta, sigma = 25 / 6, 25 / 3
    model = PlackettLuce(tau=0.0)
    after = [player.mu for (player,) in model.rate([[model.rating()] for _ in range(4)], ranks=[1, 2, 3, 4])]
    unit = np.sqrt(4 * (sigma**2 + beta**2))
    mean, _ = assimilate(np.zeros(4), (sigma / unit) ** 2 * np.eye(4), range(4), [1, 2, 3, 4])

    ours, theirs = mean * unit, np.array(after) - 25
    assert (np.diff(theirs) < 0).all()
    assert (np.diff(ours) < 0).all()
    assert theirs[0] > ours[0] > 0
    assert theirs[3] < ours[3] < 0
