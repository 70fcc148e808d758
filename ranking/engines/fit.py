"""What every engine returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """The result of fitting one engine; M items. Arrays are read-only.

    items        names
    mean         float64[M]. Unit "logit": log-strengths, centred at zero. Unit "score": whatever the engine computes
                 (a share, points, votes), larger is better, not centred
    covariance   float64[M, M] of the joint Gaussian posterior (or sampling distribution) of `mean`, centred like it;
                 None where the engine has none
    draws        float64[S, M], for engines whose uncertainty is a set of draws (a bootstrap); else None. When present
                 they are used instead of the covariance for everything reported
    sampler      (count, generator) to joint draws of the posterior, where it is no Gaussian; else None. Mean and
                 covariance approximate its own; it is used for what hangs on its shape: who is ahead or best, ranks
    shown        int64[M], in how many ballots each item appeared
    ballots      how many ballots the evidence holds
    parameters   what the engine was asked for and what it estimated besides the means; plain JSON values
    iterations   of the solver; 0 for closed forms
    converged    False is always accompanied by a warning
    warnings     one plain sentence each: what the reader of a leaderboard has to know
    """

    engine: str
    items: tuple[str, ...]
    mean: Floats
    covariance: Floats | None
    shown: NDArray[np.int64]
    ballots: int
    parameters: Mapping[str, Any]
    converged: bool
    iterations: int
    warnings: tuple[str, ...] = ()
    draws: Floats | None = None
    sampler: Callable[[int, np.random.Generator], Floats] | None = None
    unit: Literal["logit", "score"] = "logit"

    def __post_init__(self) -> None:
        count = len(self.items)
        shapes = {"mean": (count,), "shown": (count,), "covariance": (count, count)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape} for {count} items")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} is not finite")
            values.flags.writeable = False
        if self.draws is not None:
            if self.draws.ndim != 2 or self.draws.shape[1] != count:
                raise ValueError(f"draws has shape {self.draws.shape} for {count} items")
            self.draws.flags.writeable = False
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))


def apart(rows: Floats, count: int | None = None) -> Floats:
    """A copy with the first `count` (all) rows less their average.

    A factor of a covariance centred like this gives the centred covariance, without rounding as large as the prior's
    variance of that average.
    """
    inner = rows.copy()
    inner[:count] -= inner[:count].mean(axis=0)
    return inner


def centred_product(root: Floats, count: int | None = None) -> Floats:
    """root root^T for parameters of which the first `count` (all) are taken less their average."""
    inner = apart(root, count)
    result: Floats = inner @ inner.T
    return result


def posterior_root(information: Floats, prior: Floats) -> Floats:
    """A root with root root^T = (information + diag(prior))^-1, (P, P).

    In units of the prior a direction that the ballots say nothing about has information 0, and less than rounding is 0.
    """
    scale = 1 / np.sqrt(prior)
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    known = np.where(np.abs(values) > rounding(values), values, 0.0)
    result: Floats = scale[:, None] * vectors / np.sqrt(1 + known)
    return result


def semidefinite_root(matrix: Floats) -> Floats:
    """A root with root root^T = matrix, for a positive semidefinite matrix up to its rounding."""
    values, vectors = np.linalg.eigh(matrix)
    result: Floats = vectors * np.sqrt(np.where(values > rounding(values), values, 0.0))
    return result


def rounding(values: Floats) -> float:
    """Below this, ascending eigenvalues of a positive semidefinite matrix are only rounding."""
    return float(len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)) if len(values) else 0.0


def centred(mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of theta - average(theta): only differences between contestants are ever observed."""
    rows = covariance.mean(axis=1)
    shifted = covariance - rows[:, None] - rows[None, :] + rows.mean()
    return mean - mean.mean(), (shifted + shifted.T) / 2
