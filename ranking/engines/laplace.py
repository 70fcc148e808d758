"""The mode and the Gaussian posterior of strengths under any concave likelihood, with the prior's width learned.

See `plackett_luce` for the equations: Newton's method, the evidence equation of s^2 with its drift delta, and what
the uncertainty of s adds to the covariance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
    """Where the posterior is highest, with the covariance there (not centred)."""

    theta: Floats
    covariance: Floats
    variance: float
    log_likelihood: float
    iterations: int
    converged: bool


def maximise(terms: Likelihood, *, prior_sd: float | None = None, start: Floats | None = None) -> Mode:
    """The mode for a given or learned prior.

    A learned one: solve for theta and s^2 together with delta held fixed, then renew delta, until renewing it would
    move the posterior by less than `DRIFT_TOLERANCE`. With many ballots the first delta, one more pass, settles it.
    """
    theta = np.zeros(len(terms.wins)) if start is None else start.copy()
    if prior_sd is not None:
        climb = _climb(terms, theta, prior_sd**2, None, MAX_ITERATIONS)
        return Mode(climb.theta, climb.covariance(), climb.variance, climb.value, climb.iterations, climb.converged)
    drift, variance, iterations = 0.0, 1.0, 0
    tried: list[tuple[float, float]] = []
    while True:
        climb = _climb(terms, theta, variance, drift, MAX_ITERATIONS - iterations)
        theta, variance = climb.theta, climb.variance
        iterations += climb.iterations
        covariance = climb.covariance()
        along = covariance @ theta / variance  # d theta / d log s^2
        renewed = _drift(terms, climb, covariance, along)
        reach = math.sqrt(float(along @ (climb.information @ along + along / variance)))
        settled = abs(math.log(climb.relearned(renewed) / variance)) * reach < DRIFT_TOLERANCE
        if settled or not climb.converged or iterations >= MAX_ITERATIONS:
            break
        tried.append((drift, renewed))
        drift = _secant(tried)
    covariance += climb.spread() * np.outer(along, along)
    return Mode(theta, covariance, variance, climb.value, iterations, climb.converged and settled)


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


def _climb(terms: Likelihood, theta: Floats, variance: float, drift: float | None, most: int) -> _Climb:
    """Newton's method on log-likelihood - |theta|^2 / 2 s^2, the step halved until the objective rises.

    With a `drift` (delta), s^2 is brought to its fixed point within the quadratic model of each step, where that costs
    no pass over the ballots; at convergence the model is exact at the mode, so both conditions hold together.
    """
    value, gradient, information = terms.evaluate(theta)
    choices = float(terms.mass.sum())
    iterations, converged = 0, False
    while not converged and iterations < most:
        iterations += 1
        values, vectors = _spectrum(information)
        pull = vectors.T @ (information @ theta + gradient)
        previous = variance
        if drift is not None:
            variance = _learned_variance(values, pull, variance, drift)
        step = vectors @ (pull / (values + 1 / variance)) - theta
        length = math.sqrt(float(np.sum((values + 1 / variance) * (vectors.T @ step) ** 2)))
        level = value - theta @ theta / (2 * variance)
        for _ in range(MAX_HALVINGS):
            trial = theta + step
            value, gradient, information = terms.evaluate(trial)
            rounding = ROUNDING * choices * (1 + float(np.abs(trial).max()))
            if value - trial @ trial / (2 * variance) >= level - rounding:
                break
            step = step / 2
        theta = trial
        converged = length < STEP_TOLERANCE and abs(math.log(variance / previous)) < PRIOR_TOLERANCE
    return _Climb(theta, variance, value, information, *_spectrum(information), iterations, converged)


def _spectrum(information: Floats) -> tuple[Floats, Floats]:
    values, vectors = np.linalg.eigh(information)
    return np.maximum(values, 0.0), vectors  # below zero only by rounding: the information is positive semidefinite


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


def _drift(terms: Likelihood, climb: _Climb, covariance: Floats, along: Floats) -> float:
    """delta of the module: tr(Sigma dH / d log s^2), by a finite difference along d theta / d log s^2."""
    length = float(np.abs(along).max())
    if length == 0:
        return 0.0
    small = DRIFT_STEP / length
    _, _, moved = terms.evaluate(climb.theta + small * along)
    return float(np.sum(covariance * (moved - climb.information)) / small)
