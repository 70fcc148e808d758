"""Copeland: majorities won minus majorities lost.

score_a = #{b : more of the ballots with both place a above b} - #{b : fewer do}. A pair that is even, or was never
compared, counts for neither; an unobserved order is no vote, a tie half a vote each way. Scores are whole numbers from
1 - M to M - 1; a Condorcet winner that was compared with everybody has M - 1.

A pair decided by one ballot counts as much as one decided by a thousand; that is why it needs its intervals: "model"
(default; each pair's share of votes from its Beta posterior), "bootstrap" over ballots, "clustered-bootstrap" over
voters, "none"; see `pairwise.resampling`.

Source: Copeland 1951. Cost: one pass over the pairs, M^2 for each of `samples` draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.pairs import Pairs, pair_notes, required

Floats = NDArray[np.float64]

NAME = "copeland"


def fit(
    evidence: Evidence,
    *,
    intervals: str = "model",
    samples: int = resampling.SAMPLES,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """The scores. Raises `FitError` for senseless options and evidence without an observed pair."""
    pairs = required(evidence, NAME)
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=net_majorities(pairs),
        covariance=None,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"intervals": intervals, "condorcet_winner": condorcet_winner(evidence.items, pairs)},
        converged=True,
        iterations=0,
        warnings=(
            *resampling.unused(intervals, samples, rng, drawn=intervals != "none"),
            *majority_notes(evidence, pairs, intervals),
        ),
        draws=resampling.draws(evidence, net_majorities, intervals=intervals, samples=samples, rng=rng),
        unit="score",
    )


def margins(pairs: Pairs) -> Floats:
    """float64[M, M]: votes for a over b minus votes for b over a; differences that are only rounding are 0."""
    ahead = pairs.halved
    margin = ahead - ahead.T
    margin[np.abs(margin) <= 1e-9 * pairs.played] = 0.0
    return np.asarray(margin)


def net_majorities(pairs: Pairs) -> Floats:
    return np.asarray(np.sign(margins(pairs)).sum(axis=1))


def condorcet_winner(items: tuple[str, ...], pairs: Pairs) -> str | None:
    """The contestant that beats every other by majority, if there is one."""
    won = (margins(pairs) > 0).sum(axis=1)
    return items[int(np.argmax(won))] if len(items) > 1 and won.max() == len(items) - 1 else None


def majority_notes(evidence: Evidence, pairs: Pairs, intervals: str) -> list[str]:
    """What to know of majorities; shared with the other engine that looks at nothing else."""
    every = len(evidence.items) * (len(evidence.items) - 1) // 2
    never = every - int(np.count_nonzero(np.triu(pairs.played, 1)))
    found = [f"{never} of {every} pairs of contestants were never compared; they count for neither"] if never else []
    dependence = "these intervals treat them as if they were; a bootstrap does not" if intervals == "model" else None
    return [*found, *pair_notes(evidence, pairs, ties="count as half a vote each way", dependence=dependence)]
