"""Joint draws of the engines with a link, against integrals over strengths, width and tie parameter."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines import chains, posterior
from ranking.engines.climbing import VARIANCE_RANGE
from ranking.engines.evidence import Evidence
from ranking.engines.mixture import rows_of_items
from ranking.engines.pairwise import draws
from ranking.engines.pairwise.likelihood import PairLikelihood
from ranking.engines.pairwise.links import Davidson, Logistic, Probit, RaoKupper
from ranking.engines.pairwise.pairs import observed
from ranking.engines.registry import ENGINES
from ranking.engines.terms import Terms
from tests.ranking.engines.ballots import evidence_of, simulated

LINKS = {"bradley-terry": Logistic(), "thurstone": Probit(), "davidson": Davidson(), "rao-kupper": RaoKupper()}
TAUS = {"davidson": np.linspace(-30, 12, 801), "rao-kupper": np.exp(np.linspace(-16, 3.2, 801))}


def played(won: int, lost: int, tied: int) -> Evidence:
    ranks = [[1, 2]] * won + [[2, 1]] * lost + [[1, 1]] * tied
    return evidence_of([([0, 1], row) for row in ranks], 2)


def integrated(name: str, won: int, lost: int, tied: int) -> tuple[float, float, float]:
    """P(the first is ahead), and mean and standard deviation of the difference of two strengths."""
    link, zero = LINKS[name], np.zeros(1)
    psi = np.linspace(*np.log(VARIANCE_RANGE), 300)
    gap = np.sinh(np.linspace(-6, 6, 1201)) * 0.6  # N(0, 2 s^2) given s
    share = np.exp(-psi / 2 - np.exp(-psi) / 4 - psi / 2) @ np.exp(-(gap**2) / (4 * np.exp(psi)[:, None]))
    taus = TAUS.get(name, np.zeros(1))
    heights = np.empty((len(taus), len(gap)))
    for place, tau in enumerate(taus.tolist()):
        heights[place] = won * link.win(gap, tau).value + lost * link.win(-gap, tau).value
        if tied:
            heights[place] += tied * link.tie(gap, tau).value
        if link.models_ties:
            heights[place] += (link.tie(zero, tau).value[0] + link.win(zero, tau).value[0]) / 2
    area = np.gradient(taus) if len(taus) > 1 else np.ones(1)
    share = share * (area @ np.exp(heights - heights.max())) * np.gradient(gap)
    share /= share.sum()
    mean = float(share @ gap)
    return float(share[gap > 0].sum() + share[gap == 0].sum() / 2), mean, float(np.sqrt(share @ (gap - mean) ** 2))


@pytest.mark.parametrize("counts", [(10, 0, 0), (3, 0, 0), (1, 0, 0), (5, 1, 2), (10, 0, 5), (2, 0, 8), (4, 4, 3)])
@pytest.mark.parametrize("name", LINKS)
def test_who_is_ahead_follows_the_posterior(name, counts) -> None:
    ahead, _, _ = integrated(name, *counts)
    found = ENGINES[name].fit(played(*counts))
    assert posterior.stronger(found)[0, 1] == pytest.approx(ahead, abs=0.015)
    samples = posterior.draws(found, 60_000)
    assert (samples[:, 0] > samples[:, 1]).mean() == pytest.approx(ahead, abs=0.008)


@pytest.mark.parametrize("counts", [(3, 0, 0), (5, 1, 2), (4, 4, 3)])
@pytest.mark.parametrize("name", LINKS)
def test_the_draws_are_as_wide_as_the_posterior(name, counts) -> None:
    _, mean, sd = integrated(name, *counts)
    samples = posterior.draws(ENGINES[name].fit(played(*counts)), 40_000)
    gap = samples[:, 0] - samples[:, 1]
    assert gap.mean() == pytest.approx(mean, abs=0.05 * sd)
    assert gap.std() == pytest.approx(sd, rel=0.05)


def test_ten_wins_in_ten_leave_hardly_a_doubt_under_any_link() -> None:
    for name in LINKS:
        assert posterior.stronger(ENGINES[name].fit(played(10, 0, 0)))[0, 1] > 0.998


def some_pairs(ties: bool) -> Evidence:
    rng = np.random.default_rng(4)
    rows = [(rng.permutation(6)[:2].tolist(), [1, int(rng.random() > 0.3 or not ties) + 1]) for _ in range(40)]
    return evidence_of(rows, 6, weight=rng.choice([1.0, 1.0, 2.5], 40))


def arguments(rows: Terms) -> tuple[object, ...]:
    return rows.wins, rows.starts, rows.members, rows.split, rows.picks, rows.mass


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", ["thurstone", "davidson", "rao-kupper"])
def test_the_chains_go_by_the_likelihood_with_the_tie_parameter_and_its_prior(name, ties) -> None:
    """Up to a constant, for any strengths and any tie parameter."""
    likelihood = PairLikelihood(observed(some_pairs(ties)), LINKS[name], tie_prior=True)
    rows, link = draws._rows(likelihood, draws.NUMBERS[type(likelihood.link)]), draws.NUMBERS[type(likelihood.link)]
    rng, table, reached = np.random.default_rng(5), np.empty(6), np.empty(1 << chains.SUBSETS)
    off = []
    for spread in (0.0, 0.5, 2.0, 10.0):
        theta, tau = rng.normal(0, spread, 6), float(rng.uniform(0.1, 2))
        found = chains.value(theta, np.exp(tau), *arguments(rows), 0, table, reached)
        if likelihood.link.models_ties:
            found += chains.tie_level(link, tau, float(likelihood.tied.sum()), likelihood.prior_weight)
        off.append(found - likelihood.joint(theta, tau)[0])
    np.testing.assert_allclose(off, off[0], atol=1e-8)


@pytest.mark.parametrize("name", ["thurstone", "davidson", "rao-kupper"])
def test_a_strength_moves_as_in_the_whole_likelihood(name) -> None:
    likelihood = PairLikelihood(observed(some_pairs(ties=True)), LINKS[name], tie_prior=True)
    rows = draws._rows(likelihood, draws.NUMBERS[type(likelihood.link)])
    theta, table = np.random.default_rng(6).normal(0, 1, 6), np.empty(6)
    own, bounds = rows_of_items(rows)
    rest, upto = chains.most_sets(rows.picks, own, bounds)
    reached = np.empty(1 << chains.SUBSETS)
    for item in range(6):
        mine = own[bounds[item] : bounds[item + 1]]
        whole, part = [], []
        for at in (-1.0, 0.7):
            theta[item] = at
            whole.append(chains.value(theta, 1.7, *arguments(rows), 0, table, reached))
            table[:] = np.exp(theta)
            chains.beside(item, *arguments(rows)[1:5], mine, table, rest, upto)
            part.append(chains.nearby(item, theta, 1.7, *arguments(rows), mine, table, rest, upto, reached))
        assert part[1] - part[0] == pytest.approx(whole[1] - whole[0], abs=1e-9)


@pytest.mark.parametrize("name", ["davidson", "rao-kupper"])
def test_the_tie_parameter_is_drawn_from_its_posterior_given_the_strengths(name) -> None:
    likelihood = PairLikelihood(observed(some_pairs(ties=True)), LINKS[name], tie_prior=True)
    number = draws.NUMBERS[type(likelihood.link)]
    rows, theta = draws._rows(likelihood, number), np.linspace(-1, 1, 6)
    taus = np.linspace(-8, 4, 2001) if name == "davidson" else np.linspace(1e-4, 4, 2001)
    heights = np.array([likelihood.joint(theta, tau)[0] for tau in taus.tolist()])
    share = np.exp(heights - heights.max())
    share /= share.sum()
    mean = share @ taus
    rng, table, reached = np.random.default_rng(7), np.empty(6), np.empty(1 << chains.SUBSETS)
    tau, found = float(mean) + 1, []
    for _ in range(20_000):
        tied = float(likelihood.tied.sum()), likelihood.prior_weight
        tau = chains.slide_tie(rng, theta, tau, number, *tied, 1.5, *arguments(rows), 0, table, reached)
        found.append(tau)
    sd = np.sqrt(share @ (taus - mean) ** 2)
    assert np.mean(found[10:]) == pytest.approx(mean, abs=0.05 * sd)
    assert np.std(found[10:]) == pytest.approx(sd, rel=0.04)


def test_the_normal_distribution_function_is_that_of_the_link_far_out_as_well() -> None:
    points = np.array([-300.0, -40.0, -30.1, -29.9, -5.0, 0.0, 3.0, 40.0])
    found = [chains.log_normal(point) for point in points.tolist()]
    np.testing.assert_allclose(found, Probit().win(points, 0.0).value, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", LINKS)
def test_means_and_deviations_are_near_those_of_the_draws_in_a_sparse_field(name) -> None:
    found = ENGINES[name].fit(simulated(np.linspace(-0.6, 0.6, 8), 100, 2, np.random.default_rng(8)))
    samples, sd = posterior.draws(found, 20_000), np.sqrt(np.diag(found.covariance))
    assert found.sampler is not None
    np.testing.assert_allclose(samples.std(axis=0), sd, rtol=0.06)
    np.testing.assert_allclose(samples.mean(axis=0), found.mean, atol=0.06 * sd.mean())


def test_a_given_prior_none_and_other_intervals_keep_the_gaussian() -> None:
    evidence = played(4, 2, 1)
    for name in LINKS:
        for options in ({"prior_sd": 1.0}, {"method": "ml"}, {"intervals": "sandwich"}):
            assert ENGINES[name].fit(evidence, **options).sampler is None
