"""What else differs between the candidates of a ballot: place on the screen, length, style.

A covariate is one number a slot. The log-strength at slot k of a ballot becomes theta_i + sum_c beta_c x_kc, in the
same likelihood, so theta compares contestants at equal x and beta is the log-odds a unit of x is worth. Only
differences within a ballot matter; adding a constant to a ballot changes nothing.

Prior beta_c ~ N(0, (covariate_sd / d_c)^2), d_c the root mean square deviation of x_c within the ballots where it
differs: `covariate_sd` is the prior standard deviation of the effect of one such deviation, whatever unit x has and
however rarely it differs.

Two covariates are known by name. "position": +1/2 for the place shown first, evenly down to -1/2 for the last, so that
its effect is the log-odds of being shown first rather than last; with two places, Bradley-Terry's home advantage.
"first": 1 for the place shown first, 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.ranges import between

Floats = NDArray[np.float64]

COVARIATE_SD = (1e-8, 1e6)  # logits
USUAL_SD = 1.0  # logits


@dataclass(frozen=True, eq=False, slots=True)
class Design:
    """`values` (S, C) of the covariates `names`, and the `precision` (C) of the prior of their effects."""

    names: tuple[str, ...]
    values: Floats
    precision: Floats

    def take(self, slots: NDArray[np.bool_]) -> Design:
        return Design(self.names, np.ascontiguousarray(self.values[slots]), self.precision)


def position(evidence: Evidence) -> Floats:
    """float64[S]: +1/2 for the first place of a ballot, evenly down to -1/2 for the last."""
    sizes = np.diff(evidence.offsets)
    place = np.arange(len(evidence.slots)) - np.repeat(evidence.offsets[:-1], sizes)
    return np.asarray(0.5 - place / np.repeat(np.maximum(sizes - 1, 1), sizes))


def first(evidence: Evidence) -> Floats:
    """float64[S]: 1 for the first place of a ballot, 0 elsewhere."""
    found = np.zeros(len(evidence.slots))
    found[evidence.offsets[:-1]] = 1.0
    return found


KNOWN: Mapping[str, Callable[[Evidence], Floats]] = {"position": position, "first": first}


def design(evidence: Evidence, covariates: Mapping[str, ArrayLike] | str | None, covariate_sd: float) -> Design:
    """The design of `covariates`: arrays aligned with the evidence's slots by name, or known names with commas.

    Raises `FitError` for an unknown name, a wrong length, a value that is not finite, a covariate that is the same for
    all candidates of every ballot, and a prior that is not a positive number.
    """
    covariate_sd = between("covariate_sd", covariate_sd, COVARIATE_SD)
    if covariates is None:
        covariates = {}
    if isinstance(covariates, str):
        covariates = {name: _known(name)(evidence) for name in covariates.split(",")}
    columns = [_checked(name, values, evidence) for name, values in covariates.items()]
    values = np.column_stack(columns) if columns else np.empty((len(evidence.slots), 0))
    deviations = [_within(evidence, name, column) for name, column in zip(covariates, columns, strict=True)]
    precision = np.array([(deviation / covariate_sd) ** 2 for deviation in deviations])
    return Design(tuple(covariates), np.ascontiguousarray(values), precision)


def _known(name: str) -> Callable[[Evidence], Floats]:
    if name not in KNOWN:
        raise FitError(f"unknown covariate {name!r}; known by name are {', '.join(KNOWN)}, others need their values")
    return KNOWN[name]


def _checked(name: str, values: ArrayLike, evidence: Evidence) -> Floats:
    column = np.asarray(values)
    if column.dtype.kind not in "biuf":
        raise FitError(f"covariate {name} must be numbers, not {column.dtype}")
    if column.shape != evidence.slots.shape:
        raise FitError(f"covariate {name} has shape {column.shape} for {len(evidence.slots)} slots")
    if not np.isfinite(column).all():
        raise FitError(f"covariate {name} holds a value that is not finite")
    return column.astype(np.float64)


def _within(evidence: Evidence, name: str, column: Floats) -> float:
    """Root mean square deviation from the mean of the ballot, over ballots that rank something and where x differs."""
    if not evidence.informative().any():
        raise FitError(f"no ballot ranks anything, so the effect of {name} cannot be learned")
    sizes, begin = np.diff(evidence.offsets), evidence.offsets[:-1]
    deviation = column - np.repeat(np.add.reduceat(column, begin) / sizes, sizes)
    differs = np.maximum.reduceat(column, begin) > np.minimum.reduceat(column, begin)
    used = np.repeat(differs & evidence.informative(), sizes)
    if not used.any():
        raise FitError(f"covariate {name} is the same for all candidates of every ballot, so it explains nothing")
    return float(np.sqrt(np.mean(deviation[used] ** 2)))
