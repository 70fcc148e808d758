"""Newton's method on a concave log-likelihood with a Gaussian prior, and what the top says about the prior's width.

`laplace` uses it; see `plackett_luce` for the equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.fit import rounding

Floats = NDArray[np.float64]

VARIANCE_RANGE = (0.01, 100.0)  # of the learned prior, in squared logits
STEP_TOLERANCE = 1e-6  # length of the last Newton step, in posterior standard deviations
PRIOR_TOLERANCE = 1e-7  # of log s^2
MAX_ITERATIONS = 100
MAX_HALVINGS = 40
ROUNDING = 1e-14  # of a log-likelihood, for each choice and logit: it is a difference of sums as large as that
PLAIN = 1e6  # trace of the information over the prior's precision, below which no rounding is as large as a prior
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
class Climb:
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

    def reach(self) -> float:
        """How far the mode goes with log s^2, in posterior standard deviations."""
        along = self.along()
        return math.sqrt(float(along @ (self.information @ along + along / self.variance)))

    def known(self) -> float:
        """The share of the strengths that ballots rather than the prior determine."""
        return float(np.sum(self.values / (self.values + 1 / self.variance))) / max(len(self.theta) - 1, 1)

    def looseness(self) -> float:
        """How much s is in the strengths: what one standard deviation of log s^2 changes.

        Of the mode in posterior standard deviations, on average over contestants; or of the logarithm of a variance.
        """
        return math.sqrt(self.spread()) * max(self.reach() / math.sqrt(len(self.theta)), 1 - self.known())

    def slope(self, drift: float) -> float:
        """d `log_evidence` / d log s^2; see `drift_of`."""
        shrunk = float(np.sum(self.values / (self.values + 1 / self.variance)))
        return ((float(self.theta @ self.theta) + 0.5) / self.variance - shrunk - drift - 1) / 2

    def log_evidence(self) -> float:
        """Of s^2, with its prior, by Laplace's approximation; up to a constant."""
        height = self.value - float(self.theta @ self.theta) / (2 * self.variance)
        volume = float(np.sum(np.log1p(self.variance * self.values)))
        return height - volume / 2 - math.log(self.variance) / 2 - 1 / (4 * self.variance)


def climb(terms: Likelihood, theta: Floats, variance: float, drift: float | None, most: int) -> Climb:
    """Newton's method on log-likelihood - |theta|^2 / 2 s^2, the step halved until the objective rises.

    Where the information leaves something out, as with deviations, whole steps can go back and forth across the top
    for ever, by less than the rounding of the objective: a step that takes back most of the one before is shortened.

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
    share, before = 1.0, (np.zeros_like(theta), math.inf)
    while not converged and iterations < most:
        iterations += 1
        value, gradient, information = here
        previous = variance
        if drift is None and float(np.trace(information)) * variance < PLAIN:
            matrix = information + np.eye(len(theta)) / variance
            step = np.asarray(np.linalg.solve(matrix, gradient - theta / variance), np.float64)
            length = math.sqrt(float(step @ matrix @ step))
        else:
            values, vectors = _spectrum(information)
            turned, slope = vectors.T @ theta, vectors.T @ gradient
            slope[(values == 0) & (np.abs(slope) < ROUNDING * choices)] = 0.0  # where the ballots say nothing
            pull = values * turned + slope
            if drift is not None:
                variance = _learned_variance(values, pull, variance, drift)
            step = vectors @ (pull / (values + 1 / variance)) - theta
            length = math.sqrt(float(np.sum((values + 1 / variance) * (vectors.T @ step) ** 2)))
        share = _share(share, step, length, *before)
        before, step = (step, length), share * step
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
    return Climb(theta, variance, here[0], here[2], *_spectrum(here[2]), iterations, converged)


def _share(share: float, step: Floats, length: float, previous: Floats, previous_length: float) -> float:
    """Of a Newton step, how much to go: less when it takes back most of the last one, more when it goes on."""
    ahead = float(step @ previous)
    if ahead < 0 and length > previous_length / 2:
        return share / 2
    return min(1.0, 2 * share) if ahead > 0 else share


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


def drift_of(terms: Likelihood, top: Climb) -> float:
    """delta of the module: tr(Sigma dH / d log s^2), by a finite difference along d theta / d log s^2."""
    along = top.along()
    length = float(np.abs(along).max())
    if length == 0:
        return 0.0
    _, _, moved = terms.evaluate(top.theta + along / length * DRIFT_STEP)
    return float(np.sum(top.covariance() * (moved - top.information)) / DRIFT_STEP) * length
