"""The Gaussian that comes closest to the posterior, and the widths of the priors, found together.

See `faceted` for what is maximised. Each iteration:

1. expected gradient g and information H of the log-likelihood at the mean m, over each cell's variance v;
   A = H + P with the precisions P of the priors;
2. m moves by A^-1 (g - P m), the step halved until the bound rises (concave in m for given v);
3. Sigma = A^-1, and v from Sigma;
4. with mu = m and psi_g = log s_g^2 of each facet that learns, Newton's method on

       d bound / d psi_g = ((|mu_g|^2 + tr Sigma_gg + 1/2) / s_g^2 - n_g - 1) / 2,

   with d mu / d psi_g = Sigma P_g mu and d Sigma / d psi_g = Sigma P_g Sigma in its slope (H held fixed);

until none of m, v and psi moves. With `joint`, v stays 0: the mode, and Laplace's approximation there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.climbing import MAX_HALVINGS, MAX_LOG_VARIANCE, ROUNDING, VARIANCE_RANGE
from ranking.engines.rasch import kernels
from ranking.engines.rasch.bordered import Bordered
from ranking.engines.rasch.cells import Cells
from ranking.engines.rasch.layout import Layout, basis

Floats = NDArray[np.float64]

FINEST = 1e-6  # length of the last step of the mean in posterior standard deviations; of v relative to the largest
COARSEST = 0.01  # the same, while log s^2 still moves, times its last step
NEARLY = 0.1  # posterior standard deviations: the length of a step of the mean below which variances follow
LEAST_SHARE = 0.05  # of the gap of the variances
WIDTH_TOLERANCE = 1e-4  # of log s^2
LONGEST_WIDTH_STEP = 1.0  # of log s^2
ACCELERATED_BELOW = 0.1  # of log s^2; further off, steps are not proportional yet
MAX_ITERATIONS = 200  # for one set of widths; three to ten are usual
MAX_ROUNDS = 100  # of the widths; five to ten are usual

# Gauss-Hermite rules by variance. For two categories they err by less than 1e-6 in the value, the slope and the bend of
# a rating up to v = 4, more categories being steeper by some more; the last serves priors far too wide.
RULES = ((0.02, 3), (0.25, 7), (1.0, 15), (4.0, 31), (math.inf, 101))


def _rules() -> tuple[Floats, Floats, Floats]:
    limits, most = np.array([limit for limit, _ in RULES]), max(count for _, count in RULES)
    nodes, weights = np.zeros((len(RULES), most)), np.zeros((len(RULES), most))
    for rule, (_, count) in enumerate(RULES):
        nodes[rule, :count], weights[rule, :count] = np.polynomial.hermite_e.hermegauss(count)
        weights[rule] /= weights[rule].sum()
    return limits, nodes, weights


QUADRATURE = _rules()


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """What was found, in flat vectors of D numbers.

    mean         of the Gaussian
    information  the inverse of its covariance, factorised
    widths       the s of every group
    tangents     float64[D, G], d mean / d log s^2 of each group that learned
    spread       float64[G, G], posterior covariance of log s^2
    bound        on the log-evidence, up to second order in what single steps err; with `joint` the log posterior
    """

    layout: Layout
    mean: Floats
    information: Bordered
    widths: tuple[float, ...]
    tangents: Floats
    spread: Floats
    log_likelihood: float
    bound: float
    iterations: int
    converged: bool

    def covariance(self) -> tuple[Floats, Floats, Floats]:
        """Core [d, d], each rater with the core [R, w, d], each rater's own [R, w, w]; widths uncertain too."""
        core, cross, own = self.information.covariance()
        top, raters = self.layout.split(self.tangents)
        moved = raters @ self.spread
        return core + top @ self.spread @ top.T, cross + moved @ top.T, own + moved @ raters.transpose(0, 2, 1)

    def times_covariance(self, flat: Floats) -> Floats:
        """The same covariance times vectors [D, n]."""
        product = self.layout.join(*self.information.solve(*self.layout.split(flat)))
        return product + self.tangents @ (self.spread @ (self.tangents.T @ flat))


