"""The fast solver against the model written down plainly: derivatives, the mode, the whole posterior, the algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.rasch import solver
from ranking.engines.rasch.cells import group
from ranking.engines.rasch.faceted import fit
from ranking.engines.rasch.layout import STEPS, Layout, basis
from tests.ranking.engines.rasch.plain import Plain
from tests.ranking.engines.rasch.simulated import simulated

FEW = settings(max_examples=12, deadline=None)
SEEDS = st.integers(0, 10_000)
OWNERS = st.sampled_from(["common", "criterion", "rater"])
WIDTHS = {"threshold_sd": 3.0, "prior_sd": 1.0, "rater_sd": 0.7, "criterion_sd": 0.6, "deviation_sd": 0.5}


def some(seed: int, thresholds: str):
    """Cells with everything in them, their layout, a point, and a variance for each cell."""
    rng = np.random.default_rng(seed)
    ratings, _ = simulated(
        rng, items=5, raters=4, criteria=3, categories=4, each=5, thresholds=thresholds, deviation_sd=0.4
    )
    cells = group(ratings, rng.integers(1, 4, len(ratings)))
    layout = Layout.of(cells, thresholds)
    return cells, layout, rng.normal(0, 0.7, layout.size), rng.uniform(0, 1.5, len(cells.item))


def dense(layout: Layout, parts) -> np.ndarray:
    """The matrix [D, D] of (core, each rater with the core, each rater's own); 0 between raters."""
    core, cross, own = parts
    matrix = np.zeros((layout.size, layout.size))
    matrix[: layout.core, : layout.core] = core
    for rater in range(layout.raters):
        rows = slice(layout.core + rater * layout.tall, layout.core + (rater + 1) * layout.tall)
        matrix[rows, : layout.core], matrix[: layout.core, rows] = cross[rater], cross[rater].T
        matrix[rows, rows] = own[rater]
    return matrix


def expected(cells, layout, at, variance) -> float:
    return solver.kernels.log_likelihood(*cells.columns, *layout.rows(at), variance, *solver.QUADRATURE)


@FEW
@given(SEEDS, OWNERS)
def test_slope_and_bend_are_those_of_the_expected_log_likelihood(seed, thresholds) -> None:
    cells, layout, at, variance = some(seed, thresholds)
    precision = np.linspace(0.5, 2, layout.size)
    slope, information, _ = solver._evaluate(cells, layout, at, variance, precision)
    step, axes = 1e-5, np.eye(layout.size)
    numeric = [(expected(cells, layout, at + step * axis, variance)
                - expected(cells, layout, at - step * axis, variance)) / (2 * step) for axis in axes]  # fmt: skip
    np.testing.assert_allclose(slope, numeric - precision * at, atol=1e-6)
    bend = [-(solver._evaluate(cells, layout, at + step * axis, variance, precision)[0]
              - solver._evaluate(cells, layout, at - step * axis, variance, precision)[0]) / (2 * step)
            for axis in axes]  # fmt: skip
    inverse = np.linalg.inv(bend)
    found = dense(layout, information.covariance())
    shown = dense(layout, (np.ones((layout.core,) * 2), np.ones((layout.raters, layout.tall, layout.core)),
                           np.ones((layout.raters, layout.tall, layout.tall)))) > 0  # fmt: skip
    np.testing.assert_allclose(found[shown], inverse[shown], atol=1e-7)
    assert information.log_determinant() == pytest.approx(np.linalg.slogdet(bend)[1], abs=1e-7)
    solved = layout.join(*information.solve(*layout.split(axes)))
    np.testing.assert_allclose(solved, inverse, atol=1e-7)


@FEW
@given(SEEDS, OWNERS)
def test_the_expectation_is_over_a_normal_shift(seed, thresholds) -> None:
    """Against a fine sum over the shift of the plain log-likelihood, cell by cell."""
    cells, layout, at, variance = some(seed, thresholds)
    shifts = np.linspace(-9, 9, 4001)
    density = np.exp(-(shifts**2) / 2)
    density /= density.sum()
    items, common, criteria, raters = layout.rows(at)
    total = 0.0
    for cell, counts in enumerate(cells.counts):
        between = common - items[cells.item[cell]] + raters[cells.rater[cell]] + criteria[cells.criterion[cell]]
        moved = between + math.sqrt(variance[cell]) * shifts[:, None]
        reached = np.concatenate([np.zeros((len(shifts), 1)), -moved.cumsum(axis=1)], axis=1)
        log_p = reached - np.logaddexp.reduce(reached, axis=1)[:, None]
        total += density @ (log_p @ counts)
    assert expected(cells, layout, at, variance) == pytest.approx(total, abs=1e-5 * cells.counts.sum())


@FEW
@given(SEEDS, OWNERS)
def test_a_cells_variance_is_that_of_what_moves_its_expected_category(seed, thresholds) -> None:
    cells, layout, at, _ = some(seed, thresholds)
    information = solver._evaluate(cells, layout, at, np.zeros(len(cells.item)), np.ones(layout.size))[1]
    found = solver._spread(cells, layout, at, information.covariance())
    solved = layout.join(*information.solve(*layout.split(np.eye(layout.size))))

    def expected_category(point: np.ndarray, cell: int) -> float:
        items, common, criteria, raters = layout.rows(point)
        steps = common - items[cells.item[cell]] + raters[cells.rater[cell]] + criteria[cells.criterion[cell]]
        weight = np.exp(-np.concatenate([[0.0], steps.cumsum()]))
        return float(np.arange(len(weight)) @ weight / weight.sum())

    for cell in range(0, len(cells.item), 5):
        step = 1e-5
        slope = np.array([(expected_category(at + step * axis, cell) - expected_category(at - step * axis, cell))
                          / (2 * step) for axis in np.eye(layout.size)])  # fmt: skip
        slope /= -slope[layout.items : layout.items + layout.steps].sum()  # of a shift common to all steps
        assert found[cell] == pytest.approx(slope @ solved @ slope, rel=1e-5)


@FEW
@given(SEEDS, OWNERS)
def test_squared_covariances_are_summed_without_forming_them(seed, thresholds) -> None:
    cells, layout, at, variance = some(seed, thresholds)
    information = solver._evaluate(cells, layout, at, variance, np.ones(layout.size))[1]
    solved = layout.join(*information.solve(*layout.split(np.eye(layout.size))))
    core, cross, _ = information.covariance()
    chosen = np.setdiff1d(layout.groups, [STEPS])
    found = solver._overlaps(layout, information, core, cross, chosen)
    plain = [[(solved[np.ix_(layout.groups == a, layout.groups == b)] ** 2).sum() for b in chosen] for a in chosen]
    np.testing.assert_allclose(found, plain)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_deviations_have_an_orthonormal_basis_that_sums_to_zero(width) -> None:
    contrasts = basis(width)[:, 1:]
    np.testing.assert_allclose(contrasts.T @ contrasts, np.eye(width - 1), atol=1e-12)
    np.testing.assert_allclose(contrasts.sum(axis=0), 0, atol=1e-12)


@settings(max_examples=5, deadline=None)
@given(SEEDS, OWNERS)
def test_the_joint_mode_is_that_of_a_general_optimiser(seed, thresholds) -> None:
    ratings, _ = simulated(np.random.default_rng(seed), items=4, raters=3, criteria=2, categories=3, each=4)
    used = {name: width for name, width in WIDTHS.items() if thresholds != "common" or name != "deviation_sd"}
    plain = Plain(ratings, used, thresholds)
    best = plain.mode()
    found = fit(ratings, thresholds=thresholds, method="joint", **used)
    own = plain.deviations(best)
    items, raters, steps = plain.centred(best)
    np.testing.assert_allclose(found.items.measure, items, atol=1e-4)
    np.testing.assert_allclose(found.raters.measure, raters, atol=1e-4)
    if thresholds == "common":
        assert found.thresholds.deviations is None
    else:
        steps = steps + own.mean(axis=0)
        np.testing.assert_allclose(found.thresholds.deviations, own - own.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(found.thresholds.measure, steps, atol=1e-4)
    assert found.fit.parameters["log_likelihood"] == pytest.approx(plain.log_likelihood(best), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_posterior_is_that_of_a_hundred_thousand_weighted_draws(seed) -> None:
    """Fifteen ratings. The joint mode, the usual estimate, is off by up to a quarter of a standard deviation here."""
    rng = np.random.default_rng(seed)
    ratings, _ = simulated(rng, items=5, raters=3, categories=3, each=3)
    widths = {name: WIDTHS[name] for name in ("threshold_sd", "prior_sd", "rater_sd")}
    plain, found = Plain(ratings, widths), fit(ratings, **widths)
    exact = plain.posterior(rng, 100_000)
    assert exact.effective > 40_000
    items, raters, steps = plain.centred(exact.points)
    for drawn, measure, sd, near, wide in (
        (items, found.items.measure, found.items.sd, 0.05, 0.02),
        (raters, found.raters.measure, found.raters.sd, 0.05, 0.02),
        (steps, found.thresholds.measure, found.thresholds.sd, 0.2, 0.1),
    ):
        mean, spread = exact.moments(drawn)
        assert np.abs((measure - mean) / spread).max() < near
        np.testing.assert_allclose(sd, spread, rtol=wide)
    assert found.fit.parameters["log_evidence"] == pytest.approx(exact.log_evidence, abs=0.1)
    assert found.fit.parameters["log_evidence"] < exact.log_evidence


def test_a_learned_width_is_where_the_evidence_is_highest() -> None:
    """The evidence by weighted draws at each width, times the weak prior of the width."""
    rng = np.random.default_rng(11)
    ratings, _ = simulated(rng, items=8, raters=2, categories=3, each=2)
    given_widths = {"threshold_sd": 3.0, "rater_sd": 0.7}
    found = fit(ratings, **given_widths).fit.parameters["prior_sd"]

    def level(width: float) -> float:
        plain = Plain(ratings, {**given_widths, "prior_sd": width})
        return plain.posterior(np.random.default_rng(1), 30_000).log_evidence - math.log(width) - 1 / (4 * width**2)

    levels = {factor: level(found * factor) for factor in (0.7, 0.9, 1.0, 1.1, 1.4)}
    curve = np.polyfit([math.log(factor) for factor in levels], list(levels.values()), 2)
    assert curve[0] < 0
    assert abs(-curve[1] / (2 * curve[0])) < 0.1  # of log s


@pytest.mark.parametrize(("rule", "variance"), list(enumerate((0.02, 0.25, 1.0, 4.0, 16.0))))
def test_quadrature_is_as_exact_as_it_says(rule, variance) -> None:
    limits, nodes, weights = solver.QUADRATURE
    assert (limits[:rule] < variance).all()
    assert variance <= limits[rule]
    fine = np.linspace(-12, 12, 200_001)
    density = np.exp(-(fine**2) / 2)
    density /= density.sum()
    for location in (0.0, 1.0, 3.0):

        def slope(shift: np.ndarray, location: float = location) -> np.ndarray:
            return 1 / (1 + np.exp(-location - math.sqrt(variance) * shift))

        for of in (slope, lambda shift: slope(shift) * (1 - slope(shift))):
            assert weights[rule] @ of(nodes[rule]) == pytest.approx(density @ of(fine), abs=1.2e-6)
