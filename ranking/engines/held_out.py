"""Does a fit predict ballots it has not seen? Calibration, Brier and log score by cross-validation.

The ballots are divided into folds at random, whole voters together by default: ballots of one voter resemble each
other, so a fold that shares voters with the rest flatters the fit. Each fold is predicted by a fit of the others.
What is predicted is who is ahead within each observed pair of a held-out ballot, P(a beats b) with the fit's
uncertainty included; a tie is half a win for each and half a loss, a ballot's weight goes to each of its pairs. Scores,
per pair: Brier (1 - p)^2 for a win of probability p, a coin has 1/4; logarithmic -log p, a coin has log 2 = 0.693.
Lower is better.

Pairs of one ballot, and ballots of one voter, are not independent: standard errors are those of a ratio over clusters
(the units that were dealt to folds), and the interval of a bin is Wilson's with the number of pairs that such an error
is worth. Any engine that predicts who wins can be judged, so engines can be compared on the same folds.

Sources: Brier 1950, Gneiting and Raftery 2007 (proper scores), Wilson 1927. Cost: one fit a fold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import posterior
from ranking.engines.clusters import voters
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.registry import engine_named

Floats = NDArray[np.float64]

FOLDS = 5
EDGES = (0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the probability of whoever is predicted to be ahead
LEAST = 1e-12  # a probability of zero would make the log score infinite; no engine here predicts less than this


@dataclass(frozen=True, slots=True)
class Score:
    """A mean over held-out pairs with its clustered standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose favourite was given a probability from `low` up to `high`.

    pairs         summed weight
    predicted     mean probability of the favourite
    observed      share of them that the favourite won, with a 95 % interval
    """

    low: float
    high: float
    pairs: float
    predicted: float
    observed: float
    observed_low: float
    observed_high: float

    @property
    def off(self) -> bool:
        """Whether the prediction lies outside the interval."""
        return not self.observed_low <= self.predicted <= self.observed_high


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores over all folds; `bins` leaves out empty ones; `unit` is what was kept together, "voter" or "ballot"."""

    engine: str
    folds: int
    unit: str
    pairs: float
    brier: Score
    log_score: Score
    accuracy: Score
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def held_out(
    evidence: Evidence,
    engine: str | Callable[[Evidence], Fit] = "plackett-luce",
    folds: int = FOLDS,
    rng: np.random.Generator | None = None,
    *,
    unit: str = "voter",
    options: Mapping[str, Any] | None = None,
) -> HeldOut:
    """Judge an engine (a name with `options`, or a function from evidence to fit) on ballots it was not fitted on.

    `unit` "voter" keeps a voter's ballots together (one that states no voter is a voter of its own), "ballot" does
    not. The default generator is seeded. Raises `FitError` for an engine that predicts no winners, fewer units than
    folds, and evidence without observed pairs.
    """
    pairs = _Pairs.of(evidence, unit)
    fold = pairs.dealt(folds, np.random.default_rng(posterior.SEED) if rng is None else rng)
    predicted, name = np.empty(len(pairs.owner)), ""
    for number in range(folds):
        kept = fold[pairs.unit] != number
        if isinstance(engine, str):
            fit = engine_named(engine).fit(evidence.take(kept), **dict(options or {}))
        else:
            fit = engine(evidence.take(kept))
        name = fit.engine
        asked = ~kept[pairs.owner]
        predicted[asked] = posterior.wins(fit)[pairs.upper[asked], pairs.lower[asked]]
    return _scored(name, folds, unit, pairs, predicted)


@dataclass(frozen=True, eq=False, slots=True)
class _Pairs:
    """Observed pairs: upper above lower, or tied; the ballot each is from; the unit of each ballot."""

    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    tied: NDArray[np.bool_]
    owner: NDArray[np.int64]
    weight: Floats
    unit: NDArray[np.int64]

    @classmethod
    def of(cls, evidence: Evidence, unit: str) -> _Pairs:
        from ranking.engines.pairwise import loops

        if unit not in ("voter", "ballot"):
            raise FitError(f"unit must be voter or ballot, not {unit!r}")
        flat = (evidence.offsets, evidence.slots, evidence.ranks)
        none = np.empty(0, np.int64)
        count = loops.list_pairs(*flat, none, none, np.empty(0, np.bool_), none)
        if not count:
            raise FitError("no ballot ranks one contestant against another, so there is nothing to predict")
        upper, lower, owner = (np.empty(count, np.int64) for _ in range(3))
        tied = np.empty(count, np.bool_)
        loops.list_pairs(*flat, upper, lower, tied, owner)
        units = voters(evidence) if unit == "voter" else np.arange(len(evidence))
        return cls(upper, lower, tied, owner, evidence.weight[owner], np.unique(units, return_inverse=True)[1])

    def dealt(self, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """int64[units]: the fold of each unit, as even as can be."""
        units = int(self.unit.max()) + 1
        if not 2 <= folds <= units:
            raise FitError(f"folds must lie between 2 and the {units} voters or ballots there are, not {folds}")
        return rng.permutation(np.arange(units) % folds)

    def mean(self, values: Floats, chosen: NDArray[np.bool_] | None = None) -> Score:
        """Weighted mean with the standard error of a ratio over units."""
        weight = self.weight if chosen is None else self.weight * chosen
        total = float(weight.sum())
        value = float(weight @ values) / total
        parts = np.bincount(self.unit[self.owner], weight * (values - value))
        used = int((np.bincount(self.unit[self.owner], weight) > 0).sum())
        correction = used / (used - 1) if used > 1 else math.inf
        return Score(value, math.sqrt(float(parts @ parts) * correction) / total if used > 1 else math.inf)


def _scored(name: str, folds: int, unit: str, pairs: _Pairs, predicted: Floats) -> HeldOut:
    outcome = np.where(pairs.tied, 0.5, 1.0)
    sure = np.clip(predicted, LEAST, 1 - LEAST)
    logs = -(outcome * np.log(sure) + (1 - outcome) * np.log(1 - sure))
    ahead = predicted >= 0.5
    favourite = np.where(ahead, predicted, 1 - predicted)
    won = np.where(ahead, outcome, 1 - outcome)
    hit = np.where(predicted == 0.5, 0.5, won)
    found = []
    for low, high in pairwise(EDGES):
        inside = (favourite >= low) & ((favourite < high) | (high == EDGES[-1]))
        if inside.any():
            share = pairs.mean(won, inside)
            total, units = float(pairs.weight[inside].sum()), len(np.unique(pairs.unit[pairs.owner[inside]]))
            interval = _wilson(share, total, units)
            found.append(Bin(low, high, total, pairs.mean(favourite, inside).value, share.value, *interval))
    return HeldOut(
        engine=name,
        folds=folds,
        unit=unit,
        pairs=float(pairs.weight.sum()),
        brier=pairs.mean(outcome * (1 - predicted) ** 2 + (1 - outcome) * predicted**2),
        log_score=pairs.mean(logs),
        accuracy=pairs.mean(hit),
        bins=tuple(found),
    )


def _wilson(share: Score, count: float, units: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval with the number of independent pairs that the clustered error is worth.

    At most `count`; where the error says nothing (one unit, or all outcomes equal) at most the number of units.
    """
    p = share.value
    telling = 0 < p < 1 and units > 1 and share.error > 0
    worth = min(count, p * (1 - p) / share.error**2 if telling else units)
    square = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (p + square / (2 * worth)) / (1 + square / worth)
    half = math.sqrt(square * (p * (1 - p) / worth + square / (4 * worth**2))) / (1 + square / worth)
    return max(middle - half, 0.0), min(middle + half, 1.0)
