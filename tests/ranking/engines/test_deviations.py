"""Deviations by prompt or voter: against the formula written out, and recovery of their size."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize

from ranking.engines import reference
from ranking.engines.covariates import design
from ranking.engines.deviations import Deviated
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.plackett_luce import fit
from tests.ranking.engines.ballots import evidence_of, names

MIXED = [([0, 1, 2], [1, 2, 3]), ([3, 1], [1, 1]), ([4, 2, 0, 1], [1, None, None, -1]), ([1, 0], [1, 2])] * 3
PROMPTS = ["p", "q", "p", "q", None, "r", "r", "r", "q", "p", "p", "p"]


def grouped(items: int, groups: int, each: int, sd: float, rng: np.random.Generator) -> tuple[np.ndarray, Evidence]:
    """Strengths with sd 0.8 and `each` four-way ballots in each group, where strengths deviate by `sd`."""
    theta = rng.normal(0, 0.8, items)
    own = theta + rng.normal(0, sd, (groups, items))
    group = np.repeat(np.arange(groups), each)
    slots = rng.random((len(group), items)).argpartition(3, axis=1)[:, :4]
    utility = np.take_along_axis(own[group], slots, axis=1) + rng.gumbel(size=slots.shape)
    ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
    order = rng.permutation(len(group))
    prompts = [f"p{number}" for number in group[order]]
    return theta - theta.mean(), Evidence.from_arrays(names(items), slots[order], ranks[order], prompts=prompts)


def laplace(evidence: Evidence, theta: np.ndarray, effects: np.ndarray, columns: np.ndarray, variance: float) -> float:
    """The log-likelihood with the deviations of each group integrated out by Laplace's approximation, slowly."""
    count, total = len(theta), 0.0
    alone = len(evidence.prompts.names) + np.arange(len(evidence))
    groups = np.where(evidence.prompts.index < 0, alone, evidence.prompts.index)
    for group in np.unique(groups):

        def loss(u: np.ndarray, group: int = group) -> tuple[float, np.ndarray, np.ndarray]:
            value, slope, bend = u @ u / (2 * variance), u / variance, np.eye(count) / variance
            for ballot in np.flatnonzero(groups == group):
                span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
                eta, slots = np.zeros(count), evidence.slots[span]
                eta[slots] = theta[slots] + u[slots] + columns[span] @ effects
                term = reference.ballot_term(eta, slots.tolist(), evidence.ranks[span].tolist())
                value, slope, bend = (x - sign * evidence.weight[ballot] * y for x, y, sign in
                                      zip((value, slope, bend), term, (1, 1, -1), strict=True))  # fmt: skip
            return value, slope, bend

        best = minimize(lambda u: loss(u)[:2], np.zeros(count), jac=True, options={"gtol": 1e-10}).x
        value, _, bend = loss(best)
        total -= value + (np.linalg.slogdet(bend)[1] + count * math.log(variance)) / 2
    return total


def test_value_and_gradient_are_those_of_the_approximation_written_out() -> None:
    rng = np.random.default_rng(0)
    evidence = Evidence.from_arrays(
        names(5), *(np.concatenate([np.array([x or 0 for x in ballot[side]]) for ballot in MIXED]) for side in (0, 1)),
        offsets=np.concatenate([[0], np.cumsum([len(slots) for slots, _ in MIXED])]), prompts=PROMPTS,
        weight=rng.uniform(0.5, 2, 12),
    )  # fmt: skip
    likelihood = Deviated(evidence, design(evidence, "position", 1.0), "prompt")
    likelihood.variance = 0.7
    theta, effects = rng.normal(0, 0.7, 5), np.array([0.4])
    columns = design(evidence, "position", 1.0).values
    found = likelihood.joint(theta, effects)
    assert found.value == pytest.approx(laplace(evidence, theta, effects, columns, 0.7), abs=1e-8)
    point = np.append(theta, effects)
    for place, step in enumerate(1e-4 * np.eye(6)):
        ahead, behind = (laplace(evidence, (point + s)[:5], (point + s)[5:], columns, 0.7) for s in (step, -step))
        assert found.gradient[place] == pytest.approx((ahead - behind) / 2e-4, abs=1e-6)
    np.testing.assert_allclose(found.information, found.information.T, atol=1e-12)
    assert likelihood.unstated == 1
    assert len(likelihood.groups) - 1 == 4


