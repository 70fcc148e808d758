"""The mode and the Gaussian posterior of strengths under any concave likelihood, with the prior's width learned.

See `plackett_luce` for the equations: Newton's method (`climbing`), the evidence equation of s^2 with its drift delta,
and what the uncertainty of s adds to the covariance.

Solving that equation takes few passes over much data, and very many over little. Where it does not settle soon, s^2 is
taken where the slope of the evidence is 0, between values of either sign; and where that fails, searched for.

With few ballots, or where contestants are perfectly separated, the evidence can have two maxima: a narrow field, whose
ballots are then mostly luck, or a wide one. `widest_view` looks at the whole range of s, and chooses the higher; a
`Rival` that is nearly as probable is named, not hidden.

Where no mode is found, the covariance is the prior's: it never claims what was not learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ranking.engines.climbing import MAX_ITERATIONS, VARIANCE_RANGE, Climb, Likelihood, climb, drift_of
from ranking.engines.fit import centred_product

Floats = NDArray[np.float64]

DRIFT_TOLERANCE = 1e-3  # posterior standard deviations
EQUATION_ITERATIONS = 20  # of the evidence equation before its root is bracketed; a dozen are usual
ROOT_TOLERANCE = 1e-4  # of log s^2
STEPS = (0.2, 1.0)  # of log s^2, the least and the most to the next value while bracketing
SEARCHED = 10  # values of s^2 over its range before the best is bracketed
SEARCH_TOLERANCE = 1e-4  # of log s^2
MAX_FAILURES = 1  # climbs of a search that do not converge, before it is given up
LOOSE = 0.05  # looseness below which s may as well be taken for known
KNOWN = 0.8  # share of the strengths that ballots rather than the prior determine, from which on there is one maximum
SPACING = (0.15, 0.7)  # of log s^2, the least and the most between values of s in a view of the whole range
NEAR = 3.0  # standard deviations of log s^2 either side of the mode, within which they are closer than the most
RIVAL = 0.05  # probability of a maximum that is worth saying
VALLEY = 0.1  # by how much the log evidence between two maxima is lower than either


@dataclass(frozen=True, slots=True)
class Rival:
    """Another maximum of the evidence: s there, and how probable it is beside the mode."""

    prior_sd: float
    probability: float


@dataclass(frozen=True, eq=False, slots=True)
class Mode:
    """Where the posterior is highest, with the covariance there; that of the prior unless `converged`.

    centred   covariance of theta less its average. Centring `covariance` gives the same but for rounding, which under
              a wide prior is larger than the whole
    swing     what the uncertainty of s moves theta by: `covariance` has swing swing^T in it; 0 where s is given
    rival     see `widest_view`
    """

    theta: Floats
    covariance: Floats
    variance: float
    log_likelihood: float
    iterations: int
    converged: bool
    centred: Floats
    swing: Floats
    rival: Rival | None = None


def maximise(terms: Likelihood, *, prior_sd: float | None = None, start: Floats | None = None) -> Mode:
    """The mode for a given or learned prior. Raises `FitError` where the likelihood is not a number at all."""
    theta = np.zeros(len(terms.wins)) if start is None else start.copy()
    if prior_sd is not None:
        top = climb(terms, theta, prior_sd**2, None, MAX_ITERATIONS)
        return _mode(top, np.zeros_like(theta), top.iterations, top.converged)
    top, iterations, settled = _equated(terms, theta)
    if not settled:
        top, more, settled = _rooted(terms, top)
        iterations += more
    if not settled:
        top, more = _searched(terms, theta)
        iterations, settled = iterations + more, top.converged
    return _mode(top, math.sqrt(top.spread()) * top.along(), iterations, settled)


def widest_view(terms: Likelihood, mode: Mode, *, close: bool = False) -> tuple[Mode, list[Climb]]:
    """The mode with the highest evidence for any s, from the `mode` of one, with its rival; and the climbs looked at.

    With `close` the climbs, by s, are near enough to each other around the mode to be averaged; there are none where
    the strengths hardly depend on s, as with many ballots. Cost: nothing then, else some fifteen climbs.
    """
    if not mode.converged:
        return mode, []
    best = climb(terms, mode.theta, mode.variance, None, MAX_ITERATIONS)
    loose = best.looseness() > LOOSE
    if not best.converged or not (loose or best.known() < KNOWN):
        return mode, []
    tops = _view(terms, best, close=close and loose)
    higher = max(tops, key=Climb.log_evidence)
    if higher.log_evidence() > best.log_evidence() + VALLEY:
        found, more, settled = _rooted(terms, higher)
        if settled:
            best = found
            tops = _view(terms, best, close=close and loose)
            mode = _mode(best, math.sqrt(best.spread()) * best.along(), mode.iterations + more, True)
    return replace(mode, rival=_rival(tops, best)), tops if loose else []


def _view(terms: Likelihood, best: Climb, *, close: bool) -> list[Climb]:
    """Climbs for values of s over its whole range, by s. One that does not converge is left out."""
    sd, middle = math.sqrt(best.spread()), math.log(best.variance)
    least = min(max(0.7 * sd, SPACING[0]), SPACING[1]) if close else SPACING[1]
    tops = [best]
    for limit, sign in zip(VARIANCE_RANGE, (-1.0, 1.0), strict=True):
        near, psi = best, middle
        while near.variance != limit:
            psi += sign * (least if abs(psi - middle) < NEAR * sd else SPACING[1])
            variance = math.exp(psi)
            if (math.log(limit) - psi) * sign < least / 2:
                variance = limit
            start = near.theta + math.log(variance / near.variance) * near.along()
            near = climb(terms, start, variance, None, MAX_ITERATIONS)
            if near.converged:
                tops.append(near)
    return sorted(tops, key=lambda top: top.variance)


def _rival(tops: list[Climb], best: Climb) -> Rival | None:
    """The most probable other maximum, by the heights and widths of both; None where it is improbable."""
    heights = [top.log_evidence() for top in tops]
    found: list[Rival] = []
    for place, top in enumerate(tops):
        beside = [heights[other] for other in (place - 1, place + 1) if 0 <= other < len(tops)]
        if top is best or heights[place] < max(beside, default=math.inf) or _valley(tops, best, top) < VALLEY:
            continue
        odds = math.exp(heights[place] - best.log_evidence()) * math.sqrt(top.spread() / best.spread())
        found.append(Rival(math.sqrt(top.variance), odds / (1 + odds)))
    chosen = max(found, key=lambda rival: rival.probability, default=None)
    return None if chosen is None or chosen.probability < RIVAL else chosen


def _valley(tops: list[Climb], one: Climb, other: Climb) -> float:
    """How far the log evidence falls between two s, below the lower of them."""
    low, high = sorted((one.variance, other.variance))
    between = [top.log_evidence() for top in tops if low <= top.variance <= high]
    return min(one.log_evidence(), other.log_evidence()) - min(between)


def rival_note(mode: Mode, *, averaged: bool = False) -> list[str]:
    """What to know about a mode with a rival."""
    if mode.rival is None:
        return []
    first, second = math.sqrt(mode.variance), mode.rival.prior_sd
    return [
        "these ballots can be explained by a narrow field and by a wide one: a prior standard deviation of"
        f" {first:.2g} or of {second:.2g}, the latter with a probability of {mode.rival.probability:.2g};"
        f" the ratings are {'averaged over both' if averaged else f'those of {first:.2g}'},"
        " and a given one or more ballots would settle it"
    ]


def _mode(top: Climb, swing: Floats, iterations: int, converged: bool) -> Mode:
    count = len(top.theta)
    if converged:
        root = top.vectors / np.sqrt(top.values + 1 / top.variance)
    else:
        root, swing = math.sqrt(top.variance) * np.eye(count), np.zeros(count)
    whole = np.column_stack([root, swing])
    return Mode(
        top.theta,
        whole @ whole.T,
        top.variance,
        top.value,
        iterations,
        converged,
        centred_product(whole),
        swing,
    )


def _equated(terms: Likelihood, theta: Floats) -> tuple[Climb, int, bool]:
    """Solve for theta and s^2 together with delta held fixed, then renew delta, until that moves nothing.

    Nothing: the posterior by less than `DRIFT_TOLERANCE`. With many ballots the first delta, one more pass, settles
    it. Returns the iterations and whether it settled.
    """
    drift, variance, iterations = 0.0, 1.0, 0
    tried: list[tuple[float, float]] = []
    while True:
        top = climb(terms, theta, variance, drift, EQUATION_ITERATIONS - iterations)
        theta, variance = top.theta, top.variance
        iterations += top.iterations
        if not top.converged:
            return top, iterations, False
        renewed = drift_of(terms, top)
        if abs(math.log(top.relearned(renewed) / variance)) * top.reach() < DRIFT_TOLERANCE:
            return top, iterations, True
        if iterations >= EQUATION_ITERATIONS:
            return top, iterations, False
        tried.append((drift, renewed))
        drift = _secant(tried)


def _rooted(terms: Likelihood, began: Climb) -> tuple[Climb, int, bool]:
    """The climb for the s^2 at which the evidence is level, or the limit of s^2 that it rises to.

    From the s^2 that the equation came to, uphill until the slope turns, then between. Returns the iterations and
    whether all climbs converged.
    """
    from scipy.optimize import brentq  # a quarter of a second that other fits need not wait

    low, high = (math.log(limit) for limit in VARIANCE_RANGE)
    tried: dict[float, tuple[float, Climb]] = {}

    def slope(psi: float) -> float:
        if psi not in tried:
            near = tried[min(tried, key=lambda other: abs(other - psi))][1] if tried else began
            ahead = near.theta + (psi - math.log(near.variance)) * near.along()
            variance = min(max(math.exp(psi), VARIANCE_RANGE[0]), VARIANCE_RANGE[1])
            top = climb(terms, ahead, variance, None, MAX_ITERATIONS)
            tried[psi] = (top.slope(drift_of(terms, top)) if top.converged else math.nan), top
        return tried[psi][0]

    psi = min(max(math.log(began.variance), low), high)
    level, step = slope(psi), 0.0
    while level != 0 and not math.isnan(level):
        top = tried[psi][1]
        step = min(max(abs(level) * top.spread(), 1.5 * step, STEPS[0]), STEPS[1])
        ahead = min(max(psi + math.copysign(step, level), low), high)
        if ahead == psi:
            break
        turned = slope(ahead)
        if math.isnan(turned) or turned * level <= 0:
            if not math.isnan(turned):
                psi = brentq(slope, psi, ahead, xtol=ROOT_TOLERANCE)
            break
        psi, level = ahead, turned
    settled = all(top.converged for _, top in tried.values())
    if settled:
        slope(psi)
    return tried[psi][1], sum(top.iterations for _, top in tried.values()), settled


def _searched(terms: Likelihood, theta: Floats) -> tuple[Climb, int]:
    """The climb for the s^2 of highest evidence: the best of a grid, then between its neighbours.

    Returns the iterations of all climbs. A climb that does not converge is taken only when there is no other.
    """
    from scipy.optimize import minimize_scalar  # a quarter of a second that other fits need not wait

    climbs: list[Climb] = []

    def loss(variance: float) -> float:
        near = min(climbs, key=lambda top: abs(math.log(top.variance / variance))).theta if climbs else theta
        climbs.append(climb(terms, near, variance, None, MAX_ITERATIONS))
        return -climbs[-1].log_evidence() if climbs[-1].converged else math.inf

    def bounded(log_variance: float) -> float:
        """For a search that computes with the losses: no top is worse than any on the grid."""
        found = loss(math.exp(log_variance))
        return found if math.isfinite(found) else worst + 1

    grid, losses = np.geomspace(*VARIANCE_RANGE, SEARCHED), []
    for variance in grid.tolist():
        losses.append(loss(variance))
        if losses.count(math.inf) > MAX_FAILURES:
            return climbs[-1], sum(top.iterations for top in climbs)
    best = int(np.argmin(losses))
    worst = max(found for found in losses if math.isfinite(found))
    minimize_scalar(
        bounded,
        bounds=(math.log(grid[max(best - 1, 0)]), math.log(grid[min(best + 1, SEARCHED - 1)])),
        method="bounded",
        options={"xatol": SEARCH_TOLERANCE},
    )
    chosen = max(climbs, key=lambda top: (top.converged, top.log_evidence()))
    return chosen, sum(top.iterations for top in climbs)


def _secant(tried: list[tuple[float, float]]) -> float:
    """The next guess at the x where f(x) = x, from the last two pairs (x, f(x)); f(x) while the slope is unclear."""
    x, f = tried[-1]
    if len(tried) == 1 or x == tried[-2][0]:
        return f
    slope = (f - tried[-2][1]) / (x - tried[-2][0])
    return f if slope > 0.9 else (f - slope * x) / (1 - slope)
