"""TrueSkill against the package of that name, integration, and at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trueskill as peer
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ranking.engines.errors import FitError
from ranking.engines.sequential import loops
from ranking.engines.sequential.trueskill import BETA, SIGMA, fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots

WIDE = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize(("draws", "tau"), [(0.1, 25 / 300), (0.3, 0.0)])
def test_agrees_with_the_package_on_rankings_with_ties(draws, tau) -> None:
    """The package stops when a sweep moves less than `min_delta`; with a small one both stop at the same fixed point.

    Its factor graph also passes messages between neighbours only, so nothing else differs.
    """
    rng = np.random.default_rng(0)
    env = peer.TrueSkill(draw_probability=draws, tau=tau)
    ratings = [env.create_rating() for _ in range(6)]
    ballots = []
    for _ in range(60):
        size = rng.integers(2, 6)
        slots, ranks = rng.permutation(6)[:size].tolist(), rng.integers(1, 4, size).tolist()
        ballots.append((slots, ranks))
        for item, (new,) in zip(
            slots, env.rate([(ratings[item],) for item in slots], ranks=ranks, min_delta=1e-12), strict=True
        ):
            ratings[item] = new
    found = fit(evidence_of(ballots, 6), tau=tau, draw_probability=draws)
    np.testing.assert_allclose(found.mean, [rating.mu for rating in ratings], atol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), [r.sigma for r in ratings], atol=1e-6)
    assert found.converged


@pytest.mark.parametrize("ranks", [[1, 2], [1, 1]])
def test_two_contestants_have_the_moments_of_the_exact_posterior(ranks) -> None:
    found = fit(evidence_of([([0, 1], ranks)], 2), draw_probability=0.2)
    margin = norm.ppf(0.6) * math.sqrt(2) * BETA

    grid = np.linspace(25 - 70, 25 + 70, 1201)  # the trapezoid rule is exact to rounding for such smooth functions
    x, y = grid[:, None], grid[None, :]
    spread = math.sqrt(2) * BETA
    upper = norm.cdf((x - y - margin) / spread)
    seen = upper if ranks == [1, 2] else norm.cdf((x - y + margin) / spread) - upper
    density = norm.pdf(x, 25, SIGMA) * norm.pdf(y, 25, SIGMA) * seen
    density /= density.sum()
    mean = (x * density).sum()
    assert found.mean[0] == pytest.approx(mean, abs=1e-6)
    assert found.covariance[0, 0] == pytest.approx((x**2 * density).sum() - mean**2, abs=1e-6)


def test_best_of_four_puts_the_others_level() -> None:
    found = fit(evidence_of([([0, 1, 2, 3], [1, None, None, None])], 4))
    assert found.mean[0] > 25 > found.mean[1]
    np.testing.assert_allclose(found.mean[1:], found.mean[1], atol=1e-6)
    np.testing.assert_allclose(np.diag(found.covariance)[1:], found.covariance[1, 1], atol=1e-6)


def test_best_and_worst_of_four() -> None:
    found = fit(evidence_of([([0, 1, 2, 3], [None, -1, 1, None])], 4))
    assert found.mean[2] > found.mean[0] > found.mean[1]
    assert found.mean[0] == pytest.approx(25, abs=1e-6)
    assert found.mean[3] == pytest.approx(25, abs=1e-6)


@WIDE
@given(some_ballots(), st.permutations(range(6)))
def test_relabelling_changes_nothing_and_every_belief_narrows(ballots, labels) -> None:
    evidence = evidence_of(ballots, 6)
    assume(evidence.informative().any())
    first = fit(evidence)
    second = fit(evidence_of([([labels[slot] for slot in slots], ranks) for slots, ranks in ballots], 6))
    np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-9)
    variance = np.diag(first.covariance)
    assert (variance > 0).all()
    assert (variance <= SIGMA**2 + 1e-9).all()


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_a_weight_is_a_repetition_in_a_row(ballots, weights) -> None:
    weights = weights[: len(ballots)]
    once = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    assume(once.informative().any())
    repeated = evidence_of([ballot for ballot, w in zip(ballots, weights, strict=True) for _ in range(w)], 6)
    np.testing.assert_allclose(fit(once).mean, fit(repeated).mean, atol=1e-9)


def test_a_fraction_of_a_ballot_says_less() -> None:
    moves = [fit(evidence_of([([0, 1], [1, 2])], 2, weight=[w])).mean[0] - 25 for w in (0.25, 0.5, 1.0)]
    assert 0 < moves[0] < moves[1] < moves[2]


def test_the_order_of_ballots_matters_and_is_said_to() -> None:
    ballots = [([0, 1], [1, 2])] * 5 + [([0, 1], [2, 1])] * 5
    first, second = fit(evidence_of(ballots, 2)), fit(evidence_of(ballots[::-1], 2))
    assert abs(first.mean[0] - second.mean[0]) > 0.1
    assert "another order gives other ratings" in first.warnings[0]


def test_strengths_are_recovered() -> None:
    rng = np.random.default_rng(3)
    theta = rng.normal(size=8)
    found = fit(simulated(theta, 4_000, 3, rng))
    assert np.corrcoef(found.mean, theta)[0, 1] > 0.98
    assert np.sqrt(np.diag(found.covariance)).max() < 1


def test_surprises_far_beyond_double_precision_stay_finite() -> None:
    ballots = [([0, 1], [1, 2])] * 3_000 + [([0, 1], [2, 1])]
    found = fit(evidence_of(ballots, 2), sigma=1e3, beta=0.01)
    assert np.isfinite(found.mean).all()
    for t in (-60.0, -31.0, -29.0, -5.0, 0.0, 5.0, 60.0):
        v, w = loops.truncation(t, 0.1, False)
        assert v >= 0
        assert 0 <= w <= 1
        for margin in (0.01, 1.0):
            v, w = loops.truncation(t, margin, True)
            assert math.copysign(1, v) == -math.copysign(1, t) or v == pytest.approx(0)
            assert 0 <= w <= 1 + 1e-9


@pytest.mark.parametrize("t", [-29.99, -4.0, 0.0, 3.0])
def test_the_tails_join(t) -> None:
    """V by the series below -30 and by the error function above, against scipy's logarithms."""
    for point in (t, -30.01):
        expected = math.exp(norm.logpdf(point) - norm.logcdf(point))
        assert loops.inverse_mills(point) == pytest.approx(expected, rel=1e-9)
        high = norm.cdf(1.0 - point) - norm.cdf(-1.0 - point)
        if high > 1e-12:
            v, _ = loops.truncation(point, 1.0, True)
            mean = (norm.pdf(-1.0 - point) - norm.pdf(1.0 - point)) / high
            assert v == pytest.approx(mean, rel=1e-6)


