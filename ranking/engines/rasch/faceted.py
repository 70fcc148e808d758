"""The faceted Rasch model of ordinal ratings: how good each item is, how severe each rater, how wide each category.

Model (Linacre's many-facet Rasch model). Item i, rater r, criterion c, categories k = 0 .. J:

    log P(x = k) / P(x = k - 1) = theta_i - delta_c - sigma_r - tau_k                      (k = 1 .. J).

`thresholds` says whose the tau_k are: "common" to all (a rating scale), or each "criterion" (partial credit) or each
"rater" has its own, tau_k + u_k with sum_k u_k = 0. A criterion may be a prompt or any third facet; with one criterion
there is no delta. theta_a - theta_b are the log-odds that, of two ratings by one rater that differ by one category, the
higher is a's: between two such ratings it is the Bradley-Terry model.

Prior: theta ~ N(0, prior_sd^2), sigma ~ N(0, rater_sd^2), delta ~ N(0, criterion_sd^2), u ~ N(0, deviation_sd^2) in an
orthonormal basis of what sums to zero, tau ~ N(0, threshold_sd^2). The first four are given or learned, each with the
weak prior s^-1 exp(-1 / 4 s^2) on log s^2, as in `plackett_luce`. The last is wide, and keeps finite what no rating
speaks of. So an item with nothing but top ratings has a finite measure.

Estimation. Joint maximum likelihood, which programs for this model use by default, has as many parameters as elements
and stays biased however many there are: with L ratings an item, distances come out too large by about L / (L - 1). Here
nothing but the widths of the priors is maximised. The posterior of all parameters is approximated by the Gaussian
N(m, Sigma) with the highest bound

    E log-likelihood - sum_p (m_p^2 + Sigma_pp) / 2 s_p^2 + log |Sigma| / 2 - sum_p log s_p

on the log-evidence, and the widths maximise the same bound. At its top Sigma^-1 = E H + P, with H the information of
the ratings and P the precisions of the priors. The expectation is over a normal shift common to all steps of a rating
(Gauss-Hermite), with the variance of their mean, each step weighted by how much it moves the expected category. That
leaves out how thresholds err against each other, which the ratings settle together. What is not known of the widths
is added: T V T', with V the covariance of log s^2 and dm / d log s^2 in the columns of T.

In simulation (`tests/ranking/engines/rasch/test_coverage.py`, 100 data sets a case) 95 % intervals of measures and
severities hold the truth in 94 to 95 % with five categories and three ratings an item or thirty. Yes-or-no ratings say
too little to learn the widths from: 92 % with three an item, 91 % with two, and 95 % where the widths are given.

`method="joint"` is the joint mode, and Laplace's approximation there, under given widths; with wide ones it is joint
maximum likelihood, to compare with programs that use it.

It takes `Ratings`, not ballots, so it is a function and not an engine of the registry; `RaschFit.fit` goes into
`standings` like any other fit.

Units: logits. Cost: an iteration is one to three passes over the distinct cells (item, rater, criterion), J^2 each; the
core of d items, thresholds and criteria is factorised, d^3; R raters add R d^2. Ten to forty iterations. A million
ratings of 200 items by 500 raters take four seconds. Memory: some ten times d^2 and R d numbers. Errors: `FitError`.

Sources: Andrich 1978 (rating scale), Masters 1982 (partial credit), Linacre 1989 (facets); Wright and Masters 1982
(fit, separation); Haberman 1977 (bias of joint estimates); Opper and Archambeau 2009, Challis and Barber 2013 (the
Gaussian bound, concave for these likelihoods).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines.climbing import VARIANCE_RANGE
from ranking.engines.errors import FitError
from ranking.engines.fit import Fit
from ranking.engines.rasch import findings
from ranking.engines.rasch.cells import Cells, group
from ranking.engines.rasch.layout import Layout
from ranking.engines.rasch.residuals import cell_sums, misfit
from ranking.engines.rasch.results import Facet, Measures, RaschFit, Reading, fair_scores, quantile
from ranking.engines.rasch.solver import Solution, solve
from ranking.engines.ratings import Ratings

Floats = NDArray[np.float64]

NAME = "rasch"
THRESHOLDS = ("common", "criterion", "rater")
METHODS = ("variational", "joint")
THRESHOLD_SD = 10.0  # logits: far wider than scales are
SD_RANGE = (1e-3, 1e2)  # logits; wider than any use, and narrow enough for probabilities above 0
WIDTHS = ("threshold_sd", "prior_sd", "rater_sd", "criterion_sd", "deviation_sd")  # as the groups of `layout`
MOST_NUMBERS = 200_000_000  # in one matrix: 1.6 GB


def fit(
    ratings: Ratings,
    *,
    weight: ArrayLike | None = None,
    thresholds: str = "common",
    prior_sd: float | None = None,
    rater_sd: float | None = None,
    criterion_sd: float | None = None,
    deviation_sd: float | None = None,
    threshold_sd: float = THRESHOLD_SD,
    method: str = "variational",
    level: float = 0.95,
) -> RaschFit:
    """Fit the posterior.

    weight         one number from 1e-6 to 1e9 for each rating; 2 is the rating given twice
    thresholds     whose they are: "common", "criterion" or "rater"
    prior_sd       standard deviation of the prior of the items in logits; None to learn it
    rater_sd, criterion_sd, deviation_sd   the same for severities, difficulties and deviations of thresholds
    threshold_sd   the same for the common thresholds, never learned
    method         "variational", or "joint" for the joint mode under given widths
    level          of the intervals

    Raises `FitError` for no ratings, fewer than two categories, options out of range or that do not go together,
    and too many elements.
    """
    asked = dict(zip(WIDTHS, (threshold_sd, prior_sd, rater_sd, criterion_sd, deviation_sd), strict=True))
    used = _used(ratings, thresholds)
    _check_ratings(ratings, thresholds)
    _check_options(asked, used, thresholds, method, level)
    cells = group(ratings, weight)
    widths = tuple(asked[name] if name in used else 1.0 for name in WIDTHS)
    try:
        solution = solve(cells, Layout.of(cells, thresholds), widths, joint=method == "joint")
    except np.linalg.LinAlgError:
        raise FitError(
            "weights and priors so far apart have no digits in common: bring the weights, or the widths of the "
            "priors, closer together"
        ) from None
    parameters: dict[str, Any] = {
        "thresholds": thresholds,
        "method": method,
        **{name: width for name, width in zip(WIDTHS, solution.widths, strict=True) if name in used},
        "learned": [name for name in used if asked[name] is None],
        "log_likelihood": solution.log_likelihood,
        "log_evidence": solution.bound if method == "variational" else None,
    }
    return _result(ratings, cells, solution, parameters, level)


def _used(ratings: Ratings, thresholds: str) -> tuple[str, ...]:
    """The widths that mean something here."""
    absent = set() if len(ratings.criteria) > 1 else {"criterion_sd"}
    if thresholds == "common":
        absent.add("deviation_sd")
    return tuple(name for name in WIDTHS if name not in absent)


def _check_ratings(ratings: Ratings, thresholds: str) -> None:
    if thresholds not in THRESHOLDS:
        raise FitError(f"thresholds must be one of {', '.join(THRESHOLDS)}, not {thresholds!r}")
    if not len(ratings):
        raise FitError("there are no ratings")
    items, raters, criteria, categories = (
        len(names) for names in (ratings.items, ratings.raters, ratings.criteria, ratings.categories)
    )
    if categories < 2:
        raise FitError(f"a scale needs at least two categories, not {categories}: name also those that nobody used")
    if thresholds == "criterion" and criteria < 2:
        raise FitError("thresholds by criterion need more than one criterion")
    if thresholds != "common" and categories < 3:
        raise FitError(f"two categories have one threshold, so there are none to differ by {thresholds}")
    core = items + categories - 1
    if criteria > 1:
        core += criteria * (categories - 1 if thresholds == "criterion" else 1)
    largest = max(core, raters * (categories - 1 if thresholds == "rater" else 1)) * core
    if largest > MOST_NUMBERS:
        raise FitError(
            f"{items} items, {criteria} criteria and {raters} raters need a matrix of {largest / 1e6:.0f} million "
            f"numbers, more than {MOST_NUMBERS / 1e6:.0f} million: fit fewer at once"
        )


def _check_options(
    asked: Mapping[str, float | None], used: tuple[str, ...], thresholds: str, method: str, level: float
) -> None:
    if method not in METHODS:
        raise FitError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if not 0 < level < 1:
        raise FitError(f"the level must lie between 0 and 1, not {level}")
    low, high = SD_RANGE
    for name, width in asked.items():
        if width is None and name == "threshold_sd":
            raise FitError("threshold_sd must be a number; it is not learned")
        if width is not None and not (math.isfinite(width) and low <= width <= high):
            raise FitError(f"{name} must be a number from {low:g} to {high:g}, not {width}")
        if width is not None and name not in used:
            reason = "these ratings have one" if name == "criterion_sd" else f"thresholds are {thresholds}"
            raise FitError(f"{name} has nothing to be the width of: {reason}")
    needed = [name for name in used if asked[name] is None]
    if method == "joint" and needed:
        raise FitError(f"the joint mode does not learn the priors; give {', '.join(needed)}")


def _result(ratings: Ratings, cells: Cells, solution: Solution, parameters: dict[str, Any], level: float) -> RaschFit:
    reading, reach = Reading.of(solution), quantile(level)
    sums, scores = cell_sums(cells, solution.layout.rows(solution.mean)), _scores(ratings.categories)

    def facet(names: tuple[str, ...], of: NDArray[np.int64], cell: NDArray[np.int64], measures: Measures) -> Facet:
        weight, total = (np.bincount(cell, column, len(names)) for column in (sums[:, 0], cells.counts @ scores))
        average = np.divide(total, weight, out=np.full(len(names), np.nan), where=weight > 0)
        half = reach * measures.sd
        return Facet(
            names, np.bincount(of, minlength=len(names)), average, measures.measure, measures.sd,
            measures.measure - half, measures.measure + half, misfit(sums, cell, len(names)), measures.reliability,
        )  # fmt: skip

    items = facet(ratings.items, ratings.item, cells.item, reading.items)
    raters = facet(ratings.raters, ratings.rater, cells.rater, reading.raters)
    criteria = facet(ratings.criteria, ratings.criterion, cells.criterion, reading.criteria) if cells.criteria else None
    warnings = (
        *_solver_notes(solution, parameters),
        *findings.unrated(ratings),
        *findings.links(ratings, cells),
        *findings.extremes(ratings),
        *findings.disordered(ratings, reading.thresholds),
        *findings.misfits(items, raters),
    )
    board = Fit(
        NAME, ratings.items, reading.items.measure, reading.item_covariance, items.ratings, len(ratings), parameters,
        solution.converged, solution.iterations, warnings,
    )  # fmt: skip
    joined = findings.subsets(cells.item, cells.rater, (cells.items, cells.raters))
    subsets = tuple(
        (tuple(ratings.items[i] for i in mine), tuple(ratings.raters[r] for r in by)) for mine, by in joined
    )
    return RaschFit(
        board, items, raters, criteria, reading.thresholds, scores, *fair_scores(reading, scores, reach), level, subsets
    )


def _scores(categories: tuple[str, ...]) -> Floats:
    """The numbers that the categories are named by, if these rise; else 1 .. K."""
    counted = np.arange(1.0, len(categories) + 1)
    try:
        found = np.array([float(name) for name in categories])
    except ValueError:
        return counted
    return found if np.isfinite(found).all() and (np.diff(found) > 0).all() else counted


def _solver_notes(solution: Solution, parameters: Mapping[str, Any]) -> list[str]:
    found = [] if solution.converged else [f"the fit did not converge in {solution.iterations} iterations"]
    for name in parameters["learned"]:
        for end, limit in zip(("lower", "upper"), VARIANCE_RANGE, strict=True):
            if math.isclose(parameters[name], math.sqrt(limit)):
                found.append(f"the learned {name} is at its {end} limit, {parameters[name]:g}")
    return found
