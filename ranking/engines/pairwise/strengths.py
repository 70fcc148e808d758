"""What the engines with a link share: from evidence to a `Fit` on log-strengths (or probits).

Method "map" (default): prior theta ~ N(0, s^2 I), s given by `prior_sd` or learned as in `plackett_luce`; finite
whatever the ballots. Method "ml": no prior; refused where the estimate does not exist.

Intervals:
  model                the model is believed: inverse information (plus, for a learned prior, its uncertainty)
  sandwich             ballots are independent, pairs of a ballot are not, the model may be wrong
  clustered            voters are independent, ballots of a voter are not
  bootstrap            ballots are redrawn and the strengths refitted, `samples` times
  clustered-bootstrap  voters are redrawn
With few ballots, a learned prior and intervals "model", mean and covariance are averaged over s (`second_order`), and
who is ahead and ranks are counted in draws of the posterior (`draws`). Without a prior there is no posterior: draws of
"ml" are those of its asymptotic Gaussian.

A bootstrap of "map" refits with s as found for the data and with the centre of the prior drawn from the prior each
time, so that contestants with few ballots keep the uncertainty that the prior leaves them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from ranking.engines import notes, ranges
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.fit import Fit, centred
from ranking.engines.laplace import rival_note
from ranking.engines.pairwise import resampling, robust, solver
from ranking.engines.pairwise.draws import sampler
from ranking.engines.pairwise.likelihood import PairLikelihood
from ranking.engines.pairwise.links import Link
from ranking.engines.pairwise.pairs import Pairs, observed, pair_notes, required
from ranking.engines.plackett_luce import VARIANCE_RANGE, Mode, maximise
from ranking.engines.second_order import Averaged, learned

Floats = NDArray[np.float64]

METHODS = ("map", "ml")
INTERVALS = ("model", "sandwich", "clustered", "bootstrap", "clustered-bootstrap")
MAX_START = 5.0  # logits
FEW_VOTERS = 30  # below, clustered intervals are known to be too narrow (Cameron and Miller 2015)


@dataclass(frozen=True, slots=True)
class Options:
    """The keyword arguments that the engines with a link have in common."""

    prior_sd: float | None = None
    method: str = "map"
    intervals: str = "model"
    samples: int = resampling.SAMPLES
    rng: np.random.Generator | int | None = None
    start: Fit | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise FitError(f"method must be {' or '.join(METHODS)}, not {self.method!r}")
        if self.intervals not in INTERVALS:
            raise FitError(f"intervals must be one of {', '.join(INTERVALS)}, not {self.intervals!r}")
        if self.prior_sd is not None:
            if self.method == "ml":
                raise FitError("maximum likelihood has no prior; leave prior_sd out or use method=map")
            ranges.prior_sd(self.prior_sd)

    @property
    def by_voter(self) -> bool:
        return self.intervals.startswith("clustered")


def fit_link(engine: str, link: Link, unit: Literal["logit", "score"], evidence: Evidence, options: Options) -> Fit:
    """Fit the strengths under `link`. Raises `FitError` for options or evidence that it cannot use."""
    pairs = required(evidence, f"{engine} without a prior") if options.method == "ml" else observed(evidence)
    if options.method == "ml":
        solver.refuse_without_estimate(evidence.items, pairs, engine)
        if link.models_ties and not pairs.wins.any():
            raise FitError(f"every observed pair is a tie, so {engine} has no maximum-likelihood estimate")
    likelihood = PairLikelihood(pairs, link, tie_prior=options.method == "map")
    mode, average = _solve(likelihood, options, _start(evidence, options.start))
    tau = likelihood.tie_parameter(mode.theta)
    _, _, information = likelihood.joint(mode.theta, tau)
    covariance, draws = _uncertainty(evidence, likelihood, mode, tau, information, options)
    if average is not None:
        covariance = average.covariance
    return Fit(
        engine=engine,
        items=evidence.items,
        mean=mode.theta - mode.theta.mean() if average is None else average.mean,
        covariance=covariance,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={
            **_prior_parameters(mode, average, options),
            "intervals": options.intervals,
            "log_likelihood": likelihood.of_ballots(mode.theta, tau),
            **_tie_parameters(likelihood, tau, information, mode),
        },
        converged=mode.converged,
        iterations=mode.iterations,
        warnings=tuple(_warnings(engine, evidence, pairs, likelihood, mode, average, options)),
        draws=draws,
        sampler=None if average is None else sampler(likelihood, average),
        unit=unit,
    )


def _solve(likelihood: PairLikelihood, options: Options, start: Floats) -> tuple[Mode, Averaged | None]:
    """The mode; without a prior its variance is infinite. With few ballots the average over a learned prior as well."""
    if options.method == "map":
        mode = maximise(likelihood, prior_sd=options.prior_sd, start=start)
        if options.prior_sd is not None:
            return mode, None
        return learned(likelihood, mode, average=options.intervals == "model")
    near = np.clip(start - start.mean(), -MAX_START, MAX_START)  # far out the likelihood is flat to rounding
    theta, iterations, converged = solver.newton(likelihood, near, precision=0.0)
    value, _, information = likelihood.evaluate(theta)
    covariance = np.asarray(cho_solve(solver.factorised(information, 0.0), np.eye(len(theta))), np.float64)
    if not np.isfinite(covariance).all():
        raise FitError("the weights of the ballots are too small for intervals without a prior")
    apart = centred(theta, covariance)[1]
    return Mode(theta, covariance, math.inf, value, iterations, converged, apart, np.zeros(len(theta))), None


def _uncertainty(
    evidence: Evidence, likelihood: PairLikelihood, mode: Mode, tau: float, information: Floats, options: Options
) -> tuple[Floats | None, Floats | None]:
    """Covariance and draws. Without a mode there is only the prior's covariance, without a prior not even that."""
    if not mode.converged:
        return None if options.method == "ml" else mode.centred, None
    if options.intervals in ("sandwich", "clustered"):
        return _robust(evidence, likelihood, mode, tau, information, options), None
    return mode.centred, None if options.intervals == "model" else _bootstrap(evidence, likelihood, mode, options)


