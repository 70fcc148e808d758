"""Measures, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ranking.engines.laboratory import measures


@pytest.mark.parametrize("seed", range(5))
def test_tau_is_that_of_scipy_where_nobody_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, truth = rng.normal(size=(2, 17))
    assert measures.tau(found, truth) == pytest.approx(stats.kendalltau(found, truth).statistic)


def test_contestants_that_are_not_told_apart_count_as_neither() -> None:
    assert measures.tau(np.zeros(4), np.arange(4.0)) == 0
    assert measures.tau(np.array([0.0, 0.0, 1.0]), np.arange(3.0)) == pytest.approx(2 / 3)


def test_an_order_is_exact_only_if_strict() -> None:
    order = np.array([2, 0, 1])
    assert measures.is_exact(np.array([0.5, 0.1, 0.9]), order)
    assert not measures.is_exact(np.array([0.5, 0.5, 0.9]), order)
    assert not measures.is_exact(np.array([0.1, 0.5, 0.9]), order)


def test_the_top_by_hand() -> None:
    truth = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    found = np.array([1.0, 5.0, 6.0, 4.0, 2.0, 3.0])
    assert measures.top_share(found, truth, 1) == 0
    assert measures.top_share(found, truth, 3) == pytest.approx(2 / 3)
    assert measures.top_share(found, truth, 99) == 1


def test_rmse_does_not_care_where_zero_is() -> None:
    truth = np.array([0.0, 1.0, 2.0])
    assert measures.rmse(truth + 5, truth) == pytest.approx(0)
    assert measures.rmse(np.array([1.0, 1.0, 1.0]), truth) == pytest.approx(np.sqrt(2 / 3))


def test_equals_share_the_better_place() -> None:
    assert measures.place(np.array([3.0, 7.0, 3.0, 1.0])).tolist() == [2, 1, 2, 4]


def test_intervals_hold_the_truth_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(5)
    root = rng.normal(size=(12, 12)) * 0.3
    covariance = root @ root.T
    strengths, ranks = [], []
    for _ in range(150):
        mean = rng.normal(0, 1, 12)
        truth = rng.multivariate_normal(mean, covariance)
        strengths.append(measures.strength_coverage(mean, covariance, truth))
        ranks.append(measures.rank_coverage(mean, covariance, truth, rng))
    assert np.mean(strengths) == pytest.approx(0.95, abs=0.02)
    assert 0.93 < np.mean(ranks) <= 1


def test_certainty_covers_nothing_but_itself() -> None:
    mean, truth = np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 0.0])
    rng = np.random.default_rng(0)
    assert measures.strength_coverage(mean, np.eye(3) * 1e-9, truth) == pytest.approx(1 / 3)
    assert measures.rank_coverage(mean, np.eye(3) * 1e-9, truth, rng) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("values", "since"),
    [([0.9, 0.95, 1.0], 1), ([0.1, 0.95, 1.0], 10), ([0.95, 0.1, 0.9], 100), ([0.95, 0.95, 0.1], None)],
)
def test_to_stay_is_to_hold_to_the_end(values: list[float], since: int | None) -> None:
    assert measures.stays([1, 10, 100], np.array(values), 0.9) == since
