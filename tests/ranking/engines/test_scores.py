"""Each ballot by itself: against the slow reference, and the sum against the grouped terms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines import kernels, reference
from ranking.engines.scores import ballot_scores
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, some_ballots

WIDE = settings(max_examples=80, deadline=None)


@WIDE
@given(some_ballots(), st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_each_ballot_has_the_value_and_gradient_of_the_reference(ballots, theta) -> None:
    evidence, point = evidence_of(ballots, 6), np.array(theta)
    found = ballot_scores(evidence, point)
    for number, (slots, ranks) in enumerate(ballots):
        value, gradient, _ = reference.ballot_term(point, slots, [rank or 0 for rank in ranks])
        assert found.values[number] == pytest.approx(value, rel=1e-11, abs=1e-11)
        part = found.slots[evidence.offsets[number] : evidence.offsets[number + 1]]
        np.testing.assert_allclose(part, gradient[slots], atol=1e-11)


@WIDE
@given(some_ballots(), st.lists(st.floats(-400, 400), min_size=6, max_size=6))
def test_the_ballots_add_up_to_the_grouped_terms(ballots, theta) -> None:
    evidence, point = evidence_of(ballots, 6), np.array(theta)
    found, (value, gradient, _) = ballot_scores(evidence, point), group(evidence).evaluate(point)
    assert found.values.sum() == pytest.approx(value, rel=1e-10, abs=1e-9)
    np.testing.assert_allclose(np.bincount(evidence.slots, found.slots, 6), gradient, atol=1e-9)


@pytest.mark.parametrize("apart", [50.0, 290.0, 310.0, 500.0, 2000.0])
def test_the_curvature_of_strengths_far_apart_is_that_of_the_grouped_terms(apart) -> None:
    evidence = evidence_of([([0, 1, 2, 3], [1, 2, 3, 4]), ([3, 1, 0, 2], [1, 2, 3, 4])], 4)
    theta = np.array([0.0, -0.4, -0.8, -1.0]) * apart
    gradient, information = np.empty(4), np.empty((4, 4))
    kernels.accumulate(
        evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, theta[evidence.slots], np.empty((8, 0)),
        np.zeros(2), 0.0, False, False, 4, gradient, information,
    )  # fmt: skip
    _, slope, bend = group(evidence).evaluate(theta)
    np.testing.assert_allclose(gradient, slope, atol=1e-12)
    np.testing.assert_allclose(information, bend, atol=1e-12)


def test_sampled_ties_are_the_sample_that_the_fit_used() -> None:
    rng = np.random.default_rng(1)
    ballots = [(rng.permutation(20)[:13].tolist(), [1] * 12 + [2]) for _ in range(5)]
    evidence, point = evidence_of(ballots, 20), rng.normal(size=20)
    value, gradient, _ = group(evidence).evaluate(point)
    found = ballot_scores(evidence, point)
    assert found.values.sum() == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(np.bincount(evidence.slots, found.slots, 20), gradient, atol=1e-10)


def test_along_a_direction_is_the_finite_difference() -> None:
    rng = np.random.default_rng(2)
    ballots = [([0, 1, 2, 3], [1, None, None, -1]), ([3, 1], [1, 1]), ([2, 4, 0], [1, 2, None])]
    evidence, point, direction = evidence_of(ballots, 5), rng.normal(size=5), rng.normal(size=5)
    ahead, behind = (ballot_scores(evidence, point + step * direction).values for step in (1e-6, -1e-6))
    slope = ballot_scores(evidence, point).along(evidence, direction)
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, atol=1e-8)
