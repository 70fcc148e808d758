"""Infit and outfit by hand, as the model predicts them, and on raters who do not rate as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ranking.engines.rasch.cells import group
from ranking.engines.rasch.faceted import fit
from ranking.engines.rasch.residuals import _standardised, cell_sums, misfit
from ranking.engines.ratings import Ratings
from tests.ranking.engines.rasch.plain import log_probability
from tests.ranking.engines.rasch.simulated import simulated


def test_mean_squares_are_the_textbook_sums() -> None:
    """One rating at a time, at the estimates."""
    ratings, _ = simulated(np.random.default_rng(1), items=6, raters=4, categories=4, each=4)
    found = fit(ratings)
    squares, weights, standard, kurtosis, excess = ([[] for _ in range(4)] for _ in range(5))
    for item, rater, value in zip(ratings.item, ratings.rater, ratings.value, strict=True):
        location = float(found.items.measure[item] - found.raters.measure[rater])
        shares = [math.exp(log_probability(k, location, found.thresholds.measure.tolist())) for k in range(4)]
        mean = sum(k * share for k, share in enumerate(shares))
        variance = sum((k - mean) ** 2 * share for k, share in enumerate(shares))
        fourth = sum((k - mean) ** 4 * share for k, share in enumerate(shares))
        squares[rater].append((value - mean) ** 2)
        weights[rater].append(variance)
        standard[rater].append((value - mean) ** 2 / variance)
        kurtosis[rater].append(fourth / variance**2)
        excess[rater].append(fourth - variance**2)
    for rater in range(4):
        infit, outfit = sum(squares[rater]) / sum(weights[rater]), np.mean(standard[rater])
        q_in = math.sqrt(sum(excess[rater])) / sum(weights[rater])
        q_out = math.sqrt(sum(kurtosis[rater]) / len(kurtosis[rater]) ** 2 - 1 / len(kurtosis[rater]))
        said = found.raters.misfit
        assert said.infit[rater] == pytest.approx(infit)
        assert said.outfit[rater] == pytest.approx(outfit)
        assert said.infit_z[rater] == pytest.approx((infit ** (1 / 3) - 1) * 3 / q_in + q_in / 3)
        assert said.outfit_z[rater] == pytest.approx((outfit ** (1 / 3) - 1) * 3 / q_out + q_out / 3)


def test_both_are_one_and_standard_normal_where_the_model_holds() -> None:
    """At the true parameters, of 2,000 raters with sixty ratings each."""
    rng = np.random.default_rng(5)
    ratings, truth = simulated(rng, items=60, raters=2000, categories=5, each=2000)
    cells = group(ratings)
    rows = truth.items, truth.steps, np.zeros((0, 1)), truth.raters[:, None]
    found = misfit(cell_sums(cells, rows), cells.rater, 2000)
    for square, z in ((found.infit, found.infit_z), (found.outfit, found.outfit_z)):
        assert square.mean() == pytest.approx(1, abs=0.02)  # outfit has a long tail
        assert z.mean() == pytest.approx(0, abs=0.1)  # the cube root does not take out all of the skewness
        assert z.std() == pytest.approx(1, abs=0.07)
        assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.05, abs=0.015)


def test_who_rates_at_random_or_always_the_same_is_found() -> None:
    ratings, _ = simulated(np.random.default_rng(7), items=80, raters=8, categories=5, each=8, item_sd=1.5)
    rng = np.random.default_rng(8)
    value = ratings.value.copy()
    value[ratings.rater == 2] = rng.integers(0, 5, (ratings.rater == 2).sum())
    value[ratings.rater == 5] = 2
    odd = Ratings.from_arrays(ratings.items, ratings.raters, ratings.categories, ratings.item, ratings.rater, value)
    found = fit(odd)
    assert found.raters.misfit.infit.argmax() == 2
    assert found.raters.misfit.infit.argmin() == 5
    said = [warning for warning in found.fit.warnings if "raters are more" in warning]
    assert said == [
        "1 of 8 raters are more erratic than the model allows (infit above 1.5): r2",
        "1 of 8 raters are more predictable than the model allows (infit below 0.5): r5",
    ]
    sound = fit(ratings)
    assert not any("raters are more" in warning for warning in sound.fit.warnings)


def test_a_mean_square_that_cannot_vary_is_as_expected() -> None:
    """Two categories at even odds: every standardised square is one."""
    cells = group(Ratings.from_rows([("a", "x", 0), ("a", "x", 1), ("a", "x", 1)]))
    found = misfit(cell_sums(cells, (np.zeros(1), np.zeros(1), np.zeros((0, 1)), np.zeros((1, 1)))), cells.item, 1)
    assert found.outfit.tolist() == [1.0]
    assert found.outfit_z.tolist() == [0.0]


def test_with_less_than_one_degree_of_freedom_the_spread_is_that_of_one() -> None:
    assert _standardised(np.array([0.5]), np.array([50.0])) == _standardised(np.array([0.5]), np.array([2.0]))


def test_reliability_is_the_squared_correlation_with_the_truth() -> None:
    said, true = [], []
    for seed in range(40):
        ratings, truth = simulated(np.random.default_rng(seed), items=40, raters=10, categories=4, each=5)
        found = fit(ratings)
        said.append((found.items.reliability, found.raters.reliability))
        true.append((np.corrcoef(found.items.measure, truth.items)[0, 1] ** 2,
                     np.corrcoef(found.raters.measure, truth.raters)[0, 1] ** 2))  # fmt: skip
    np.testing.assert_allclose(np.mean(said, axis=0), np.mean(true, axis=0), atol=0.04)
    ratio = found.items.reliability / (1 - found.items.reliability)
    assert found.items.separation == pytest.approx(math.sqrt(ratio))
    assert found.items.strata == pytest.approx((4 * math.sqrt(ratio) + 1) / 3)
