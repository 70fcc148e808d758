"""The default engine with its options: covariates, noise among the ballots, deviations by prompt or by voter.

`covariates`, `profiled` and `deviations` say what the models are; here they are fitted with the prior of
`plackett_luce` and reported. Strengths are the controlled ones: at equal covariates, of meant ballots, on the average
prompt or for the average voter. Intervals in `parameters` are central ones at level `LEVEL`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines import clusters, covariates
from ranking.engines.deviations import Deviated, Deviation, learn
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import centred_product, posterior_root
from ranking.engines.laplace import Mode, maximise, widest_view
from ranking.engines.profiled import Profiled

Floats = NDArray[np.float64]

LEVEL = 0.95
WIDTH = 1.959963984540054  # standard normal quantile of (1 + LEVEL) / 2
OWN = 1e-6  # share of the information on an effect that is not also about strengths, below which there is none
UNINFORMED = math.sqrt(0.5)  # posterior over prior sd of an effect, above which the ballots know less than the prior


@dataclass(frozen=True, slots=True)
class Extension:
    """Which options are on. `effects` is "prompt" or "voter"."""

    covariates: Mapping[str, ArrayLike] | str | None = None
    covariate_sd: float = 1.0
    contamination: bool = False
    effects: str | None = None

    def __bool__(self) -> bool:
        return self.covariates is not None or self.contamination or self.effects is not None


@dataclass(frozen=True, eq=False, slots=True)
class Extended:
    """A mode, the covariance that was asked for, and what `Fit.parameters` and `Fit.warnings` have to say besides."""

    mode: Mode
    covariance: Floats
    parameters: dict[str, Any]
    warnings: list[str]


def solve(
    evidence: Evidence, extension: Extension, *, prior_sd: float | None, intervals: str, start: Floats | None
) -> Extended:
    """Fit with the options on. Raises `FitError` for options that do not go together or do not fit the evidence."""
    refuse(extension, intervals)
    design = covariates.design(evidence, extension.covariates, extension.covariate_sd)
    found: dict[str, Any] = {}
    warnings: list[str] = []
    if extension.effects is None:
        likelihood = Profiled(evidence, design, noise=extension.contamination)
        mode = maximise(likelihood, prior_sd=prior_sd, start=start)
        if prior_sd is None and not extension.contamination:  # noise has tops of its own, and its own way to the best
            mode, _ = widest_view(likelihood, mode)
    else:
        likelihood = Deviated(evidence, design, extension.effects)
        mode, size = learn(likelihood, prior_sd=prior_sd, start=start, width=WIDTH)
        found, warnings = _deviations(extension.effects, likelihood, size)
    likelihood.evaluate(mode.theta)
    mode = replace(mode, log_likelihood=likelihood.likelihood)
    count, others = len(mode.theta), likelihood.others
    prior = np.append(np.full(count, 1 / mode.variance), likelihood.prior(others)[2])
    joint = likelihood.joint(mode.theta, others)
    if np.linalg.eigvalsh(joint.information + np.diag(prior))[0] <= 0:
        joint = likelihood.joint(mode.theta, others, complete=True)
        warnings.append("the intervals do not count that it is unknown which ballots are noise")
    learned = np.outer(mode.swing, mode.swing)
    if intervals == "model":
        spread = centred_product(posterior_root(joint.information, prior), count)
    else:
        slots, extra = likelihood.scores(mode.theta)
        spread = clusters.sandwich(
            likelihood.evidence, slots, extra, joint.information, prior, by_voter=intervals == "clustered"
        )
    bend = joint.information[count:, count:] + np.diag(prior[count:])
    along = np.vstack([np.eye(count), -np.linalg.solve(bend, joint.information[count:, :count])])
    spread = spread + along @ learned @ along.T
    if not mode.converged:
        spread = np.diag(1 / prior)
    sds = np.sqrt(np.diag(spread)[count:])
    more, notes = _reported(likelihood, sds, extension.covariate_sd)
    confounded = _confounded(likelihood, joint.information, count)
    return Extended(mode, spread[:count, :count], {**more, **found}, [*confounded, *notes, *warnings])


def _confounded(likelihood: Profiled, information: Floats, count: int) -> list[str]:
    """Covariates whose effect only the priors tell from strengths and the effects of other covariates."""
    found = []
    information = information / max(float(np.abs(information).max()), np.finfo(np.float64).tiny)  # of weights near 0
    for place, name in enumerate(likelihood.design.names, start=count):
        rest = np.delete(np.arange(len(information)), place)
        cross = information[rest, place]
        explained = cross @ np.linalg.pinv(information[np.ix_(rest, rest)], hermitian=True) @ cross
        if information[place, place] - explained < OWN * information[place, place]:
            found.append(
                f"the ballots cannot tell the effect of {name} from the strengths of contestants or other effects;"
                " the priors divide it among them"
            )
    return found


def _reported(likelihood: Profiled, sds: Floats, covariate_sd: float) -> tuple[dict[str, Any], list[str]]:
    names, warnings = likelihood.design.names, []
    found: dict[str, Any] = {}
    if names:
        effects = {name: interval(*row) for name, *row in zip(names, likelihood.others, sds, strict=False)}
        found["covariates"] = effects
        found["covariate_sd"] = covariate_sd
        for name, precision, sd in zip(names, likelihood.design.precision, sds, strict=False):
            if sd * math.sqrt(precision) > UNINFORMED:
                warnings.append(f"the ballots say little about the effect of {name}; the prior sets it")
    if likelihood.noise:
        found["contamination"] = _share(float(likelihood.others[-1]), float(sds[-1]))
    return found, warnings


def _deviations(by: str, likelihood: Deviated, size: Deviation) -> tuple[dict[str, Any], list[str]]:
    found = {
        "by": by,
        "sd": size.sd,
        "low": size.low,
        "high": size.high,
        "groups": len(likelihood.groups) - 1,
        "deviations": len(likelihood.deviations),
    }
    warnings = []
    if likelihood.unstated:
        warnings.append(f"{likelihood.unstated} ballots state no {by}; each counts as a {by} of its own")
    if size.at_limit == "lower":
        warnings.append(f"no sign that strengths differ by {by}")
    if size.at_limit == "upper":
        warnings.append(f"the standard deviation of the effects by {by} is at its upper limit, {size.sd:.3g}")
    return {"effects": found}, warnings


def interval(effect: float, sd: float) -> dict[str, float]:
    """An estimate with its standard deviation and interval, as plain numbers."""
    return {
        "effect": float(effect),
        "sd": float(sd),
        "low": float(effect - WIDTH * sd),
        "high": float(effect + WIDTH * sd),
    }


def _share(odds: float, sd: float) -> dict[str, float]:
    """The share of noise with an interval that stays between 0 and 1."""
    low, middle, high = (1 / (1 + math.exp(-(odds + width * sd))) for width in (-WIDTH, 0.0, WIDTH))
    return {"share": middle, "low": low, "high": high}


def refuse(extension: Extension, intervals: str) -> None:
    """Options that do not go together."""
    if extension.effects is not None and extension.contamination:
        raise FitError("contamination and effects cannot be fitted together; choose one")
    if extension.effects is not None and intervals != "model":
        raise FitError(f"effects have model intervals only, not {intervals}")
