"""What is reported from a posterior: intervals, ranks, who is best, who cannot be told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ranking.engines import posterior
from ranking.engines.errors import FitError
from ranking.engines.fit import Fit, centred
from ranking.engines.standings import standings


def made(mean, covariance=None, **changes) -> Fit:
    mean = np.array(mean, dtype=float)
    count = len(mean)
    return Fit(
        **{
            "engine": "made",
            "items": tuple(f"c{item}" for item in range(count)),
            "mean": mean,
            "covariance": None if covariance is None else np.array(covariance, dtype=float),
            "shown": np.arange(count) + 1,
            "ballots": 9,
            "parameters": {},
            "converged": True,
            "iterations": 1,
            **changes,
        }
    )


def test_rows_are_best_first_with_gaussian_intervals() -> None:
    rows = standings(made([-1.0, 1.0, 0.0], np.diag([0.01, 0.04, 0.09])))
    assert [row.item for row in rows] == ["c1", "c2", "c0"]
    assert [row.rank for row in rows] == [1, 2, 3]
    assert [row.ballots for row in rows] == [2, 3, 1]
    assert rows[0].sd == pytest.approx(0.2)
    assert rows[0].low == pytest.approx(1 - 1.959964 * 0.2, abs=1e-6)
    assert rows[0].high == pytest.approx(1 + 1.959964 * 0.2, abs=1e-6)
    assert (rows[0].rank_low, rows[0].rank_high) == (1, 1)


def test_equal_means_share_the_better_rank() -> None:
    rows = standings(made([0.5, 1e-13, 0.0, -0.5], np.eye(4) * 0.1))
    assert [row.rank for row in rows] == [1, 2, 2, 4]


def test_a_rank_lies_in_its_interval_even_where_draws_say_otherwise() -> None:
    for row in standings(made(np.linspace(0, 1e-3, 8), np.eye(8)), level=0.01):
        assert row.rank_low <= row.rank <= row.rank_high


def test_correlated_errors_are_not_taken_for_uncertain_ranks() -> None:
    """Two contestants that move together: their own intervals overlap, their order is certain."""
    shared = np.full((2, 2), 1.0) + np.eye(2) * 1e-6
    rows = standings(made([0.05, -0.05], shared))
    assert rows[0].low < rows[1].high
    assert [(row.rank_low, row.rank_high) for row in rows] == [(1, 1), (2, 2)]
    assert posterior.stronger(made([0.05, -0.05], shared))[0, 1] > 0.999


def test_draws_have_the_mean_and_covariance() -> None:
    covariance = np.array([[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]])
    samples = posterior.draws(made([1.0, 0.0, -1.0], covariance), 200_000)
    np.testing.assert_allclose(samples.mean(axis=0), [1, 0, -1], atol=0.01)
    np.testing.assert_allclose(np.cov(samples.T), covariance, atol=0.01)


def test_the_default_draws_are_the_same_every_time_and_a_generator_changes_them() -> None:
    fit = made([1.0, 0.0], np.eye(2))
    np.testing.assert_array_equal(posterior.draws(fit), posterior.draws(fit))
    other = posterior.draws(fit, rng=np.random.default_rng(1))
    assert not np.array_equal(posterior.draws(fit), other)


def test_ranks_count_those_ahead() -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(0, 4, (50, 6)).astype(float)  # with ties
    expected = 1 + (samples[:, :, None] < samples[:, None, :]).sum(axis=2)
    np.testing.assert_array_equal(posterior.ranks(samples), expected)


def test_a_rank_interval_is_the_shortest_that_holds_the_level() -> None:
    samples = np.array([[3.0, 2.0, 1.0]] * 96 + [[1.0, 2.0, 3.0]] * 4)
    low, high = posterior.rank_intervals(samples, 0.95)
    assert low.tolist() == [1, 2, 3]
    assert high.tolist() == [1, 2, 3]
    low, high = posterior.rank_intervals(samples, 0.97)
    assert low.tolist() == [1, 2, 1]
    assert high.tolist() == [3, 2, 3]


def test_rank_intervals_agree_with_trying_every_run() -> None:
    rng = np.random.default_rng(9)
    samples = rng.normal(np.linspace(0, 2, 7), 0.7, (400, 7))
    found = posterior.ranks(samples)
    for level in (0.5, 0.9, 0.95):
        low, high = posterior.rank_intervals(samples, level)
        for item in range(7):
            held = {
                (end - begin, -np.mean((found[:, item] >= begin) & (found[:, item] <= end)), begin)
                for begin in range(1, 8)
                for end in range(begin, 8)
            }
            shortest = min(entry for entry in held if -entry[1] >= level - 1e-12)
            assert (low[item], high[item]) == (shortest[2], shortest[2] + shortest[0])


def test_being_best_is_shared_among_equals() -> None:
    np.testing.assert_allclose(posterior.best(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])), [0.25, 0.75, 0])


def test_stronger_is_the_normal_probability_and_agrees_with_draws() -> None:
    covariance = np.array([[0.5, 0.2], [0.2, 0.4]])
    fit = made([0.3, 0.0], covariance)
    expected = 0.5 * math.erfc(-0.3 / math.sqrt(0.5) / math.sqrt(2))
    found = posterior.stronger(fit)
    assert found[0, 1] == pytest.approx(expected)
    assert found[0, 1] + found[1, 0] == pytest.approx(1)
    assert found[0, 0] == 0.5
    drawn = posterior.stronger(made([0.3, 0.0], draws=posterior.draws(fit, 100_000)))
    assert drawn[0, 1] == pytest.approx(expected, abs=0.01)


def test_winning_allows_for_what_is_not_known() -> None:
    sure = posterior.wins(made([1.0, 0.0], np.zeros((2, 2))))
    assert sure[0, 1] == pytest.approx(1 / (1 + math.exp(-1)))
    unsure = made([1.0, 0.0], np.eye(2))
    samples = posterior.draws(unsure, 400_000)
    expected = (1 / (1 + np.exp(samples[:, 1] - samples[:, 0]))).mean()
    assert posterior.wins(unsure)[0, 1] == pytest.approx(expected, abs=2e-3)
    assert posterior.wins(unsure)[0, 1] < sure[0, 1]


def test_tie_groups_are_cut_where_all_above_are_ahead_of_all_below() -> None:
    fit = made([2.0, 0.1, 1.9, 0.0, -3.0], np.eye(5) * 0.05)
    assert posterior.tie_groups(fit) == [("c0", "c2"), ("c1", "c3"), ("c4",)]
    assert posterior.tie_groups(made([0.0, 0.0], np.eye(2))) == [("c0", "c1")]
    assert posterior.tie_groups(made([1.0], np.zeros((1, 1)))) == [("c0",)]


def test_three_equal_contestants_are_each_best_a_third_of_the_time() -> None:
    rows = standings(made([0.0, 0.0, 0.0], np.eye(3)))
    assert [row.p_best for row in rows] == pytest.approx([1 / 3] * 3, abs=0.02)
    assert {row.rank for row in rows} == {1}
    assert all((row.rank_low, row.rank_high) == (1, 3) for row in rows)


def test_a_bootstrap_is_reported_by_its_quantiles() -> None:
    draws = np.stack([np.linspace(0, 1, 1001), np.linspace(-1, 0, 1001)], axis=1)
    rows = standings(made([0.5, -0.5], draws=draws), level=0.9)
    assert rows[0].low == pytest.approx(0.05)
    assert rows[0].high == pytest.approx(0.95)
    assert rows[0].sd == pytest.approx(draws[:, 0].std(ddof=1))


def test_an_engine_without_uncertainty_shows_none() -> None:
    rows = standings(made([3.0, 5.0], unit="score"))
    assert rows[0].as_dict() == {
        "item": "c1", "mean": 5.0, "sd": None, "low": None, "high": None, "rank": 1,
        "rank_low": None, "rank_high": None, "p_best": None, "ballots": 2,
    }  # fmt: skip
    with pytest.raises(FitError, match="no Elo scale"):
        standings(made([3.0, 5.0], unit="score"), scale="elo")
    with pytest.raises(FitError, match="no uncertainty"):
        posterior.draws(made([3.0, 5.0]))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_a_level_that_is_none_is_refused(level) -> None:
    with pytest.raises(FitError, match="level must lie between 0 and 1"):
        standings(made([0.0, 1.0], np.eye(2)), level=level)


def test_a_fit_is_frozen_and_finite() -> None:
    fit = made([0.0, 1.0], np.eye(2))
    with pytest.raises(ValueError, match="read-only"):
        fit.mean[0] = 3.0
    with pytest.raises(TypeError):
        fit.parameters["prior_sd"] = 1.0  # type: ignore[index]
    with pytest.raises(ValueError, match="mean is not finite"):
        made([0.0, math.nan])
    with pytest.raises(ValueError, match="covariance has shape"):
        made([0.0, 1.0], np.eye(3))


def test_centring_keeps_differences() -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(size=(4, 4))
    mean, covariance = rng.normal(size=4), root @ root.T
    new_mean, new_covariance = centred(mean, covariance)
    assert new_mean.sum() == pytest.approx(0, abs=1e-12)
    contrast = np.array([1.0, -1.0, 0.0, 0.0])
    assert contrast @ new_mean == pytest.approx(contrast @ mean)
    assert contrast @ new_covariance @ contrast == pytest.approx(contrast @ covariance @ contrast)
