"""The default engine: Plackett-Luce with a Gaussian posterior.

Model. Contestant i has the log-strength theta_i. The best of a set S is item a with probability
exp theta_a / sum_{i in S} exp theta_i; then the best of what is left is chosen in the same way, as far as the ballot
goes. For two items this is Bradley-Terry.

- Best-of-K is one choice, a top-m ranking is m choices: what was not asked adds nothing.
- A tie is the average of the log-likelihood over the orders of the tied items (half a win each way for a pair).
- Ranks from the bottom (best and worst): the likelihood sums over every order of the items in between.
- "All bad" moves no strength. An anchor theta_0 with P(all bad) = exp theta_0 / (exp theta_0 + sum exp theta_i) is
  fitted afterwards with theta fixed and reported as a quality floor.

Prior theta ~ N(0, s^2 I). s is given, or learned as the maximum of the evidence (Laplace's approximation, times the
weak prior s^-1 exp(-1 / 4 s^2) on log s^2), where

    s^2 = (|mu|^2 + 1/2) / (gamma + delta + 1),  gamma = M - tr Sigma / s^2,  delta = tr(Sigma dH / d log s^2),

kept within [0.01, 100]. delta, which MacKay's update leaves out, is what the information H loses as a wider prior lets
the mode spread; it vanishes with many ballots, and with few its absence makes s a quarter too small.

Posterior N(mu, Sigma): mu the mode, Sigma = (H(mu) + I / s^2)^-1, and for a learned prior plus v m m^T, where v is the
posterior variance of log s^2 and m = d mu / d log s^2 (Kass and Steffey). Both are reported for centred strengths.
Every term of the likelihood is concave, so for a given s the mode is unique and the covariance positive definite
whatever the ballots. In simulation (30 contestants, 100 pairs in all) intervals that ignore delta and v cover 0.84
instead of 0.95, these 0.90; from ten ballots a contestant on they cover 0.94 to 0.95.

Sources: Plackett 1975 and Luce 1959 (model), Hunter 2004 (existence of the maximum), Rue and others 2009 (Laplace
approximation), MacKay 1992 (evidence update), Kass and Steffey 1989 (variance of the prior's parameter). Cost: see
`terms` and `kernels`; each iteration is one pass over the distinct sets and one M x M decomposition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.engines import clusters, notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit, centred
from ranking.engines.scores import ballot_scores
from ranking.engines.terms import group

Floats = NDArray[np.float64]

NAME = "plackett-luce"
VARIANCE_RANGE = (0.01, 100.0)  # of the learned prior, in squared logits
STEP_TOLERANCE = 1e-6  # length of the last Newton step, in posterior standard deviations
PRIOR_TOLERANCE = 1e-7  # of log s^2
MAX_ITERATIONS = 100
MAX_HALVINGS = 40
ROUNDING = 1e-14  # of a log-likelihood, for each choice and logit: it is a difference of sums as large as that
DRIFT_TOLERANCE = 1e-3  # posterior standard deviations
DRIFT_STEP = 1e-3  # logits, of the finite difference
MAX_LOG_VARIANCE = 4.0  # of log s^2: no data says less about s than a factor of e either way


def fit(
    evidence: Evidence, *, prior_sd: float | None = None, intervals: str = "model", start: Fit | None = None
) -> Fit:
    """Fit the posterior. `prior_sd` in logits fixes the prior, else it is learned; `start` only saves iterations.

    `intervals` is "model", or "sandwich" or "clustered" for a covariance that does not believe it, see `clusters`.
    Raises `FitError` for a prior that is not a positive number or evidence without items.
    """
    if intervals not in clusters.INTERVALS:
        raise FitError(f"intervals must be one of {', '.join(clusters.INTERVALS)}, not {intervals!r}")
    if prior_sd is not None and not (math.isfinite(prior_sd) and prior_sd > 0):
        raise FitError(f"the prior standard deviation must be a number above 0, not {prior_sd}")
    if not evidence.items:
        raise FitError("there are no items to rate")
    terms = group(evidence)
    mode = maximise(terms, prior_sd=prior_sd, start=_start(evidence, start))
    by_voter = intervals == "clustered"
    spread = mode.covariance if intervals == "model" else _robust(evidence, terms, mode, by_voter=by_voter)
    mean, covariance = centred(mode.theta, spread)
    parameters: dict[str, Any] = {
        "prior_sd": math.sqrt(mode.variance),
        "prior": "learned" if prior_sd is None else "given",
        "log_likelihood": mode.log_likelihood,
        "all_bad": quality_floor(evidence, mean),
    }
    if intervals != "model":
        parameters["intervals"] = intervals
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=covariance,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters=parameters,
        converged=mode.converged,
        iterations=mode.iterations,
        warnings=(
            *_solver_notes(mode, prior_sd),
            *(clusters.voter_notes(evidence) if by_voter else ()),
            *notes.links(evidence.items, terms),
            *notes.general(evidence),
        ),
    )


def _robust(evidence: Evidence, terms: Likelihood, mode: Mode, *, by_voter: bool) -> Floats:
    """The sandwich of `clusters`, plus what a learned prior adds to the posterior."""
    information = terms.evaluate(mode.theta)[2]
    prior = np.full(len(information), 1 / mode.variance)
    scores, none = ballot_scores(evidence, mode.theta), np.empty((len(evidence), 0))
    found = clusters.sandwich(evidence, scores.slots, none, information, prior, by_voter=by_voter)
    return found + (mode.covariance - np.asarray(np.linalg.inv(information + np.diag(prior))))


def require_plain(fit: Fit, evidence: Evidence) -> None:
    """Raise `FitError` unless `fit` is this engine's plain fit, one strength a contestant, of these contestants."""
    if fit.engine != NAME:
        raise FitError(f"this needs a fit of {NAME}, not of {fit.engine}")
    if fit.items != evidence.items:
        raise FitError("the fit and the ballots do not have the same contestants")


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


