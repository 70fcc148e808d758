"""The solver behind the Gaussian posteriors: what it says where it fails, and how far its digits reach."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from ranking.engines import laplace
from ranking.engines.climbing import climb
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.laplace import maximise, rival_note, widest_view
from ranking.engines.registry import ENGINES
from ranking.engines.standings import standings
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, simulated

WITH_PRIOR = [name for name, engine in ENGINES.items() if "prior_sd" in engine.options]
CYCLE = [([0, 1, 2], [1, 2, 3]), ([1, 2, 0], [1, 2, 3]), ([2, 1, 0], [1, 3, 2])]


class Restless:
    """A likelihood that pulls the other way each time it is asked."""

    def __init__(self, value: float = 0.0) -> None:
        self.wins, self.mass, self.height, self.side = np.zeros(3), np.ones(3), value, 1.0

    def evaluate(self, theta):
        self.side = -self.side
        return self.height, self.side * np.array([5.0, 0.0, -5.0]), np.eye(3)


@pytest.mark.parametrize("prior_sd", [None, 30.0])
def test_without_a_mode_the_covariance_is_the_prior(prior_sd) -> None:
    mode = maximise(Restless(), prior_sd=prior_sd)
    assert not mode.converged
    np.testing.assert_allclose(mode.covariance, mode.variance * np.eye(3))
    np.testing.assert_allclose(mode.centred, mode.variance * (np.eye(3) - 1 / 3), atol=1e-12)
    assert not mode.swing.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_likelihood_that_is_no_number_is_refused(value) -> None:
    with pytest.raises(FitError, match="not a number even where all are equal"):
        maximise(Restless(value), prior_sd=1.0)


def test_a_start_without_a_likelihood_is_left_for_equal_strengths() -> None:
    class Edged(Restless):
        def evaluate(self, theta):
            value = -np.inf if np.abs(theta).max() > 100 else float(-theta @ theta / 2 + theta[0])
            return value, np.array([1.0, 0.0, 0.0]) - theta, np.eye(3)

    mode = maximise(Edged(), prior_sd=1.0, start=np.full(3, 1e6))
    np.testing.assert_allclose(mode.theta, [0.5, 0, 0], atol=1e-9)
    assert mode.converged


def chain(count: int) -> Evidence:
    """Each contestant beats the next a thousand million times."""
    ballots = [([low, low + 1], [1, 2]) for low in range(count - 1)]
    return evidence_of(ballots, count, weight=np.full(count - 1, 1e9))


def fitted(name: str, evidence: Evidence, **options: float) -> tuple[Fit | None, str]:
    """The fit, or why there is none."""
    try:
        return ENGINES[name].fit(evidence, **options), ""
    except FitError as refusal:
        return None, str(refusal)


@pytest.mark.parametrize("name", WITH_PRIOR)
@pytest.mark.parametrize("prior_sd", [1e-6, 1e3, 1e6])
def test_a_fit_that_fails_says_so_and_claims_no_more_than_the_prior(name, prior_sd) -> None:
    fit, reason = fitted(name, chain(10), prior_sd=prior_sd)
    if fit is None:
        assert "did not converge" in reason
        return
    sd = np.array([row.sd for row in standings(fit)])
    assert (sd > 0).all()
    if not fit.converged:
        np.testing.assert_allclose(sd, prior_sd * np.sqrt(0.9))
        assert any("did not converge" in warning or "did not settle" in warning for warning in fit.warnings)
    json.dumps(dict(fit.parameters), allow_nan=False)


def test_some_fit_of_such_a_chain_does_fail() -> None:
    fit = ENGINES["plackett-luce"].fit(chain(40), prior_sd=1e6, intervals="sandwich")
    assert not fit.converged
    assert fit.warnings[0].endswith("iterations; its intervals are those of the prior")
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), 1e6 * np.sqrt(39 / 40))


@pytest.mark.parametrize("name", WITH_PRIOR)
@pytest.mark.parametrize("weight", [1e-6, 1.0, 1e9])
def test_the_widest_prior_leaves_the_digits_of_much_evidence(name, weight) -> None:
    evidence = evidence_of(CYCLE, 3, weight=np.full(3, weight))
    fit = ENGINES[name].fit(evidence, prior_sd=1e6)
    assert fit.converged
    if weight >= 1:
        narrow = ENGINES[name].fit(evidence, prior_sd=1e3)
        np.testing.assert_allclose(fit.covariance, narrow.covariance, rtol=1e-4)
        assert 0.1 < np.sqrt(np.diag(fit.covariance)).max() * np.sqrt(weight) < 10


@pytest.mark.parametrize("name", ["plackett-luce", "bradley-terry", "davidson", "rao-kupper", "thurstone"])
@pytest.mark.parametrize("intervals", ["sandwich", "clustered"])
def test_so_do_intervals_that_do_not_believe_the_model(name, intervals) -> None:
    evidence = evidence_of(CYCLE, 3, weight=np.full(3, 1e9), voters=["a", "b", "c"])
    wide = ENGINES[name].fit(evidence, prior_sd=1e6, intervals=intervals)
    narrow = ENGINES[name].fit(evidence, prior_sd=1e3, intervals=intervals)
    np.testing.assert_allclose(wide.covariance, narrow.covariance, rtol=1e-4)


def test_what_ballots_do_not_compare_keeps_the_whole_prior_whatever_they_weigh() -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([0, 1], [2, 1]), ([2, 3], [1, 2]), ([2, 3], [2, 1])], 4,
                           weight=np.full(4, 1e6))  # fmt: skip
    covariance = ENGINES["plackett-luce"].fit(evidence, prior_sd=1e3).covariance
    groups = np.array([0.5, 0.5, -0.5, -0.5])
    assert groups @ covariance @ groups == pytest.approx(1e6, rel=1e-6)  # of four strengths added up and halved
    pair = np.array([1.0, -1.0, 0.0, 0.0])
    assert pair @ covariance @ pair == pytest.approx(2e-6, rel=1e-3)


def test_the_search_finds_what_the_equation_finds(monkeypatch) -> None:
    rng = np.random.default_rng(7)
    for _ in range(10):
        ballots = [(rng.permutation(6)[:3].tolist(), [1, 2, 3]) for _ in range(30)]
        evidence = evidence_of(ballots, 6)
        solved = ENGINES["plackett-luce"].fit(evidence)
        with monkeypatch.context() as patch:
            patch.setattr(laplace, "EQUATION_ITERATIONS", 1)
            searched = ENGINES["plackett-luce"].fit(evidence)
        assert searched.converged
        np.testing.assert_allclose(searched.mean, solved.mean, atol=2e-3)
        np.testing.assert_allclose(searched.covariance, solved.covariance, atol=2e-3)


@pytest.mark.parametrize("name", WITH_PRIOR)
@pytest.mark.parametrize("size", [2, 3, 5, 7])
@pytest.mark.parametrize("times", [1, 5, 30])
def test_a_prior_is_learned_from_a_ballot_or_two(name, size, times) -> None:
    whole, best = list(range(1, size + 1)), [1] + [None] * (size - 1)
    for ranks in (whole, best, [1] * size):
        fit = ENGINES[name].fit(evidence_of([(list(range(size)), ranks)] * times, size))
        assert fit.converged
        assert 0.1 <= fit.parameters["prior_sd"] <= 10
        if fit.parameters["prior_sd"] in (0.1, 10):
            assert any("limit" in warning for warning in fit.warnings)


@pytest.mark.parametrize("size", [2, 4])
def test_learning_a_prior_from_few_ballots_takes_few_passes(size) -> None:
    """The evidence equation alone crawls here: with it and a search of the whole range, up to 120."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        evidence = simulated(rng.normal(0, 1, 50), 100 // size, size, rng)
        mode = maximise(group(evidence))
        assert mode.converged
        assert mode.iterations <= 60


