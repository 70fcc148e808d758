"""The compiled loops of the faceted Rasch model, in one file: the compile cache of a caller does not notice a change in
another file. Importing this module loads numba.

A *cell* is all ratings of one item by one rater under one criterion. They depend on the parameters through the steps

    b_j = tau_j - theta_item + beta_criterion,j + rho_rater,j        (j = 1 .. J for J + 1 categories),

P(k) proportional to exp -(b_1 + .. + b_k). So the indicators x_j = [k >= j] have the natural parameters -b_j; their
means and covariances are the gradient and the information. An element of a facet has one column if it moves all steps
alike, or J, one for each step.

Every cell has a variance v, of a shift common to its steps; what is computed is the expectation over that shift, by
Gauss-Hermite quadrature. v = 0 is the plain likelihood.

Columns of the core: the M items, the J common steps, then those of the criteria. Raters have w columns each, apart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

ALL = -1  # a column that moves all steps alike


@compiled
def steps_of(
    item: int, criterion: int, rater: int, items: Array, common: Array, criteria: Array, raters: Array, b: Array
) -> None:
    """Fill `b` with the steps of one cell; criterion -1 is none."""
    for j in range(len(b)):
        b[j] = common[j] - items[item] + raters[rater, j if raters.shape[1] > 1 else 0]
        if criterion >= 0:
            b[j] += criteria[criterion, j if criteria.shape[1] > 1 else 0]


@compiled
def probabilities(b: Array, shift: float, p: Array) -> float:
    """Fill `p` with the probabilities of the categories at steps b + shift; return the logarithm of their norm."""
    p[0], reached, top = 0.0, 0.0, 0.0
    for j in range(len(b)):
        reached -= b[j] + shift
        p[j + 1] = reached
        top = max(top, reached)
    total = 0.0
    for k in range(len(p)):
        p[k] = math.exp(p[k] - top)
        total += p[k]
    for k in range(len(p)):
        p[k] /= total
    return top + math.log(total)


@compiled
def tails(p: Array, above: Array) -> None:
    """Fill `above` with P(k >= j), j = 1 .. J."""
    total = 0.0
    for j in range(len(above) - 1, -1, -1):
        total += p[j + 1]
        above[j] = total


@compiled
def rule_for(variance: float, limits: Array) -> int:
    """Which quadrature rule a cell of this variance needs."""
    rule = 0
    while variance > limits[rule]:
        rule += 1
    return rule


@compiled
def of_steps(single: Array, whole: float, step: int) -> Any:
    """An entry for one step, or the sum for a column that moves all."""
    return whole if step == ALL else single[step]


@compiled
def of_pairs(bend: Array, bends: Array, whole: float, one: int, other: int) -> Any:
    """The same for two columns: `bends` are the sums of the rows of `bend`, `whole` is the sum of all."""
    if one == ALL:
        return of_steps(bends, whole, other)
    return bends[one] if other == ALL else bend[one, other]


@compiled
def evaluate(
    cell_item: Array, cell_criterion: Array, cell_rater: Array, counts: Array,
    items: Array, common: Array, criteria: Array, raters: Array,
    variance: Array, limits: Array, nodes: Array, weights: Array,
    gradient: Array, rater_gradient: Array, core: Array, border: Array, blocks: Array,
) -> float:  # fmt: skip
    """Expected gradient and information (minus the Hessian) of the log-likelihood, added to zeroed arrays:
    gradient [d], rater_gradient [R, w], core [d, d], border [R, w, d], blocks [R, w, w]. Returned is the part of the
    trace of information times covariance that the variances stand for.

    Rule r has the abscissas nodes[r] with weights[r] and serves variances up to limits[r]; a weight of 0 ends it.
    """
    steps, wide, tall = len(common), criteria.shape[1], raters.shape[1]
    b, p, above, slope = np.empty(steps), np.empty(steps + 1), np.empty(steps), np.empty(steps)
    bend, bends = np.empty((steps, steps)), np.empty(steps)
    column, moves = np.empty(1 + steps + wide, np.int64), np.empty(1 + steps + wide, np.int64)
    moves[0], covered = ALL, 0.0
    for j in range(steps):
        moves[1 + j], column[1 + j] = j, len(items) + j
    for a in range(wide):
        moves[1 + steps + a] = a if wide > 1 else ALL
    for cell in range(len(cell_item)):
        item, criterion, rater = cell_item[cell], cell_criterion[cell], cell_rater[cell]
        steps_of(item, criterion, rater, items, common, criteria, raters, b)
        rule, deviation = rule_for(variance[cell], limits), math.sqrt(variance[cell])
        rated, passed = counts[cell, 0], 0.0
        for j in range(steps - 1, -1, -1):
            rated += counts[cell, j + 1]
            passed += counts[cell, j + 1]
            slope[j] = -passed
            for other in range(steps):
                bend[j, other] = 0.0
        for node in range(nodes.shape[1]):
            weight = rated * weights[rule, node]
            if weight == 0:
                break
            probabilities(b, deviation * nodes[rule, node], p)
            tails(p, above)
            for j in range(steps):
                slope[j] += weight * above[j]  # d log-likelihood / d b_j
                for other in range(j + 1):
                    bend[j, other] += weight * above[j] * (1 - above[other])
        slopes, whole = 0.0, 0.0
        for j in range(steps):
            slopes += slope[j]
            bends[j] = 0.0
            for other in range(steps):
                bend[j, other] = bend[max(j, other), min(j, other)]
                bends[j] += bend[j, other]
            whole += bends[j]
        covered += variance[cell] * whole
        active = 1 + steps
        column[0] = item
        if criterion >= 0:
            active += wide
            for a in range(wide):
                column[1 + steps + a] = len(items) + steps + criterion * wide + a
        for one in range(active):
            sign = -1.0 if one == 0 else 1.0
            gradient[column[one]] += sign * of_steps(slope, slopes, moves[one])
            for other in range(active):
                both = -sign if other == 0 else sign
                core[column[one], column[other]] += both * of_pairs(bend, bends, whole, moves[one], moves[other])
        for a in range(tall):
            mine = a if tall > 1 else ALL
            rater_gradient[rater, a] += of_steps(slope, slopes, mine)
            for other in range(tall):
                blocks[rater, a, other] += of_pairs(bend, bends, whole, mine, other if tall > 1 else ALL)
            for other in range(active):
                both = -1.0 if other == 0 else 1.0
                border[rater, a, column[other]] += both * of_pairs(bend, bends, whole, mine, moves[other])
    return covered


@compiled
def log_likelihood(
    cell_item: Array, cell_criterion: Array, cell_rater: Array, counts: Array,
    items: Array, common: Array, criteria: Array, raters: Array,
    variance: Array, limits: Array, nodes: Array, weights: Array,
) -> float:  # fmt: skip
    """The expected log-likelihood."""
    b, p, value = np.empty(len(common)), np.empty(len(common) + 1), 0.0
    for cell in range(len(cell_item)):
        steps_of(cell_item[cell], cell_criterion[cell], cell_rater[cell], items, common, criteria, raters, b)
        rule, deviation = rule_for(variance[cell], limits), math.sqrt(variance[cell])
        norm = 0.0
        for node in range(nodes.shape[1]):
            if weights[rule, node] == 0:
                break
            norm += weights[rule, node] * probabilities(b, deviation * nodes[rule, node], p)
        value -= counts[cell, 0] * norm
        reached = 0.0
        for j in range(len(b)):
            reached -= b[j]
            value += counts[cell, j + 1] * (reached - norm)
    return value


@compiled
def spread(
    cell_item: Array, cell_criterion: Array, cell_rater: Array,
    items: Array, common: Array, criteria: Array, raters: Array,
    covariance: Array, cross: Array, own: Array, variance: Array,
) -> None:  # fmt: skip
    """Fill `variance` [N]: of the mean of each cell's steps, each weighted by how much it moves the expected category.

    covariance [d, d] of the core, cross [R, w, d] of each rater with the core, own [R, w, w] of each rater.
    """
    steps, wide, tall = len(common), criteria.shape[1], raters.shape[1]
    b, p, above, share = np.empty(steps), np.empty(steps + 1), np.empty(steps), np.empty(steps)
    column, factor = np.empty(1 + steps + wide, np.int64), np.empty(1 + steps + wide)
    for j in range(steps):
        column[1 + j] = len(items) + j
    for cell in range(len(cell_item)):
        item, criterion, rater = cell_item[cell], cell_criterion[cell], cell_rater[cell]
        steps_of(item, criterion, rater, items, common, criteria, raters, b)
        probabilities(b, 0.0, p)
        tails(p, above)
        whole = 0.0
        for j in range(steps):
            share[j] = 0.0
            for other in range(steps):
                share[j] += above[max(j, other)] * (1 - above[min(j, other)])
            whole += share[j]
        for j in range(steps):
            share[j] = share[j] / whole if whole > 0 else 1.0 / steps
        active, column[0], factor[0] = 1 + steps, item, -1.0
        for j in range(steps):
            factor[1 + j] = share[j]
        if criterion >= 0:
            active += wide
            for a in range(wide):
                column[1 + steps + a] = len(items) + steps + criterion * wide + a
                factor[1 + steps + a] = share[a] if wide > 1 else 1.0
        total = 0.0
        for one in range(active):
            for other in range(active):
                total += factor[one] * factor[other] * covariance[column[one], column[other]]
        for a in range(tall):
            mine = share[a] if tall > 1 else 1.0
            for other in range(tall):
                total += mine * (share[other] if tall > 1 else 1.0) * own[rater, a, other]
            for one in range(active):
                total += 2 * mine * factor[one] * cross[rater, a, column[one]]
        variance[cell] = max(total, 0.0)  # below 0 only by rounding


@compiled
def residuals(
    cell_item: Array, cell_criterion: Array, cell_rater: Array, counts: Array,
    items: Array, common: Array, criteria: Array, raters: Array, sums: Array,
) -> None:  # fmt: skip
    """For each cell, into `sums` [N, 6]: weight, squared residuals, their expectation, standardised squares, and over
    its ratings the sums of C / W^2 and of C - W^2 (W variance, C fourth central moment).
    """
    b, p = np.empty(len(common)), np.empty(len(common) + 1)
    for cell in range(len(cell_item)):
        steps_of(cell_item[cell], cell_criterion[cell], cell_rater[cell], items, common, criteria, raters, b)
        probabilities(b, 0.0, p)
        expected, variance, fourth, rated, missed = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(len(p)):
            expected += k * p[k]
        for k in range(len(p)):
            square = (k - expected) ** 2
            variance += square * p[k]
            fourth += square * square * p[k]
            rated += counts[cell, k]
            missed += counts[cell, k] * square
        sums[cell, 0], sums[cell, 1], sums[cell, 2] = rated, missed, rated * variance
        if variance > 0:  # else only one category was possible, and nothing was missed
            sums[cell, 3] = missed / variance
            sums[cell, 4] = rated * fourth / (variance * variance)
        sums[cell, 5] = rated * (fourth - variance * variance)