def solve(cells: Cells, layout: Layout, widths: tuple[float | None, ...], *, joint: bool = False) -> Solution:
    """The fit; `widths` has one entry for each group of `layout`, None to learn it (not with `joint`)."""
    free = np.array([width is None for width in widths])
    psi = np.array([0.0 if width is None else 2 * math.log(width) for width in widths])
    low, high = (math.log(limit) for limit in VARIANCE_RANGE)
    tried: list[tuple[Floats, Floats]] = []
    mean, variance, iterations = _start(cells, layout), np.zeros(len(cells.item)), 0
    while True:
        precise = max(FINEST, COARSEST * float(np.abs(tried[-1][1]).max(initial=0)) if tried else COARSEST * free.any())
        rest = _settle(cells, layout, mean, variance, np.exp(-psi)[layout.groups], precise, joint=joint)
        iterations += rest.iterations
        if joint:
            return _found(cells, layout, rest, _filled(widths, psi), None, iterations, rest.converged)
        widening = _widening(layout, rest, psi, free)
        tried.append((psi[free], np.clip(psi[free] + widening.newton(), low, high) - psi[free]))
        learned = float(np.abs(tried[-1][1]).max(initial=0)) < WIDTH_TOLERANCE and precise == FINEST
        if learned or not rest.converged or len(tried) == MAX_ROUNDS:
            inside = (psi[free] > low) & (psi[free] < high)
            return _found(
                cells, layout, rest, _filled(widths, psi), (widening.tangents, widening.spread(inside)), iterations,
                rest.converged and learned,
            )  # fmt: skip
        psi = psi.copy()
        psi[free] = np.clip(_next_widths(tried), low, high)
        mean, variance = rest.mean + widening.tangents @ (psi[free] - tried[-1][0]), rest.variance


def _filled(widths: tuple[float | None, ...], psi: Floats) -> tuple[float, ...]:
    return tuple(math.exp(value / 2) if width is None else width for width, value in zip(widths, psi, strict=True))


@dataclass(frozen=True, eq=False, slots=True)
class _Rest:
    """Mean and covariance that agree with each other, for one set of widths.

    precision  of the prior
    covered    tr H Sigma as far as the variances of the cells stand for it
    """

    mean: Floats
    variance: Floats
    precision: Floats
    information: Bordered
    covariance: tuple[Floats, Floats, Floats]
    covered: float
    iterations: int
    converged: bool


def _settle(
    cells: Cells, layout: Layout, mean: Floats, variance: Floats, precision: Floats, precise: float, *, joint: bool
) -> _Rest:
    """Move the mean, and the variances where it nearly rests, until a step is shorter than `precise`.

    The variances answer to a mean that has moved with them. Where they still overshoot, the step to what the covariance
    says is shortened by what the last two steps tell (Aitken's relaxation).
    """
    iterations, share = 0, 1.0
    last: Floats | None = None
    while True:
        iterations += 1
        slope, information, covered = _evaluate(cells, layout, mean, variance, precision)
        mean, length = _climb(cells, layout, mean, variance, precision, slope, information)
        rested, ended = length < precise, iterations == MAX_ITERATIONS
        if not ended and (not rested if joint else length > NEARLY):
            continue
        covariance = information.covariance()
        if not joint:
            gap = _spread(cells, layout, mean, covariance) - variance
            rested &= float(np.abs(gap).max()) <= precise * float(variance.max())
            share, last = _relaxed(share, gap, last), gap
            variance = variance + share * gap
        if rested or ended:
            return _Rest(mean, variance, precision, information, covariance, covered, iterations, rested)


def _relaxed(share: float, gap: Floats, last: Floats | None) -> float:
    """How much of the gap to go: less after gaps that point to and fro."""
    if last is None:
        return share
    turned = gap - last
    square = float(turned @ turned)
    return min(max(-share * float(last @ turned) / square, LEAST_SHARE), 1.0) if square > 0 else share