def test_information_is_that_of_theta_after_the_deviations() -> None:
    """Against the whole information of strengths and all deviations, inverted at once."""
    rng = np.random.default_rng(1)
    _, evidence = grouped(5, 4, 3, 0.8, rng)
    likelihood = Deviated(evidence, design(evidence, None, 1.0), "prompt")
    likelihood.variance = 0.5
    theta = rng.normal(0, 0.5, 5)
    found = likelihood.joint(theta, np.empty(0)).information
    cells = len(likelihood.cell_items)
    whole = np.zeros((5 + cells, 5 + cells))
    whole[5:, 5:] = np.eye(cells) / 0.5
    ordered = likelihood.evidence
    for ballot in range(len(ordered)):
        span = slice(ordered.offsets[ballot], ordered.offsets[ballot + 1])
        eta, slots, at = np.zeros(5), ordered.slots[span], likelihood.cells[span]
        eta[slots] = theta[slots] + likelihood.deviations[at]
        bend = reference.ballot_term(eta, slots.tolist(), ordered.ranks[span].tolist())[2][np.ix_(slots, slots)]
        places = np.concatenate([slots, 5 + at])
        whole[np.ix_(places, places)] += np.tile(bend, (2, 2))
    expected = whole[:5, :5] - whole[:5, 5:] @ np.linalg.solve(whole[5:, 5:], whole[5:, :5])
    np.testing.assert_allclose(found, expected, atol=1e-8)
    spread = np.diag(np.linalg.inv(whole[5:, 5:]))
    np.testing.assert_allclose(likelihood.spread, spread, atol=1e-8)


def test_the_size_of_deviations_is_recovered() -> None:
    rng = np.random.default_rng(2)
    theta, evidence = grouped(8, 40, 20, 0.8, rng)
    found, plain = fit(evidence, effects="prompt"), fit(evidence)
    size = found.parameters["effects"]
    assert size["low"] < 0.8 < size["high"]
    assert size["high"] / size["low"] < 1.6
    assert (size["by"], size["groups"]) == ("prompt", 40)
    assert found.converged
    assert np.abs((found.mean - theta) / np.sqrt(np.diag(found.covariance))).max() < 3.5
    assert np.all(np.diag(found.covariance) > 1.5 * np.diag(plain.covariance))


def test_voters_are_groups_like_prompts() -> None:
    rng = np.random.default_rng(3)
    _, evidence = grouped(6, 15, 12, 0.8, rng)
    voters = Evidence.from_arrays(evidence.items, evidence.slots, evidence.ranks, offsets=evidence.offsets,
                                  voters=evidence.prompts)  # fmt: skip
    by_prompt, by_voter = fit(evidence, effects="prompt"), fit(voters, effects="voter")
    np.testing.assert_array_equal(by_voter.mean, by_prompt.mean)
    assert by_voter.parameters["effects"]["sd"] == by_prompt.parameters["effects"]["sd"]


def test_where_there_are_none_it_is_the_plain_fit() -> None:
    rng = np.random.default_rng(12)
    _, evidence = grouped(8, 30, 20, 0.0, rng)
    found, plain = fit(evidence, effects="prompt"), fit(evidence)
    assert found.parameters["effects"]["sd"] < 0.2
    np.testing.assert_allclose(found.mean, plain.mean, atol=0.05)
    np.testing.assert_allclose(np.diag(found.covariance), np.diag(plain.covariance), rtol=0.2)


def test_effects_and_covariates_go_together() -> None:
    rng = np.random.default_rng(5)
    theta, groups = rng.normal(0, 0.8, 6), np.repeat(np.arange(30), 20)
    own = theta + rng.normal(0, 0.7, (30, 6))
    slots = rng.random((600, 6)).argpartition(3, axis=1)[:, :4]
    pull = np.array([0.5, 1 / 6, -1 / 6, -0.5])
    utility = np.take_along_axis(own[groups], slots, axis=1) + pull + rng.gumbel(size=slots.shape)
    evidence = Evidence.from_arrays(
        names(6), slots, (-utility).argsort(axis=1).argsort(axis=1) + 1, prompts=[f"p{group}" for group in groups]
    )
    found = fit(evidence, effects="prompt", covariates="position")
    position = found.parameters["covariates"]["position"]
    assert abs(position["effect"] - 1.0) < 3 * position["sd"]
    assert found.parameters["effects"]["low"] < 0.7 < found.parameters["effects"]["high"]