def quality_floor(evidence: Evidence, mean: Floats) -> dict[str, Any]:
    """Rate of "all bad" and the anchor theta_0 fitted with theta fixed, on the scale of `mean`.

    The anchor is the maximum-likelihood estimate of a logistic regression with an offset; it exists when some, and
    not all, ballots say "all bad", and is None otherwise.
    """
    bad, weight = evidence.all_bad, evidence.weight
    count = int(bad.sum())
    rate = float(weight[bad].sum() / weight.sum()) if count else 0.0
    floor: dict[str, Any] = {"ballots": count, "rate": rate, "anchor": None, "anchor_sd": None}
    if not 0 < count < len(evidence):
        return floor
    offered = np.logaddexp.reduceat(mean[evidence.slots], evidence.offsets[:-1])
    anchor = math.log(rate / (1 - rate)) + float(np.average(offered, weights=weight))
    for _ in range(MAX_ITERATIONS):
        expected = 1 / (1 + np.exp(np.clip(offered - anchor, -700, 700)))
        slope = float(weight @ (bad - expected))
        bend = float(weight @ (expected * (1 - expected)))
        step = min(max(slope / bend, -2.0), 2.0)  # far from the solution the logistic curve is flat
        anchor += step
        if abs(step) < 1e-10:
            return {**floor, "anchor": anchor, "anchor_sd": 1 / math.sqrt(bend)}
    raise FitError("the all-bad anchor did not converge")


def _start(evidence: Evidence, start: Fit | None) -> Floats | None:
    if start is None:
        return None
    known = dict(zip(start.items, start.mean.tolist(), strict=True))
    return np.array([known.get(item, 0.0) for item in evidence.items])


def _solver_notes(mode: Mode, prior_sd: float | None) -> list[str]:
    found = []
    if not mode.converged:
        found.append(f"the fit did not converge in {mode.iterations} iterations")
    if prior_sd is None and mode.variance in VARIANCE_RANGE:
        end = "lower" if mode.variance == VARIANCE_RANGE[0] else "upper"
        found.append(f"the learned prior standard deviation is at its {end} limit, {math.sqrt(mode.variance):g}")
    return found