def _found(
    cells: Cells, layout: Layout, rest: _Rest, widths: tuple[float, ...], widening: tuple[Floats, Floats] | None,
    iterations: int, converged: bool,
) -> Solution:  # fmt: skip
    value = kernels.log_likelihood(*cells.columns, *layout.rows(rest.mean), rest.variance, *QUADRATURE)
    plain = kernels.log_likelihood(*cells.columns, *layout.rows(rest.mean), np.zeros(len(cells.item)), *QUADRATURE)
    bound = value - float(rest.precision @ rest.mean**2) / 2
    if widening is None:
        widening = np.zeros((layout.size, 0)), np.zeros((0, 0))
    else:
        core, _, own = rest.covariance
        settled = float(rest.precision @ layout.join(np.diag(core), np.einsum("raa->ra", own)))  # D - tr H Sigma
        uncovered = layout.size - settled - rest.covered  # of the expected log-likelihood, to second order
        bound += (layout.size + float(np.log(rest.precision).sum()) - rest.information.log_determinant()) / 2
        bound -= (settled + uncovered) / 2
    return Solution(
        layout, rest.mean, rest.information, widths, *widening, plain, bound, iterations,
        converged,
    )  # fmt: skip


def _next_widths(tried: list[tuple[Floats, Floats]]) -> Floats:
    """The next log s^2 from the last two and their Newton steps.

    The slope leaves out that a wider posterior makes the ratings tell less, so with few ratings an element the steps
    are too short and shrink by a steady factor: Anderson's acceleration, of depth one, sees that.
    """
    psi, step = tried[-1]
    if len(tried) > 1 and float(np.abs(step).max(initial=0)) < ACCELERATED_BELOW:
        moved, shrunk = psi - tried[-2][0], step - tried[-2][1]
        square = float(shrunk @ shrunk)
        if square > 0:
            step = step - float(step @ shrunk) / square * (moved + shrunk)
    result: Floats = psi + np.clip(step, -LONGEST_WIDTH_STEP, LONGEST_WIDTH_STEP)
    return result


def _start(cells: Cells, layout: Layout) -> Floats:
    """No differences, and the steps that give the categories the shares they have."""
    shares = cells.counts.sum(axis=0) + 0.5
    flat = np.zeros(layout.size)
    flat[layout.items : layout.items + layout.steps] = np.log(shares[:-1] / shares[1:])
    return flat


def _evaluate(
    cells: Cells, layout: Layout, mean: Floats, variance: Floats, precision: Floats
) -> tuple[Floats, Bordered, float]:
    """The slope of the bound by the mean, the information of the posterior, and what `evaluate` says is covered."""
    d, raters, tall = layout.core, layout.raters, layout.tall
    gradient, core, blocks = np.zeros(d), np.zeros((d, d)), np.zeros((raters, tall, tall))
    rater_gradient, border = np.zeros((raters, tall)), np.zeros((raters, tall, d))
    covered = kernels.evaluate(
        *cells.columns, *layout.rows(mean), variance, *QUADRATURE, gradient, rater_gradient, core, border, blocks
    )
    outer, inner = basis(layout.wide), basis(tall)
    top, own = layout.split(precision)
    core = layout.both_sides(core, outer) + np.diag(top)
    border = inner.T @ layout.criterion_columns(border, outer)
    blocks = inner.T @ blocks @ inner + np.eye(tall) * own[:, None, :]
    slope = layout.join(layout.criterion_columns(gradient, outer), rater_gradient @ inner)
    return slope - precision * mean, Bordered.of(core, border, blocks), covered


def _climb(
    cells: Cells, layout: Layout, mean: Floats, variance: Floats, precision: Floats, slope: Floats,
    information: Bordered,
) -> tuple[Floats, float]:  # fmt: skip
    """One step of Newton's method, halved until the bound rises, and the length of the whole step."""

    def level(at: Floats) -> float:
        value = kernels.log_likelihood(*cells.columns, *layout.rows(at), variance, *QUADRATURE)
        return float(value - precision @ at**2 / 2)

    step = layout.join(*information.solve(*(part[..., None] for part in layout.split(slope))))[:, 0]
    begin, rounding = level(mean), ROUNDING * float(cells.counts.sum()) * (1 + float(np.abs(mean).max()))
    length = math.sqrt(max(float(slope @ step), 0.0))
    for _ in range(MAX_HALVINGS):
        if level(mean + step) >= begin - rounding:
            break
        step = step / 2
    return mean + step, length