def _robust(
    evidence: Evidence, likelihood: PairLikelihood, mode: Mode, tau: float, information: Floats, options: Options
) -> Floats:
    """The sandwich, plus what a learned prior adds to the posterior."""
    precision = 1 / mode.variance
    outer, clusters = robust.middle(evidence, likelihood, mode.theta, tau, by_voter=options.by_voter)
    result = robust.sandwich(information, precision, outer, clusters)
    return np.asarray(result + np.outer(mode.swing, mode.swing))


def _bootstrap(evidence: Evidence, likelihood: PairLikelihood, mode: Mode, options: Options) -> Floats:
    rng = resampling.generator(options.rng)
    precision = 1 / mode.variance
    draws = np.empty((options.samples, len(mode.theta)))
    factor = solver.factorised(likelihood.evaluate(mode.theta)[2], precision)
    for sample, pairs in enumerate(resampling.replicates(evidence, options.samples, rng, by_voter=options.by_voter)):
        centre = rng.normal(0.0, math.sqrt(mode.variance), len(mode.theta)) if precision else None
        found = solver.refit(likelihood.reweighted(pairs), mode.theta, factor, precision=precision, centre=centre)
        draws[sample] = found - found.mean()
    return draws


def _start(evidence: Evidence, start: Fit | None) -> Floats:
    """The means of another fit for the items of this evidence; newcomers begin at 0."""
    known = {} if start is None else dict(zip(start.items, start.mean.tolist(), strict=True))
    return np.array([known.get(item, 0.0) for item in evidence.items])


def _prior_parameters(mode: Mode, average: Averaged | None, options: Options) -> dict[str, Any]:
    if options.method == "ml":
        return {"method": "ml", "prior_sd": None, "prior": "none"}
    prior = "learned" if options.prior_sd is None else "given"
    prior_sd = math.sqrt(mode.variance) if average is None else average.prior_sd
    return {"method": "map", "prior_sd": prior_sd, "prior": prior}


def _tie_parameters(likelihood: PairLikelihood, tau: float, information: Floats, mode: Mode) -> dict[str, Any]:
    """exp(tau) with its standard deviation, and the probability that two equals tie."""
    if not likelihood.link.models_ties:
        return {}
    size, sd = math.exp(tau), None
    if likelihood.profiled:
        corner, cross = information[-1, -1], information[:-1, -1]
        along = cross / corner
        sd = size * math.sqrt(1 / corner + float(along @ mode.covariance @ along))
    equals = float(-np.expm1(math.log(2) + likelihood.link.win(np.zeros(1), tau).value)[0])
    return {"tie_parameter": size, "tie_parameter_sd": sd, "tie_probability": max(equals, 0.0)}


def _warnings(
    engine: str,
    evidence: Evidence,
    pairs: Pairs,
    likelihood: PairLikelihood,
    mode: Mode,
    average: Averaged | None,
    options: Options,
) -> list[str]:
    found = [*_solver_notes(mode, options), *rival_note(mode, averaged=average is not None)]
    unlinked = notes.links(evidence.items, pairs.terms())
    reason = None if unlinked else solver.existence(evidence.items, pairs)
    if reason is not None:
        found.append(f"without the prior there would be no finite estimate ({reason})")
    if likelihood.link.models_ties and not likelihood.any_ties:
        found.append(f"there are no ties, so {engine} has nothing to learn a tie parameter from")
    if options.by_voter:
        found += _voter_notes(evidence)
    drawn = options.intervals in ("bootstrap", "clustered-bootstrap")
    found += resampling.unused(options.intervals, options.samples, options.rng, drawn=drawn)
    dependence = "these intervals treat them as if they were; sandwich or clustered intervals do not"
    return [
        *found,
        *unlinked,
        *pair_notes(
            evidence,
            pairs,
            ties=None if likelihood.link.models_ties else "count as half a win each way",
            dependence=dependence if options.intervals == "model" else None,
        ),
    ]


def _solver_notes(mode: Mode, options: Options) -> list[str]:
    found = []
    if not mode.converged:
        left = "it has no intervals" if options.method == "ml" else "its intervals are those of the prior"
        found.append(f"the fit did not converge in {mode.iterations} iterations; {left}")
    if options.method == "map" and options.prior_sd is None and mode.variance in VARIANCE_RANGE:
        end = "lower" if mode.variance == VARIANCE_RANGE[0] else "upper"
        found.append(f"the learned prior standard deviation is at its {end} limit, {math.sqrt(mode.variance):g}")
    return found


def _voter_notes(evidence: Evidence) -> list[str]:
    index = evidence.voters.index[evidence.informative()]
    unstated, voters = int((index == UNSTATED).sum()), len(np.unique(index[index != UNSTATED]))
    found = []
    if unstated:
        found.append(f"{unstated} ballots state no voter; each counts as a voter of its own")
    if voters and voters + unstated < FEW_VOTERS:
        found.append(f"intervals by voter from only {voters + unstated} voters are too narrow")
    return found
