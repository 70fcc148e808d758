"""The third and fourth derivatives of the likelihood along a direction, against plain cumulants and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.evidence import Evidence
from ranking.engines.terms import Terms, differences, group
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots


def cumulants(evidence: Evidence, theta: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of full rankings without ties. Derivatives of log sum exp are the cumulants of which item is chosen."""
    third, fourth = np.zeros((len(theta), len(theta))), np.zeros((len(theta), len(theta)))
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        order = evidence.slots[span][np.argsort(evidence.ranks[span])]
        for stage in range(len(order) - 1):
            left = order[stage:]
            p = np.exp(theta[left]) / np.exp(theta[left]).sum()
            chosen = np.eye(len(left)) - p  # one row an outcome: which item is chosen, less its probability
            course = chosen @ along[left]
            square = np.einsum("o,oa,ob->ab", p, chosen, chosen)
            cross = np.einsum("o,oa,o->a", p, chosen, course)
            cube = np.einsum("o,oa,ob,o->ab", p, chosen, chosen, course)
            power = np.einsum("o,oa,ob,o,o->ab", p, chosen, chosen, course, course)
            places, weight = np.ix_(left, left), evidence.weight[ballot]
            third[places] -= weight * cube
            fourth[places] -= weight * (power - square * (p @ course**2) - 2 * np.outer(cross, cross))
    return third, fourth


def refined(terms: Terms, theta: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences of sixth order of the information."""
    step = 0.02
    at = {k: terms.evaluate(theta + k * step * along)[2] for k in range(-3, 4)}
    third = sum(w * (at[k] - at[-k]) for k, w in ((1, 45), (2, -9), (3, 1))) / (60 * step)
    fourth = (270 * (at[1] + at[-1]) - 27 * (at[2] + at[-2]) + 2 * (at[3] + at[-3]) - 490 * at[0]) / (180 * step**2)
    return -third, -fourth


@pytest.mark.parametrize(("items", "ballots", "size"), [(6, 20, 2), (8, 12, 4), (30, 2, 30), (60, 3, 25)])
def test_they_are_the_cumulants_of_the_choices(items, ballots, size) -> None:
    rng = np.random.default_rng(items)
    evidence = simulated(rng.normal(0, 1, items), ballots, size, rng)
    theta, along = rng.normal(0, 1.5, items), rng.normal(0, 1, items)
    terms = group(evidence)
    assert (terms.picks.max() > 1) == (size > 20)
    found = terms.bend(theta, terms.evaluate(theta)[2], along)
    for one, other in zip(found, cumulants(evidence, theta, along), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(other).max())


@settings(deadline=None)
@given(some_ballots(), st.integers(0, 1000))
def test_they_are_the_derivatives_of_the_information_of_any_ballots(ballots, seed) -> None:
    rng = np.random.default_rng(seed)
    terms = group(evidence_of(ballots, 6, weight=rng.uniform(0.5, 2, len(ballots))))
    theta, along = rng.normal(0, 1, 6), rng.normal(0, 1, 6)
    found = terms.bend(theta, terms.evaluate(theta)[2], along)
    exact = 1e-6 if not terms.split.any() else 1e-3  # "before" by simple differences, see `Terms.bend`
    for one, other in zip(found, refined(terms, theta, along), strict=True):
        np.testing.assert_allclose(one, other, atol=exact * (1 + len(ballots)))
        np.testing.assert_allclose(one, one.T, atol=1e-9)
        np.testing.assert_allclose(one.sum(axis=0), 0, atol=exact * (1 + len(ballots)))


def test_they_scale_with_the_direction_once_and_twice() -> None:
    rng = np.random.default_rng(1)
    terms = group(simulated(rng.normal(0, 1, 30), 4, 30, rng))
    theta, along = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
    information = terms.evaluate(theta)[2]
    third, fourth = terms.bend(theta, information, along)
    other, square = terms.bend(theta, information, -3 * along)
    np.testing.assert_allclose(other, -3 * third, atol=1e-12 * np.abs(third).max())
    np.testing.assert_allclose(square, 9 * fourth, atol=1e-11 * np.abs(fourth).max())


def test_simple_differences_are_near() -> None:
    rng = np.random.default_rng(2)
    terms = group(simulated(rng.normal(0, 1, 8), 40, 3, rng))
    theta, along = rng.normal(0, 1, 8), rng.normal(0, 1, 8)
    information = terms.evaluate(theta)[2]
    near = differences(lambda trial: terms.evaluate(trial)[2], theta, information, along)
    for one, other in zip(terms.bend(theta, information, along), near, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(one).max())
