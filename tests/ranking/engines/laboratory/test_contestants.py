"""Populations of contestants."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.laboratory.contestants import Field, newcomers, strengths
from ranking.engines.laboratory.errors import LaboratoryError


def test_even_spacing_has_the_spread_and_no_order_by_index() -> None:
    theta = strengths(Field("equal", 50, 1.5), np.random.default_rng(0))
    gaps = np.diff(np.sort(theta))
    np.testing.assert_allclose(gaps, gaps[0])
    assert theta.std() == pytest.approx(1.5)
    assert abs(np.corrcoef(theta, np.arange(50))[0, 1]) < 0.5


def test_normal_strengths_have_the_spread() -> None:
    theta = strengths(Field("normal", 1000, 0.5), np.random.default_rng(0))
    assert theta.std() == pytest.approx(0.5, rel=0.1)


def test_clusters_are_narrow_and_apart() -> None:
    theta = np.sort(
        strengths(Field("clusters", 60, 2.0, clusters=3), np.random.default_rng(4))
    )  # whose centres are apart
    widest = np.sort(np.diff(theta))[-2:]  # the two gaps between three groups
    groups = np.split(theta, np.flatnonzero(np.diff(theta) >= widest.min()) + 1)
    assert [len(group) for group in groups] == [20, 20, 20]
    assert all(group.std() < 0.4 for group in groups)


def test_newcomers_are_the_last_and_as_strong_as_any() -> None:
    assert newcomers(Field(count=5, newcomers=2)).tolist() == [False, False, False, True, True]
    drawn = [strengths(Field("equal", 20, newcomers=1), np.random.default_rng(seed))[-1] for seed in range(200)]
    assert abs(np.mean(drawn)) < 0.25


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": "round"}, "normal, equal, clusters, not 'round'"),
        ({"count": 1}, "2 to 1000 contestants"),
        ({"spread": 0.0}, "spread must be above 0"),
        ({"spread": 1e3}, "at most 100 logits"),
        ({"spread": float("nan")}, "spread must be above 0"),
        ({"shape": "clusters", "clusters": 0}, "clusters must be 1 to 50"),
        ({"shape": "clusters", "count": 4}, "clusters must be 1 to 4, as many as contestants, not 5"),
        ({"newcomers": 50}, "newcomers must be 0 to 49"),
        ({"joins": -1}, "0 ballots or more"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(wrong, message) -> None:
    with pytest.raises(LaboratoryError, match=message):
        Field(**wrong)
