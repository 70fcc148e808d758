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
whatever the ballots. For s there can be two maxima; the higher is taken, and the other named (`laplace.widest_view`).

With few ballots that is not enough: in simulation (50 contestants, each on four pairs) such intervals cover 0.87 to
0.96. There mu and Sigma are those of the average over all s, each to second order (`second_order`), where the model is
believed and no option is on; these cover 0.95 to 0.98, as the exact posterior does.

Options, all off: covariates in the same likelihood, a share of noise among the ballots, deviations by prompt or voter
(`extended`), and intervals that do not believe the model (`clusters`).

Sources: Plackett 1975 and Luce 1959 (model), Hunter 2004 (existence of the maximum), Rue and others 2009 (Laplace
approximation), MacKay 1992 (evidence update), Kass and Steffey 1989 (variance of the prior's parameter). Cost: see
`terms`, `kernels` and, for few ballots, `second_order`; each iteration (the solver is in `laplace`) is one pass over
the distinct sets and one M x M decomposition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines import clusters, notes, ranges
from ranking.engines import covariates as covariates_of
from ranking.engines.climbing import MAX_ITERATIONS, Likelihood
from ranking.engines.climbing import VARIANCE_RANGE as VARIANCE_RANGE
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.extended import Extension, solve
from ranking.engines.fit import Fit, centred
from ranking.engines.laplace import Mode as Mode
from ranking.engines.laplace import maximise as maximise
from ranking.engines.laplace import rival_note, widest_view
from ranking.engines.mixture import MOST_WORK, Mixture, work
from ranking.engines.scores import ballot_scores
from ranking.engines.second_order import learned
from ranking.engines.terms import group

Floats = NDArray[np.float64]

NAME = "plackett-luce"
TOO_MANY_ORDERS = (
    "averaging over how wide the field may be would take long here, since ballots leave many places open, tie many, or "
    "are very many: ratings and ranks are those of the likeliest width, and intervals may be too narrow"
)


def fit(
    evidence: Evidence,
    *,
    prior_sd: float | None = None,
    intervals: str = "model",
    covariates: Mapping[str, ArrayLike] | str | None = None,
    covariate_sd: float = covariates_of.USUAL_SD,
    contamination: bool = False,
    effects: str | None = None,
    start: Fit | None = None,
) -> Fit:
    """Fit the posterior. `prior_sd` in logits fixes the prior, else it is learned; `start` only saves iterations.

    intervals      "model", or "sandwich" or "clustered" for a covariance that does not believe it: see `clusters`
    covariates     numbers aligned with the slots by name, or "position" or "first": see `covariates`
    covariate_sd   prior standard deviation of the effect of a covariate's typical difference, in logits
    contamination  whether some ballots may be noise: see `profiled`
    effects        "prompt" or "voter": strengths deviate by group: see `deviations`

    Raises `FitError` for options out of range or that do not go together, and for evidence without items.
    """
    if intervals not in clusters.INTERVALS:
        raise FitError(f"intervals must be one of {', '.join(clusters.INTERVALS)}, not {intervals!r}")
    prior_sd = ranges.prior_sd(prior_sd)
    if not evidence.items:
        raise FitError("there are no items to rate")
    terms, began = group(evidence), _start(evidence, start)
    covariate_sd = ranges.between("covariate_sd", covariate_sd, covariates_of.COVARIATE_SD)
    extension = Extension(covariates, covariate_sd, contamination, effects)
    more: dict[str, Any] = {} if intervals == "model" else {"intervals": intervals}
    said: list[str] = clusters.voter_notes(evidence) if intervals == "clustered" else []
    if covariate_sd != covariates_of.USUAL_SD and not covariates:
        said.append("covariate_sd did nothing, there are no covariates")
    average = None
    if extension:
        if contamination:  # its likelihood has more than one top
            began = maximise(terms, prior_sd=prior_sd, start=began).theta
        found = solve(evidence, extension, prior_sd=prior_sd, intervals=intervals, start=began)
        mode, spread = found.mode, found.covariance
        more, said = {**more, **found.parameters}, [*said, *found.warnings]
    else:
        mode = maximise(terms, prior_sd=prior_sd, start=began)
        believed = intervals == "model" or not mode.converged
        if prior_sd is None and believed and work(terms) > MOST_WORK:
            mode, loose = widest_view(terms, mode)
            said += [TOO_MANY_ORDERS] if loose else []
        elif prior_sd is None:
            mode, average = learned(terms, mode, average=believed)
        spread = mode.centred if believed else _robust(evidence, terms, mode, intervals)
    strengths, spread = (mode.theta, spread) if average is None else (average.mean, average.covariance)
    mean, covariance = centred(strengths, spread)
    parameters: dict[str, Any] = {
        "prior_sd": math.sqrt(mode.variance) if average is None else average.prior_sd,
        "prior": "learned" if prior_sd is None else "given",
        "log_likelihood": mode.log_likelihood,
        "all_bad": quality_floor(evidence, mean),
        **more,
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
        sampler=None if average is None else Mixture(terms, average),
        warnings=(
            *_solver_notes(mode, prior_sd),
            *rival_note(mode, averaged=average is not None),
            *said,
            *notes.links(evidence.items, terms),
            *notes.general(evidence),
        ),
    )


def _robust(evidence: Evidence, terms: Likelihood, mode: Mode, intervals: str) -> Floats:
    """The sandwich of `clusters`, plus what a learned prior adds to the posterior."""
    information = terms.evaluate(mode.theta)[2]
    prior = np.full(len(information), 1 / mode.variance)
    scores, none = ballot_scores(evidence, mode.theta), np.empty((len(evidence), 0))
    by_voter = intervals == "clustered"
    found = clusters.sandwich(evidence, scores.slots, none, information, prior, by_voter=by_voter)
    return found + np.outer(mode.swing, mode.swing)


def require_plain(fit: Fit, evidence: Evidence) -> None:
    """Raise `FitError` unless `fit` is this engine's plain fit, one strength a contestant, of these contestants."""
    if fit.engine != NAME:
        raise FitError(f"this needs a fit of {NAME}, not of {fit.engine}")
    options = [name for name in ("covariates", "contamination", "effects") if name in fit.parameters]
    if options:
        raise FitError(f"this needs a plain fit, not one with {' and '.join(options)}")
    if fit.items != evidence.items:
        raise FitError("the fit and the ballots do not have the same contestants")


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
        found.append(f"the fit did not converge in {mode.iterations} iterations; its intervals are those of the prior")
    if prior_sd is None and mode.variance in VARIANCE_RANGE:
        end = "lower" if mode.variance == VARIANCE_RANGE[0] else "upper"
        found.append(f"the learned prior standard deviation is at its {end} limit, {math.sqrt(mode.variance):g}")
    return found