def test_where_the_slope_says_the_evidence_is_level_it_is_highest(monkeypatch) -> None:
    monkeypatch.setattr(laplace, "EQUATION_ITERATIONS", 1)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        terms = group(simulated(rng.normal(0, 1, 10), 15, 2, rng))
        began = laplace._equated(terms, np.zeros(10))[0]
        rooted, _, settled = laplace._rooted(terms, began)
        searched, _ = laplace._searched(terms, np.zeros(10))
        assert settled
        assert rooted.log_evidence() == pytest.approx(searched.log_evidence(), abs=1e-4)


def test_a_search_in_which_climbs_fail_between_those_of_the_grid_is_quiet(monkeypatch) -> None:
    """A search through losses of infinity computes infinity less infinity; no top counts as worse than all others."""
    grid = np.geomspace(*laplace.VARIANCE_RANGE, laplace.SEARCHED)

    def failing(terms, theta, variance, drift, most):
        top = climb(terms, theta, variance, drift, most)
        return top if np.isclose(grid, variance, rtol=1e-9).any() else replace(top, converged=False)

    monkeypatch.setattr(laplace, "climb", failing)
    terms = group(evidence_of(CYCLE, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = laplace._searched(terms, np.zeros(3))
    assert found.converged
    assert np.isclose(grid, found.variance).any()


@pytest.mark.parametrize(("items", "ballots"), [(20, 100), (40, 300)])
def test_of_two_maxima_of_the_evidence_the_higher_is_taken(items, ballots) -> None:
    """Each always beats the next: either a wide field, or luck in a narrow one, where the equation settles."""
    upper = np.arange(ballots) % (items - 1)
    terms = group(Evidence.from_pairs([f"c{n}" for n in range(items)], upper, upper + 1, np.ones(ballots, int)))
    settled = maximise(terms)
    found, _ = widest_view(terms, settled)
    assert settled.variance < 0.3
    assert found.converged
    assert found.variance == laplace.VARIANCE_RANGE[1]
    heights = [climb(terms, mode.theta, mode.variance, None, 100).log_evidence() for mode in (settled, found)]
    assert heights[1] > heights[0]


@pytest.mark.parametrize(("ballots", "size"), [(30, 2), (200, 3), (2_000, 4)])
def test_usual_ballots_have_one_maximum(ballots, size) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        terms = group(simulated(rng.normal(0, 1, 12), ballots, size, rng))
        settled = maximise(terms)
        found, tops = widest_view(terms, settled, close=True)
        assert found.variance == pytest.approx(settled.variance, rel=1e-3)
        assert found.rival is None
        assert rival_note(found) == []
        assert [top.variance for top in tops] == sorted(top.variance for top in tops)
        assert bool(tops) == (ballots < 2_000)
