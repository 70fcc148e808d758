"""The board: one row a contestant, best first, every number with its interval."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ranking.engines import posterior
from ranking.engines.errors import FitError
from ranking.engines.fit import Fit

Scale = Literal["natural", "elo"]
ELO_PER_LOGIT = 400 / math.log(10)  # ten to one is 400 points
ELO_OFFSET = 1000.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One row. The sd, both intervals and p_best are None for an engine without uncertainty.

    low, high            central credible interval of the mean at the chosen level
    rank                 place by mean; equal means share the better rank
    rank_low, rank_high  shortest interval of the rank in joint draws at the level; 1 is best, so rank_low is the better
    p_best               probability of being the best of all
    ballots              in how many ballots the item appeared, whatever they said
    """

    item: str
    mean: float
    sd: float | None
    low: float | None
    high: float | None
    rank: int
    rank_low: int | None
    rank_high: int | None
    p_best: float | None
    ballots: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def standings(
    fit: Fit,
    *,
    level: float = 0.95,
    scale: Scale = "natural",
    draws: int = posterior.DRAWS,
    rng: np.random.Generator | None = None,
) -> list[Standing]:
    """The rows of the board. Raises `FitError` for a level outside (0, 1) or an Elo scale of scores."""
    if not 0 < level < 1:
        raise FitError(f"the level must lie between 0 and 1, not {level}")
    if scale == "elo" and fit.unit != "logit":
        raise FitError(f"{fit.engine} gives scores, not log-strengths; it has no Elo scale")
    factor, offset = (ELO_PER_LOGIT, ELO_OFFSET) if scale == "elo" else (1.0, 0.0)
    rows = _Rows.of(fit, level, draws, rng)
    order = posterior.order(fit)
    places = posterior.ranks(np.round(fit.mean / posterior.RESOLUTION)[None, :])[0]
    return [
        Standing(
            item=fit.items[item],
            mean=offset + factor * float(fit.mean[item]),
            sd=rows.number(rows.sd, item, factor),
            low=rows.number(rows.low, item, factor, offset),
            high=rows.number(rows.high, item, factor, offset),
            rank=int(places[item]),
            rank_low=None if rows.rank_low is None else min(int(rows.rank_low[item]), int(places[item])),
            rank_high=None if rows.rank_high is None else max(int(rows.rank_high[item]), int(places[item])),
            p_best=rows.number(rows.p_best, item),
            ballots=int(fit.shown[item]),
        )
        for item in order
    ]


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    sd: NDArray[np.float64] | None = None
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    rank_low: NDArray[np.int64] | None = None
    rank_high: NDArray[np.int64] | None = None
    p_best: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, fit: Fit, level: float, count: int, rng: np.random.Generator | None) -> _Rows:
        if fit.covariance is None and fit.draws is None:
            return cls()
        samples = posterior.draws(fit, count, rng)
        rank_low, rank_high = posterior.rank_intervals(samples, level)
        if fit.draws is not None or fit.covariance is None:
            sd = samples.std(axis=0, ddof=1)
            low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
        else:  # the Gaussian itself, free of the noise of the draws
            sd = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
            width = -NormalDist().inv_cdf((1 - level) / 2) * sd
            low, high = fit.mean - width, fit.mean + width
        return cls(sd, low, high, rank_low, rank_high, posterior.best(samples))

    @staticmethod
    def number(values: NDArray[np.float64] | None, item: int, factor: float = 1.0, offset: float = 0.0) -> float | None:
        return None if values is None else offset + factor * float(values[item])
