"""Elo: after each ballot everybody moves towards what just happened.

Update, in Elo points: R_a += K / (n - 1) sum_b (S_ab - 1 / (1 + 10^((R_b - R_a) / 400))) over the observed pairs of a
ballot on n contestants, with S = 1 for above, 1/2 for a tie, 0 for below, and all ratings as they were before the
ballot. For two contestants it is the chess formula. Ratings begin at 1000 and their mean stays there. Reported in
logits, (R - 1000) ln 10 / 400, so that `--scale elo` prints the points.

The result depends on the order of the ballots, and late ballots count most: against settled equals an error halves in
about 480 / K comparisons. It is no estimate of a fixed strength and has no standard error of its own; without
`shuffles` there are no intervals. With `shuffles` = n the rating is the mean over n random orders, and the
draws are n runs over ballots redrawn with replacement in random order, so that the interval has both the accident
of the order and that of the ballots. A ballot of weight w counts w times in a row (shuffled: at w places).

Source: Elo 1978; default K = 4 as in the first language-model arenas. Cost: some 10 ns a pair and run.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise.pairs import observed, pair_notes
from ranking.engines.pairwise.resampling import generator
from ranking.engines.sequential.schedule import DEPENDENCE, checked, schedule

Floats = NDArray[np.float64]

NAME = "elo"
K_FACTOR = 4.0  # points
POINTS_PER_LOGIT = 400 / math.log(10)
MOST_SHUFFLES = 10_000


def fit(
    evidence: Evidence,
    *,
    k_factor: float = K_FACTOR,
    shuffles: int = 0,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """The ratings. Raises `FitError` for senseless options and evidence without a ballot that ranks."""
    step = checked("k_factor", k_factor) / POINTS_PER_LOGIT
    if shuffles != 0 and not 2 <= shuffles <= MOST_SHUFFLES:
        raise FitError(f"shuffles must be 0, or lie between 2 and {MOST_SHUFFLES}, not {shuffles}")
    order, amount = schedule(evidence)
    draws: Floats | None = None
    if shuffles:
        chosen = generator(rng)
        runs = [
            _run(evidence, order[mixed], amount[mixed], step) for mixed in _permutations(len(order), shuffles, chosen)
        ]
        mean = np.mean(runs, axis=0)
        draws = np.array([_redrawn(evidence, step, chosen) for _ in range(shuffles)])
        found = [f"ratings are the mean over {shuffles} random orders of the ballots"]
    else:
        mean = _run(evidence, order, amount, step)
        found = [DEPENDENCE, "there are no intervals; shuffles=200 averages over orders and has them"]
    if not np.isfinite(mean).all():
        raise FitError(f"ratings overflow with a k_factor of {k_factor:g}")
    pairs = observed(evidence)
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=None,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"k_factor": k_factor, "shuffles": shuffles},
        converged=True,
        iterations=len(order),
        warnings=(*found, *pair_notes(evidence, pairs, ties="count as half a win each way", dependence=None)),
        draws=draws,
        unit="logit",
    )


def _run(evidence: Evidence, order: NDArray[np.int64], amount: Floats, step: float) -> Floats:
    from ranking.engines.sequential import loops

    ratings = np.zeros(len(evidence.items))
    loops.elo(evidence.offsets, evidence.slots, evidence.ranks, order, amount, step, ratings)
    return ratings


def _permutations(count: int, times: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    return [rng.permutation(count) for _ in range(times)]


def _redrawn(evidence: Evidence, step: float, rng: np.random.Generator) -> Floats:
    """A run over as many ballots as there are (by weight), drawn with replacement."""
    ranked = np.flatnonzero(evidence.informative())
    weight = evidence.weight[ranked]
    count = max(round(weight.sum()), 1)
    order = rng.choice(ranked, count, p=weight / weight.sum())
    return _run(evidence, order, np.ones(count), step)
