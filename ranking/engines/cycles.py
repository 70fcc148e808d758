"""Rock, paper, scissors: do contestants beat each other in circles beyond what chance does to the fitted model?

For each compared pair the residual log-odds f_ab = (wins_ab - n_ab p_ab) / (n_ab p_ab p_ba), p from the fitted
strengths, has variance 1 / (n_ab p_ab p_ba). Around a triangle the curl C = f_ab + f_bc + f_ca is zero on average
under any strengths; errors of the strengths, shrinkage included, cancel in it to first order. Statistic: the sum over
all triangles of compared pairs of C^2 / var C; for single triangles the largest of them.

Significance is by parametric bootstrap: the same battles with the same pattern of ranks judged again by voters who
follow the fit (see `redrawn`), refitted with the fitted prior. So dependence between pairs of one ballot and the
pattern of ties are taken into account. The p-value of a triangle is family-wise: the share of replicates whose largest
square is as large. Smallest possible p-value: 1 / (replicates + 1).

Sources: Jiang and others 2011 (curl of pairwise flows); Davison and Hinkley 1997 (bootstrap tests). Cost: a
refit a replicate and M^3 / 6 triangles, some 3 ms at M = 200.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import plackett_luce
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.posterior import SEED
from ranking.engines.redrawn import redrawn

Floats = NDArray[np.float64]

REPLICATES = 199
LISTED = 10


@dataclass(frozen=True, slots=True)
class Triad:
    """Three contestants of whom each beat the next more often than fitted, or lost less; the last is before the first.

    observed, expected  shares of wins of first over second, second over third, third over first
    compared            weight of the ballots behind each share
    z                   curl in its standard deviations
    p_value             family-wise over all triangles; None without replicates
    """

    items: tuple[str, str, str]
    observed: tuple[float, float, float]
    expected: tuple[float, float, float]
    compared: tuple[float, float, float]
    z: float
    p_value: float | None


@dataclass(frozen=True, eq=False, slots=True)
class Cycles:
    """`statistic` over all `triads`, its `p_value` (None without triangles or replicates), and the worst triangles."""

    triads: int
    statistic: float
    p_value: float | None
    replicates: int
    worst: tuple[Triad, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = {name: getattr(self, name) for name in ("triads", "statistic", "p_value", "replicates")}
        return {**found, "worst": [asdict(triad) for triad in self.worst], "sentence": self.sentence()}

    def sentence(self) -> str:
        if not self.triads:
            return "no three contestants were all compared with each other, so cycles cannot show"
        if self.p_value is None:
            return f"{self.triads} triangles, not tested"
        if self.p_value > 0.05:
            return (
                f"no sign of cycles: {self.triads} triangles are as even as the model expects (p = {self.p_value:.3g})"
            )
        first = self.worst[0].items
        return (
            f"contestants beat each other in circles more than the model allows (p = {self.p_value:.3g});"
            f" the worst: {' over '.join((*first, first[0]))}"
        )


def cycles(
    evidence: Evidence,
    fit: Fit | None = None,
    *,
    replicates: int = REPLICATES,
    listed: int = LISTED,
    rng: np.random.Generator | None = None,
) -> Cycles:
    """Test `fit` (plackett-luce; fitted here if absent) against cycles. The default generator is seeded.

    Raises `FitError` for the fit of another engine, one with effects of covariates, or a negative number.
    """
    if replicates < 0 or listed < 1:
        raise FitError("replicates must be at least 0 and listed at least 1")
    chosen = plackett_luce.fit(evidence) if fit is None else fit
    plackett_luce.require_plain(chosen, evidence)
    generator = np.random.default_rng(SEED) if rng is None else rng
    prior_sd = float(chosen.parameters["prior_sd"])
    given = plackett_luce.fit(evidence, prior_sd=prior_sd, start=chosen).mean  # as the replicates are fitted
    found = _measure(evidence, given, listed)
    drawn = np.empty((replicates if found.count else 0, 2))
    for replicate in range(len(drawn)):
        again = redrawn(evidence, chosen.mean[evidence.slots], generator)
        theta = plackett_luce.fit(again, prior_sd=prior_sd, start=chosen).mean
        measured = _measure(again, theta, 1)
        drawn[replicate] = measured.total, measured.largest
    p_value = _exceeded(drawn[:, 0], found.total)
    worst = tuple(_triad(chosen, found, row, drawn[:, 1]) for row in range(min(listed, found.count)))
    return Cycles(found.count, found.total, p_value, len(drawn), worst)


@dataclass(frozen=True, eq=False, slots=True)
class _Measured:
    count: int
    total: float
    largest: float
    worst: NDArray[np.int64]
    squares: Floats
    wins: Floats
    played: Floats
    expected: Floats


def _measure(evidence: Evidence, theta: Floats, listed: int) -> _Measured:
    from ranking.engines import triads
    from ranking.engines.pairwise.pairs import observed

    pairs = observed(evidence)
    wins, played = pairs.halved, pairs.played
    gap = theta[:, None] - theta[None, :]
    expected = 0.5 * (1 + np.tanh(0.5 * gap))
    mass = played * expected * expected.T
    compared = mass > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        flow = np.where(compared, (wins - played * expected) / mass, 0.0)
        variance = np.where(compared, 1 / mass, np.inf)
    worst, squares = np.zeros((listed, 3), np.int64), np.empty(listed)
    count, total, largest = triads.curls(flow, variance, worst, squares)
    return _Measured(int(count), float(total), float(largest), worst, squares, wins, played, expected)


def _triad(fit: Fit, found: _Measured, row: int, largest: Floats) -> Triad:
    a, b, c = found.worst[row].tolist()
    around = ((a, b), (b, c), (c, a))
    return Triad(
        items=(fit.items[a], fit.items[b], fit.items[c]),
        observed=_three(found.wins[pair] / found.played[pair] for pair in around),
        expected=_three(found.expected[pair] for pair in around),
        compared=_three(found.played[pair] for pair in around),
        z=float(np.sqrt(found.squares[row])),
        p_value=_exceeded(largest, float(found.squares[row])),
    )


def _three(values: Any) -> tuple[float, float, float]:
    a, b, c = (float(value) for value in values)
    return a, b, c


def _exceeded(drawn: Floats, value: float) -> float | None:
    """The share of `drawn`, the value itself included, that is at least as large; None without replicates."""
    if not len(drawn):
        return None
    return float((1 + (drawn >= value * (1 - 1e-12)).sum()) / (1 + len(drawn)))