def _spread(cells: Cells, layout: Layout, mean: Floats, covariance: tuple[Floats, Floats, Floats]) -> Floats:
    """The variance of every cell."""
    core, cross, own = covariance
    outer, inner = basis(layout.wide), basis(layout.tall)
    variance = np.empty(len(cells.item))
    kernels.spread(
        *cells.columns[:3], *layout.rows(mean),
        layout.both_sides(core, outer.T),
        inner @ layout.criterion_columns(cross, outer.T),
        inner @ own @ inner.T,
        variance,
    )  # fmt: skip
    return variance


@dataclass(frozen=True, eq=False, slots=True)
class _Widening:
    """Slope and minus the bend of the bound by log s^2 of the groups that learn, and how the mean goes along."""

    slope: Floats
    bend: Floats
    tangents: Floats

    def newton(self) -> Floats:
        """The step, the bend held to what the widest `MAX_LOG_VARIANCE` leaves."""
        step: Floats = _bounded_inverse(self.bend) @ self.slope
        return step

    def spread(self, inside: NDArray[np.bool_]) -> Floats:
        """Covariance of log s^2; none for a width at its limit."""
        found = np.zeros_like(self.bend)
        found[np.ix_(inside, inside)] = _bounded_inverse(self.bend[np.ix_(inside, inside)])
        return found


def _bounded_inverse(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    inverse: Floats = (vectors / np.maximum(values, 1 / MAX_LOG_VARIANCE)) @ vectors.T
    return inverse


def _widening(layout: Layout, rest: _Rest, psi: Floats, free: NDArray[np.bool_]) -> _Widening:
    mean, information, (core, cross, own) = rest.mean, rest.information, rest.covariance
    chosen, precisions = np.flatnonzero(free), np.exp(-psi[free])
    belongs = layout.groups[:, None] == chosen  # [D, G]
    pulls = belongs * mean[:, None] * precisions
    tangents = layout.join(*information.solve(*layout.split(pulls)))
    squares = mean**2 + layout.join(np.diag(core), np.einsum("raa->ra", own))
    scaled = precisions * (squares @ belongs + 0.5)
    overlap = _overlaps(layout, information, core, cross, chosen)
    bend = np.diag(scaled) / 2 - pulls.T @ tangents - precisions[:, None] * overlap * precisions / 2
    return _Widening((scaled - belongs.sum(axis=0) - 1) / 2, (bend + bend.T) / 2, tangents)


def _overlaps(layout: Layout, information: Bordered, core: Floats, cross: Floats, chosen: NDArray[np.int64]) -> Floats:
    """float64[G, G]: the squared covariances of each chosen group with each, summed without forming those of raters."""
    top, raters = layout.split(layout.groups.astype(np.float64))
    found = np.empty((len(chosen), len(chosen)))
    mine = [top == group for group in chosen]
    columns = [np.flatnonzero((raters == group).any(axis=0)) for group in chosen]
    gain = [information.gain[:, which] for which in columns]
    reach = [-cross[:, which] for which in columns]  # reach gain' is what raters share through the core
    for a in range(len(chosen)):
        for b in range(len(chosen)):
            total = np.sum(core[np.ix_(mine[a], mine[b])] ** 2)
            total += np.sum(reach[a][:, :, mine[b]] ** 2) + np.sum(reach[b][:, :, mine[a]] ** 2)
            total += np.sum(_square(reach[a]) * _square(gain[b]))
            block = information.inverse[:, columns[a]][:, :, columns[b]]
            total += np.sum(block * (block + 2 * reach[a] @ gain[b].transpose(0, 2, 1)))
            found[a, b] = total
    return found


def _square(rows: Floats) -> Floats:
    flat = rows.reshape(-1, rows.shape[-1])
    result: Floats = flat.T @ flat
    return result
