"""The mode and the Gaussian posterior of strengths under any concave likelihood, with the prior's width learned.

See `plackett_luce` for the equations: Newton's method, the evidence equation of s^2 with its drift delta, and what
the uncertainty of s adds to the covariance. Solving that equation takes few passes over much data, and sometimes very
many over little; s^2 is then searched for where the evidence itself is highest.

Where no mode is found, the covariance is the prior's: it never claims what was not learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.fit import centred_product, rounding

Floats = NDArray[np.float64]

VARIANCE_RANGE = (0.01, 100.0)  # of the learned prior, in squared logits
STEP_TOLERANCE = 1e-6  # length of the last Newton step, in posterior standard deviations
PRIOR_TOLERANCE = 1e-7  # of log s^2
MAX_ITERATIONS = 100
MAX_HALVINGS = 40
ROUNDING = 1e-14  # of a log-likelihood, for each choice and logit: it is a difference of sums as large as that
DRIFT_TOLERANCE = 1e-3  # posterior standard deviations
DRIFT_STEP = 1e-3  # logits, of the finite difference
MAX_LOG_VARIANCE = 4.0  # of log s^2: no data says less about s than a factor of e either way
EQUATION_ITERATIONS = 50  # of the evidence equation before the evidence is searched; a dozen are usual
SEARCHED = 10  # values of s^2 over its range before the best is bracketed
SEARCH_TOLERANCE = 1e-4  # of log s^2
MAX_FAILURES = 1  # climbs of a search that do not converge, before it is given up


class Likelihood(Protocol):
    """A concave log-likelihood of strengths, such as `Terms`. `maximise` needs no more of it than this."""

    @property
    def wins(self) -> Floats:
        """One entry an item; only its length is used."""

    @property
    def mass(self) -> Floats:
        """The weights of the choices; their sum bounds rounding errors of the value."""

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Value, gradient and information (minus the Hessian, positive semidefinite)."""


@dataclass(frozen=True, eq=False, slots=True)
class Mode:
    """Where the posterior is highest, with the covariance there; that of the prior unless `converged`.

    centred   covariance of theta less its average. Centring `covariance` gives the same but for rounding, which under
              a wide prior is larger than the whole
    swing     what the uncertainty of s moves theta by: `covariance` has swing swing^T in it; 0 where s is given
    """

    theta: Floats
    covariance: Floats
    variance: float
    log_likelihood: float
    iterations: int
    converged: bool
    centred: Floats
    swing: Floats


def maximise(terms: Likelihood, *, prior_sd: float | None = None, start: Floats | None = None) -> Mode:
    """The mode for a given or learned prior. Raises `FitError` where the likelihood is not a number at all."""
    theta = np.zeros(len(terms.wins)) if start is None else start.copy()
    if prior_sd is not None:
        climb = _climb(terms, theta, prior_sd**2, None, MAX_ITERATIONS)
        return _mode(climb, np.zeros_like(theta), climb.iterations, climb.converged)
    climb, iterations, settled = _equated(terms, theta)
    if not settled:
        climb, more = _searched(terms, theta)
        iterations, settled = iterations + more, climb.converged
    return _mode(climb, math.sqrt(climb.spread()) * climb.along(), iterations, settled)


