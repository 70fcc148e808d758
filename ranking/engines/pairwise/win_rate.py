"""Win rate: the share of its comparisons that a contestant won.

average="comparisons" (default): wins / comparisons, a tie half a win. It depends on whom a contestant happened to meet.
average="opponents": the mean over opponents of the share won against each, so that every opponent counts alike however
often it was met. A contestant without a comparison has 1/2 and says so in `warnings`. Scores are shares in [0, 1].

Intervals:
  wilson (default for comparisons)   draws whose quantiles are the bounds of Wilson's interval: p solves
        p_hat - p = z sqrt(p (1 - p) / n), z normal with the correlation that comes from sharing comparisons, minus the
        number of comparisons of a with b over the geometric mean of both totals. n counts ballots, not pairs: the pairs
        of one ballot are not independent, and a contestant is taken to be as uncertain as if they were one and the
        same (n = (sum w t)^2 / sum w t^2 for t pairs on a ballot of weight w). Never of width 0, not even at 0 or 1.
  model (default for opponents)      each pair's share drawn from its Beta posterior, see `resampling`
  bootstrap, clustered-bootstrap     over ballots or voters; of width 0 for a contestant that won everything
  none

Source: Wilson 1927 (interval); Kish 1965 (effective n). Cost: one pass over the pairs, draws of 10,000 x M.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes, posterior
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.pairs import Pairs, pair_notes, required

Floats = NDArray[np.float64]

NAME = "win-rate"
AVERAGES = ("comparisons", "opponents")
WILSON = "wilson"


def fit(
    evidence: Evidence,
    *,
    average: str = "comparisons",
    intervals: str | None = None,
    samples: int = resampling.SAMPLES,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """The win rates. Raises `FitError` for unknown options and evidence without an observed pair."""
    if average not in AVERAGES:
        raise FitError(f"average must be {' or '.join(AVERAGES)}, not {average!r}")
    pairs = required(evidence, NAME)
    chosen = intervals or (WILSON if average == "comparisons" else "model")
    score = by_comparison if average == "comparisons" else by_opponent
    mean = score(pairs)
    if chosen == WILSON:
        if average != "comparisons":
            raise FitError("Wilson's interval is for average=comparisons; use intervals=model")
        draws: Floats | None = wilson_draws(mean, effective_ballots(evidence), pairs, rng)
    else:
        draws = resampling.draws(evidence, score, intervals=chosen, samples=samples, rng=rng)
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=None,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"average": average, "intervals": chosen},
        converged=True,
        iterations=0,
        warnings=(
            *resampling.unused(
                chosen, samples, None if chosen == WILSON else rng, drawn=chosen not in (WILSON, "none")
            ),
            *_warnings(evidence, pairs, chosen),
        ),
        draws=draws,
        unit="score",
    )


def by_comparison(pairs: Pairs) -> Floats:
    total = pairs.played.sum(axis=1)
    return np.asarray(np.divide(pairs.halved.sum(axis=1), total, out=np.full(len(total), 0.5), where=total > 0))


def by_opponent(pairs: Pairs) -> Floats:
    played = pairs.played
    share = np.divide(pairs.halved, played, out=np.zeros_like(played), where=played > 0)
    met = (played > 0).sum(axis=1)
    return np.asarray(np.divide(share.sum(axis=1), met, out=np.full(len(met), 0.5), where=met > 0))


def effective_ballots(evidence: Evidence) -> Floats:
    """n of the module for each item; 0 where nothing was observed."""
    from ranking.engines.pairwise import loops

    first, second = np.zeros(len(evidence.items)), np.zeros(len(evidence.items))
    loops.pair_moments(evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, first, second)
    share = np.divide(first, second, out=np.zeros_like(first), where=second > 0)
    return np.asarray(first * share)  # the square of a weight of 1e-300 would be 0


def wilson_draws(share: Floats, n: Floats, pairs: Pairs, rng: np.random.Generator | int | None) -> Floats:
    """float64[10,000, M]: joint draws of the rates, see the module."""
    played = pairs.played
    root = np.sqrt(np.where(played.sum(axis=1) > 0, played.sum(axis=1), 1.0))
    correlation = np.eye(len(share)) - played / root[:, None] / root[None, :]
    values, vectors = np.linalg.eigh(correlation)
    normal = resampling.generator(rng).standard_normal((posterior.DRAWS, len(share)))
    z = normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    spread = np.sqrt(z**4 + 4 * n * z**2 * share * (1 - share))
    return np.asarray(
        np.clip((2 * n * share + z**2 + np.sign(z) * spread) / (2 * (n + z**2)), 0.0, 1.0)
    )  # 1 + 1e-16 is rounding


def _warnings(evidence: Evidence, pairs: Pairs, intervals: str) -> list[str]:
    found = []
    alone = np.flatnonzero(~(pairs.played > 0).any(axis=1)).tolist()
    if alone:
        found.append(f"{notes.names(evidence.items, alone)}: compared with nothing, shown with a rate of one half")
    dependence = "these intervals treat them as if they were; a bootstrap does not" if intervals == "model" else None
    return [*found, *pair_notes(evidence, pairs, ties="count as half a win each way", dependence=dependence)]