def test_what_ties_are_expected_is_learned_or_given() -> None:
    evidence = evidence_of([([0, 1], [1, 1]), ([0, 1], [1, 2]), ([0, 1, 2], [1, 1, 2]), ([0, 1], [2, 1])], 3)
    assert fit(evidence).parameters["draw_probability"] == pytest.approx(2 / 5)
    with pytest.raises(FitError, match="there are ties, so draw_probability must be above 0"):
        fit(evidence, draw_probability=0.0)
    only = fit(evidence_of([([0, 1], [1, 1])] * 5, 2))
    np.testing.assert_allclose(only.mean, 25, atol=1e-6)
    for wrong in (1.5, 1e-300, -1.0, float("nan")):
        with pytest.raises(FitError, match=f"draw_probability, if not 0, must be .* not {wrong}"):
            fit(evidence, draw_probability=wrong)
    rare = evidence_of([([0, 1], [1, 1]), ([0, 1], [1, 2])], 2, weight=[1e-6, 1e7])
    assert np.isfinite(fit(rare).mean).all()


def test_a_contestant_without_ranked_ballots_is_named() -> None:
    found = fit(evidence_of([([0, 1], [1, 2]), ([1, 2], [None, None])], 3))
    assert found.mean[2] == 25
    assert any(warning.startswith("c2: on no ballot that ranks") for warning in found.warnings)
    with pytest.raises(FitError, match="nothing to update ratings with"):
        fit(evidence_of([([0, 1], [None, None])], 2))