def _mode(climb: _Climb, swing: Floats, iterations: int, converged: bool) -> Mode:
    count = len(climb.theta)
    if converged:
        root = climb.vectors / np.sqrt(climb.values + 1 / climb.variance)
    else:
        root, swing = math.sqrt(climb.variance) * np.eye(count), np.zeros(count)
    whole = np.column_stack([root, swing])
    return Mode(
        climb.theta,
        whole @ whole.T,
        climb.variance,
        climb.value,
        iterations,
        converged,
        centred_product(whole),
        swing,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Climb:
    """The top reached for one delta; `values` and `vectors` are the eigenbasis of the information there."""

    theta: Floats
    variance: float
    value: float
    information: Floats
    values: Floats
    vectors: Floats
    iterations: int
    converged: bool

    def covariance(self) -> Floats:
        result: Floats = (self.vectors / (self.values + 1 / self.variance)) @ self.vectors.T
        return result

    def along(self) -> Floats:
        """d theta / d log s^2."""
        shares = (self.vectors.T @ self.theta) / (self.values * self.variance + 1)
        return np.asarray(self.vectors @ shares)

    def relearned(self, drift: float) -> float:
        """What s^2 would be with another delta, as far as the quadratic model at the top knows."""
        pull = (self.values + 1 / self.variance) * (self.vectors.T @ self.theta)
        return _learned_variance(self.values, pull, self.variance, drift)

    def spread(self) -> float:
        """Posterior variance of log s^2: minus the inverse slope of the evidence equation, within its limits."""
        precision = 1 / self.variance
        squares = (self.vectors.T @ self.theta) ** 2
        share = precision / (self.values + precision)
        slope = np.sum(squares * precision * (2 * share - 1) - self.values / (self.values + precision) * share)
        return float(min(-2 / min(slope - precision / 2, -1e-12), MAX_LOG_VARIANCE))

    def log_evidence(self) -> float:
        """Of s^2, with its prior, by Laplace's approximation; up to a constant."""
        height = self.value - float(self.theta @ self.theta) / (2 * self.variance)
        volume = float(np.sum(np.log1p(self.variance * self.values)))
        return height - volume / 2 - math.log(self.variance) / 2 - 1 / (4 * self.variance)


def _equated(terms: Likelihood, theta: Floats) -> tuple[_Climb, int, bool]:
    """Solve for theta and s^2 together with delta held fixed, then renew delta, until that moves nothing.

    Nothing: the posterior by less than `DRIFT_TOLERANCE`. With many ballots the first delta, one more pass, settles
    it. Returns the iterations and whether it settled.
    """
    drift, variance, iterations = 0.0, 1.0, 0
    tried: list[tuple[float, float]] = []
    while True:
        climb = _climb(terms, theta, variance, drift, EQUATION_ITERATIONS - iterations)
        theta, variance = climb.theta, climb.variance
        iterations += climb.iterations
        if not climb.converged:
            return climb, iterations, False
        along = climb.along()
        renewed = _drift(terms, climb, along)
        reach = math.sqrt(float(along @ (climb.information @ along + along / variance)))
        if abs(math.log(climb.relearned(renewed) / variance)) * reach < DRIFT_TOLERANCE:
            return climb, iterations, True
        if iterations >= EQUATION_ITERATIONS:
            return climb, iterations, False
        tried.append((drift, renewed))
        drift = _secant(tried)


def _searched(terms: Likelihood, theta: Floats) -> tuple[_Climb, int]:
    """The climb for the s^2 of highest evidence: the best of a grid, then between its neighbours.

    Returns the iterations of all climbs. A climb that does not converge is taken only when there is no other.
    """
    from scipy.optimize import minimize_scalar  # a quarter of a second that other fits need not wait

    climbs: list[_Climb] = []

    def loss(variance: float) -> float:
        near = min(climbs, key=lambda climb: abs(math.log(climb.variance / variance))).theta if climbs else theta
        climbs.append(_climb(terms, near, variance, None, MAX_ITERATIONS))
        return -climbs[-1].log_evidence() if climbs[-1].converged else math.inf

    grid, losses = np.geomspace(*VARIANCE_RANGE, SEARCHED), []
    for variance in grid.tolist():
        losses.append(loss(variance))
        if losses.count(math.inf) > MAX_FAILURES:
            return climbs[-1], sum(climb.iterations for climb in climbs)
    best = int(np.argmin(losses))
    minimize_scalar(
        lambda log_variance: loss(math.exp(log_variance)),
        bounds=(math.log(grid[max(best - 1, 0)]), math.log(grid[min(best + 1, SEARCHED - 1)])),
        method="bounded",
        options={"xatol": SEARCH_TOLERANCE},
    )
    chosen = max(climbs, key=lambda climb: (climb.converged, climb.log_evidence()))
    return chosen, sum(climb.iterations for climb in climbs)


def _climb(terms: Likelihood, theta: Floats, variance: float, drift: float | None, most: int) -> _Climb:
    """Newton's method on log-likelihood - |theta|^2 / 2 s^2, the step halved until the objective rises.

    With a `drift` (delta), s^2 is brought to its fixed point within the quadratic model of each step, where that costs
    no pass over the ballots; at convergence the model is exact at the mode, so both conditions hold together.
    """
    here = terms.evaluate(theta)
    if not _usable(*here):
        theta = np.zeros_like(theta)
        here = terms.evaluate(theta)
        if not _usable(*here):
            raise FitError("the likelihood is not a number even where all are equal; look for extreme weights")
    choices = float(terms.mass.sum())
    iterations, converged = 0, False
    while not converged and iterations < most:
        iterations += 1
        value, gradient, information = here
        values, vectors = _spectrum(information)
        turned, slope = vectors.T @ theta, vectors.T @ gradient
        slope[(values == 0) & (np.abs(slope) < ROUNDING * choices)] = 0.0  # where the ballots say nothing
        pull = values * turned + slope
        previous = variance
        if drift is not None:
            variance = _learned_variance(values, pull, variance, drift)
        step = vectors @ (pull / (values + 1 / variance)) - theta
        length = math.sqrt(float(np.sum((values + 1 / variance) * (vectors.T @ step) ** 2)))
        level = value - theta @ theta / (2 * variance)
        for _ in range(MAX_HALVINGS):
            trial = theta + step
            there = terms.evaluate(trial)
            slack = ROUNDING * choices * (1 + float(np.abs(trial).max()))
            if _usable(*there) and there[0] - trial @ trial / (2 * variance) >= level - slack:
                break
            step = step / 2
        if not _usable(*there):
            break
        theta, here = trial, there
        converged = length < STEP_TOLERANCE and abs(math.log(variance / previous)) < PRIOR_TOLERANCE
    return _Climb(theta, variance, here[0], here[2], *_spectrum(here[2]), iterations, converged)


def _usable(value: float, gradient: Floats, information: Floats) -> bool:
    return math.isfinite(value) and bool(np.isfinite(gradient).all() and np.isfinite(information).all())


def _spectrum(information: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues and eigenvectors; those that are only rounding, of either sign, are 0.

    The information is positive semidefinite and flat along what the ballots do not compare. A false slope of 1e-7 there
    is nothing beside a usual prior, but more than the precision of a wide one.
    """
    values, vectors = np.linalg.eigh(information)
    return np.where(values > rounding(values), values, 0.0), vectors


def _learned_variance(values: Floats, pull: Floats, variance: float, drift: float) -> float:
    """The fixed point of the evidence equation for a quadratic log-likelihood in its eigenbasis."""
    low, high = VARIANCE_RANGE
    for _ in range(10_000):
        precision = values + 1 / variance
        effective = float(np.sum(values / precision))
        squares = float(np.sum((pull / precision) ** 2))
        updated = min(max((squares + 0.5) / max(effective + drift + 1.0, 1e-9), low), high)
        if abs(math.log(updated / variance)) < PRIOR_TOLERANCE / 100:
            return updated
        variance = updated
    return variance


def _secant(tried: list[tuple[float, float]]) -> float:
    """The next guess at the x where f(x) = x, from the last two pairs (x, f(x)); f(x) while the slope is unclear."""
    x, f = tried[-1]
    if len(tried) == 1 or x == tried[-2][0]:
        return f
    slope = (f - tried[-2][1]) / (x - tried[-2][0])
    return f if slope > 0.9 else (f - slope * x) / (1 - slope)


def _drift(terms: Likelihood, climb: _Climb, along: Floats) -> float:
    """delta of the module: tr(Sigma dH / d log s^2), by a finite difference along d theta / d log s^2."""
    length = float(np.abs(along).max())
    if length == 0:
        return 0.0
    small = DRIFT_STEP / length
    _, _, moved = terms.evaluate(climb.theta + small * along)
    return float(np.sum(climb.covariance() * (moved - climb.information)) / small)
