"""The default engine: Plackett-Luce with a Gaussian posterior.

Model. Contestant i has the log-strength theta_i. The best of a set S is item a with probability
exp theta_a / sum_{i in S} exp theta_i; then the best of what is left is chosen in the same way, as far as the ballot
goes. For two items this is Bradley-Terry.

- Best-of-K is one choice, a top-m ranking is m choices: what was not asked adds nothing.
- A tie is the average of the log-likelihood over the orders of the tied items (half a win each way for a pair).
- Ranks from the bottom (best and worst): the likelihood sums over every order of the items in between.
- "All bad" moves no strength. An anchor theta_0 with P(all bad) = exp theta_0 / (exp theta_0 + sum exp theta_i) is
  fitted afterwards with theta fixed and reported as a quality floor.

Prior theta ~ N(0, s^2 I), with s given or learned by maximising the evidence (MacKay's fixed point
s^2 = (|mu|^2 + 1/2) / (gamma + 1), gamma = M - tr Sigma / s^2, kept within [0.01, 100]).

Posterior N(mu, Sigma): mu the mode, Sigma = (information at mu + I / s^2)^-1, reported for centred strengths. Every
term of the likelihood is concave, so the mode is unique and the covariance positive definite whatever the ballots.

Sources: Plackett 1975 and Luce 1959 (model), Hunter 2004 (existence of the maximum), Rue and others 2009 (Laplace
approximation), MacKay 1992 (evidence update). Cost: see `terms` and `kernels`; each iteration is one pass over the
distinct sets and one M x M decomposition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit, centred
from ranking.engines.terms import Terms, group

Floats = NDArray[np.float64]

NAME = "plackett-luce"
VARIANCE_RANGE = (0.01, 100.0)  # of the learned prior, in squared logits
STEP_TOLERANCE = 1e-6  # length of the last Newton step, in posterior standard deviations
PRIOR_TOLERANCE = 1e-7  # of log s^2
MAX_ITERATIONS = 100
MAX_HALVINGS = 40


def fit(evidence: Evidence, *, prior_sd: float | None = None, start: Fit | None = None) -> Fit:
    """Fit the posterior. `prior_sd` in logits fixes the prior, else it is learned; `start` only saves iterations.

    Raises `FitError` for a prior that is not a positive number or evidence without items.
    """
    if prior_sd is not None and not (math.isfinite(prior_sd) and prior_sd > 0):
        raise FitError(f"the prior standard deviation must be a number above 0, not {prior_sd}")
    if not evidence.items:
        raise FitError("there are no items to rate")
    terms = group(evidence)
    mode = maximise(terms, prior_sd=prior_sd, start=_start(evidence, start))
    mean, covariance = centred(mode.theta, mode.covariance)
    parameters: dict[str, Any] = {
        "prior_sd": math.sqrt(mode.variance),
        "prior": "learned" if prior_sd is None else "given",
        "log_likelihood": mode.log_likelihood,
        "all_bad": quality_floor(evidence, mean),
    }
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
        warnings=(*_solver_notes(mode, prior_sd), *notes.links(evidence.items, terms), *notes.general(evidence)),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Mode:
    """Where the posterior is highest, with the covariance there (not centred)."""

    theta: Floats
    covariance: Floats
    variance: float
    log_likelihood: float
    iterations: int
    converged: bool


def maximise(terms: Terms, *, prior_sd: float | None = None, start: Floats | None = None) -> Mode:
    """Newton's method on log-likelihood - |theta|^2 / 2 s^2, the step halved until the objective rises.

    A learned s^2 is brought to its fixed point within the quadratic model of each step, where that costs no pass over
    the ballots; at convergence the model is exact at the mode, so both conditions hold together.
    """
    count = len(terms.wins)
    theta = np.zeros(count) if start is None else start.copy()
    variance = 1.0 if prior_sd is None else prior_sd**2
    value, gradient, information = terms.evaluate(theta)
    converged = False
    iterations = 0
    while not converged and iterations < MAX_ITERATIONS:
        iterations += 1
        values, vectors = np.linalg.eigh(information)
        values = np.maximum(values, 0.0)  # rounding: the information is positive semidefinite
        pull = vectors.T @ (information @ theta + gradient)
        previous = variance
        if prior_sd is None:
            variance = _learned_variance(values, pull, variance)
        target = vectors @ (pull / (values + 1 / variance))
        step = target - theta
        best = value - theta @ theta / (2 * variance)
        for _ in range(MAX_HALVINGS):
            trial = theta + step
            trial_value, gradient, information = terms.evaluate(trial)
            if trial_value - trial @ trial / (2 * variance) >= best - 1e-12 * (1 + abs(best)):
                break
            step = step / 2
        theta, value = trial, trial_value
        length = math.sqrt(float(np.sum((values + 1 / variance) * (vectors.T @ step) ** 2)))
        converged = length < STEP_TOLERANCE and abs(math.log(variance / previous)) < PRIOR_TOLERANCE
    values, vectors = np.linalg.eigh(information)
    covariance = (vectors / (np.maximum(values, 0.0) + 1 / variance)) @ vectors.T
    return Mode(theta, covariance, variance, value, iterations, converged)


def _learned_variance(values: Floats, pull: Floats, variance: float) -> float:
    """The fixed point of the evidence update for a quadratic log-likelihood in its eigenbasis."""
    low, high = VARIANCE_RANGE
    for _ in range(10_000):
        precision = values + 1 / variance
        effective = float(np.sum(values / precision))  # gamma = M - tr Sigma / s^2
        squares = float(np.sum((pull / precision) ** 2))
        updated = min(max((squares + 0.5) / (effective + 1.0), low), high)
        if abs(math.log(updated / variance)) < PRIOR_TOLERANCE / 100:
            return updated
        variance = updated
    return variance


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