def test_what_is_missing_or_does_not_go_together_is_said() -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * 3, 2)
    with pytest.raises(FitError, match="effects must be prompt or voter, not 'day'"):
        fit(evidence, effects="day")
    with pytest.raises(FitError, match="no ballot that ranks anything states its prompt"):
        fit(evidence, effects="prompt")
    with pytest.raises(FitError, match="effects have model intervals only"):
        fit(evidence, effects="prompt", intervals="clustered")
    _, stated = grouped(4, 5, 4, 0.0, np.random.default_rng(0))
    prompts = [None if ballot < 2 else f"p{ballot % 4}" for ballot in range(20)]
    some = Evidence.from_arrays(stated.items, stated.slots, stated.ranks, offsets=stated.offsets, prompts=prompts)
    assert "2 ballots state no prompt; each counts as a prompt of its own" in fit(some, effects="prompt").warnings


@pytest.mark.slow
def test_size_and_strengths_are_covered_where_the_plain_fit_is_far_too_sure() -> None:
    rng = np.random.default_rng(44)
    sizes, covered, plainly, sds = [], [], [], []
    for _ in range(50):
        theta, evidence = grouped(8, 30, 15, 0.8, rng)
        found, plain = fit(evidence, effects="prompt"), fit(evidence)
        size = found.parameters["effects"]
        sizes.append(size["low"] <= 0.8 <= size["high"])
        sds.append(size["sd"])
        covered.append(np.abs(found.mean - theta) <= 1.96 * np.sqrt(np.diag(found.covariance)))
        plainly.append(np.abs(plain.mean - theta) <= 1.96 * np.sqrt(np.diag(plain.covariance)))
    assert np.mean(sds) == pytest.approx(0.8, abs=0.05)
    assert np.mean(sizes) >= 0.86
    assert 0.90 <= np.mean(covered) <= 0.98
    assert np.mean(plainly) < 0.65


HEAVY = [
    ([3, 4, 5, 6], [3, 1, 2, 4], 1, "p0"), ([0, 5], [2, 1], 1, "p0"), ([3, 6, 5, 0], [1, 4, 2, 3], 1e2, "p2"),
    ([2, 0, 3], [2, 3, 1], 1e4, "p0"), ([5, 0, 3], [2, 3, 1], 1, "p2"), ([1, 3, 2], [1, 1, 1], 1e2, "p0"),
    ([3, 0, 4], [2, 3, 1], 1, "p0"), ([0, 4], [2, 1], 1e2, "p3"), ([2, 3, 4], [3, 2, 1], 1e2, "p2"),
    ([1, 4], [2, 1], 1e2, "p2"), ([5, 1, 3, 4], [3, 4, 2, 1], 1, "p3"), ([1, 3], [2, 1], 1, "p2"),
    ([1, 5, 4], [3, 2, 1], 1e4, "p2"), ([3, 6], [1, 2], 1, "p0"), ([0, 1, 2, 5], [3, 4, 2, 1], 1e4, "p0"),
    ([5, 1, 2, 4], [2, 3, 4, 1], 1, "p4"), ([5, 6, 3, 0], [2, 4, 1, 3], 1, "p4"), ([5, 0], [1, 2], 1e2, "p1"),
    ([6, 4, 2], [3, 1, 2], 1e4, "p4"), ([6, 2], [2, 1], 1, "p4"),
]  # fmt: skip


def test_extreme_weights_are_fitted_quietly_and_in_few_steps() -> None:
    """The information leaves out the determinant's curvature: whole Newton steps would circle the mode for ever."""
    slots, ranks, weights, prompts = zip(*HEAVY, strict=True)
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in slots])])
    evidence = Evidence.from_arrays(
        names(7), np.concatenate(slots), np.concatenate(ranks), offsets=offsets, weight=weights, prompts=prompts
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(evidence, effects="prompt")
    assert found.converged
    assert found.iterations < 100
    likelihood = Deviated(evidence, design(evidence, None, 1.0), "prompt")
    likelihood.variance = found.parameters["effects"]["sd"] ** 2
    _, gradient, _ = likelihood.evaluate(found.mean)
    np.testing.assert_allclose(gradient, found.mean / found.parameters["prior_sd"] ** 2, atol=1e-5)
