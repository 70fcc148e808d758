"""What a faceted Rasch fit says, and how it is read from the solution.

Only differences are observed, so measures of every facet are centred at zero, with their covariances alike, and the
thresholds take up the rest: theta_i - mean theta, sigma_r - mean sigma, tau_k - mean theta + mean sigma + mean delta.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ranking.engines.fit import Fit, centred
from ranking.engines.rasch.layout import Layout, basis
from ranking.engines.rasch.residuals import Misfit
from ranking.engines.rasch.solver import Solution

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Facet:
    """The n elements of a facet: items, raters or criteria. Arrays are read-only float64[n] unless said otherwise.

    ratings                  int64[n], how many
    average                  weighted mean of the scores given; nan without ratings
    measure, sd, low, high   logits, centred at zero: how good an item, how severe a rater, how hard a criterion
    misfit                   infit and outfit
    reliability              of the differences between elements: the variance of the measures over the expected
                             variance of the truth, so about their squared correlation; 0 for fewer than two
    separation, strata       G = sqrt(reliability / (1 - reliability)), and (4 G + 1) / 3 levels that can be told apart
    """

    names: tuple[str, ...]
    ratings: NDArray[np.int64]
    average: Floats
    measure: Floats
    sd: Floats
    low: Floats
    high: Floats
    misfit: Misfit
    reliability: float

    def __post_init__(self) -> None:
        for values in (self.ratings, self.average, self.measure, self.sd, self.low, self.high):
            values.flags.writeable = False

    @property
    def separation(self) -> float:
        return float(np.sqrt(self.reliability / (1 - self.reliability)))

    @property
    def strata(self) -> float:
        return (4 * self.separation + 1) / 3


@dataclass(frozen=True, eq=False, slots=True)
class Thresholds:
    """The J thresholds between J + 1 neighbouring categories for an average rater and criterion, lowest first.

    measure, sd    float64[J]; threshold k is where the categories on both its sides are equally likely
    covariance     float64[J, J]
    deviations     float64[n, J], how else than by being all higher or lower the thresholds of each criterion, or
                   rater, differ from these; None where all share them
    deviations_sd  float64[n, J], or None
    """

    measure: Floats
    sd: Floats
    covariance: Floats
    deviations: Floats | None
    deviations_sd: Floats | None

    def __post_init__(self) -> None:
        for values in (self.measure, self.sd, self.covariance, self.deviations, self.deviations_sd):
            if values is not None:
                values.flags.writeable = False


@dataclass(frozen=True, eq=False, slots=True)
class RaschFit:
    """The result.

    fit           measures of the items with their covariance, as every engine gives them; for `standings`
    items, raters, criteria   their measures; criteria None where there is one
    thresholds    of the scale
    scores        float64[K], what the categories count: the numbers they are named by if these rise, else 1 .. K
    fair          float64[M], the score an average rater is expected to give the item under an average criterion
    fair_low, fair_high   its interval
    level         of all intervals
    subsets       items, and raters, joined by ratings, directly or in steps; more than one set: see `fit.warnings`
    """

    fit: Fit
    items: Facet
    raters: Facet
    criteria: Facet | None
    thresholds: Thresholds
    scores: Floats
    fair: Floats
    fair_low: Floats
    fair_high: Floats
    level: float
    subsets: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

    def __post_init__(self) -> None:
        for values in (self.scores, self.fair, self.fair_low, self.fair_high):
            values.flags.writeable = False


@dataclass(frozen=True, eq=False, slots=True)
class Measures:
    """Measures with standard deviations and the reliability of their differences."""

    measure: Floats
    sd: Floats
    reliability: float

    @classmethod
    def of(cls, measure: Floats, variance: Floats) -> Measures:
        """From centred measures and variances."""
        count = len(measure)
        variance = np.maximum(variance, 0.0)  # a single element is 0 without error; below 0 is rounding
        if count < 2:
            return cls(measure, np.sqrt(variance), 0.0)
        between, within = float(measure @ measure), float(variance.sum())
        return cls(measure, np.sqrt(variance), between / (between + within))


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """Centred means and covariances from a solution."""

    items: Measures
    item_covariance: Floats
    raters: Measures
    criteria: Measures
    thresholds: Thresholds
    item_thresholds: Floats  # float64[M, J], covariance of each item with the thresholds

    @classmethod
    def of(cls, solution: Solution) -> Reading:
        layout, mean = solution.layout, solution.mean
        core, _, own = solution.covariance()
        level = _levels(layout)
        product = solution.times_covariance(level)
        top, raters = layout.split(mean)
        first = layout.items + layout.steps
        theta, item_covariance = centred(top[: layout.items], core[: layout.items, : layout.items])
        chosen = np.arange(layout.criteria) * layout.wide + first
        if layout.criteria:
            delta, spread = centred(top[chosen], core[np.ix_(chosen, chosen)])
        else:
            delta, spread = np.zeros(0), np.zeros((0, 0))
        shared = np.zeros((layout.size, 1))
        shared[layout.core :: layout.tall] = 1 / layout.raters
        along = solution.times_covariance(shared)
        common = layout.split(along)[1][:, 0, 0]
        variance = own[:, 0, 0] - 2 * common + common.mean()
        covariance = level.T @ product
        with_items = product[: layout.items] - product[: layout.items].mean(axis=0)
        return cls(
            Measures.of(theta, np.diag(item_covariance)), item_covariance,
            Measures.of(raters[:, 0] - raters[:, 0].mean(), variance),
            Measures.of(delta, np.diag(spread)),
            Thresholds(
                level.T @ mean, np.sqrt(np.maximum(np.diag(covariance), 0.0)), covariance,
                *_deviations(solution, core, own),
            ),
            with_items,
        )  # fmt: skip


def _levels(layout: Layout) -> Floats:
    """float64[D, J]: the weights that make threshold j out of the parameters."""
    weights = np.zeros((layout.size, layout.steps))
    weights[: layout.items] = -1 / layout.items
    weights[layout.items : layout.items + layout.steps] = np.eye(layout.steps)
    for begin, count, width in (
        (layout.items + layout.steps, layout.criteria, layout.wide), (layout.core, layout.raters, layout.tall)
    ):  # fmt: skip
        rows = basis(width) if width > 1 else np.ones((layout.steps, 1))  # [J, width]
        if count:
            weights[begin : begin + count * width] = np.tile(rows.T, (count, 1)) / count
    return weights


def _deviations(solution: Solution, core: Floats, own: Floats) -> tuple[Floats | None, Floats | None]:
    """The thresholds of each criterion or rater less the average of them, and their standard deviations."""
    layout = solution.layout
    if layout.wide > 1:
        begin, count, width = layout.items + layout.steps, layout.criteria, layout.wide
    elif layout.tall > 1:
        begin, count, width = layout.core, layout.raters, layout.tall
    else:
        return None, None
    contrasts = basis(width)[:, 1:]
    average = np.zeros((layout.size, layout.steps))
    average[begin : begin + count * width] = (
        np.tile(np.column_stack([np.zeros(width), contrasts]).T, (count, 1)) / count
    )
    product = solution.times_covariance(average)
    rows = solution.mean[begin : begin + count * width].reshape(count, width)[:, 1:] @ contrasts.T
    if layout.wide > 1:
        places = begin + np.arange(count * width).reshape(count, width)
        own = core[places[:, :, None], places[:, None, :]]
    mine = np.einsum("jl,nlm,jm->nj", contrasts, own[:, 1:, 1:], contrasts)
    along = product[begin : begin + count * width].reshape(count, width, -1)[:, 1:]
    shared = np.einsum("jl,nlj->nj", contrasts, along)
    variance = mine - 2 * shared + np.einsum("dj,dj->j", average, product)
    return rows - rows.mean(axis=0), np.sqrt(np.maximum(variance, 0.0))


def quantile(level: float) -> float:
    """How many standard deviations a central interval reaches."""
    return NormalDist().inv_cdf((1 + level) / 2)


def fair_scores(reading: Reading, scores: Floats, reach: float) -> tuple[Floats, Floats, Floats]:
    """float64[M] each: the expected score of every item by an average rater, and its interval.

    The variance is that of the thresholds less the measure, weighted by how much each moves the expected score; the
    interval is that of a shift common to them, so that it stays on the scale.
    """
    steps = reading.thresholds.measure - reading.items.measure[:, None]
    probability = _probabilities(steps)
    expected = probability @ scores
    above = np.cumsum(((scores - expected[:, None]) * probability)[:, ::-1], axis=1)[:, ::-1][:, 1:]
    total = above.sum(axis=1, keepdims=True)
    share = np.where(total > 0, above / np.where(total > 0, total, 1.0), 1 / above.shape[1])  # 0 only by underflow
    variance = np.einsum("mj,jl,ml->m", share, reading.thresholds.covariance, share)
    variance += np.diag(reading.item_covariance) - 2 * np.einsum("mj,mj->m", share, reading.item_thresholds)
    shift = (reach * np.sqrt(np.maximum(variance, 0.0)))[:, None]
    return expected, _probabilities(steps + shift) @ scores, _probabilities(steps - shift) @ scores


def _probabilities(steps: Floats) -> Floats:
    """float64[n, J + 1] from steps [n, J]."""
    reached = np.concatenate([np.zeros((len(steps), 1)), -np.cumsum(steps, axis=1)], axis=1)
    weight = np.exp(reached - reached.max(axis=1, keepdims=True))
    result: Floats = weight / weight.sum(axis=1, keepdims=True)
    return result
