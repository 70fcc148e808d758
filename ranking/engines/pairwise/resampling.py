"""Random pair counts, for the uncertainty of whatever is computed from them.

The Bayesian bootstrap over ballots or over voters (Rubin 1981), and draws of each pair on its own.

Each unit gets a random weight with mean 1 instead of a random number of copies: an exponential one, and for a ballot
of weight w the sum of w of them, a gamma variable, so that a weight of 2 is again the ballot cast twice. Weights are
scaled to their expected sum. No unit ever gets zero, so every replicate compares the same pairs as the data and a
maximum-likelihood estimate that exists for the data exists for all replicates.

Two units are needed: with one the replicates would all be equal, which is no statement about uncertainty.

Cost: when all ballots are pairs, equal ballots are drawn at once, a gamma for each distinct outcome; otherwise a gamma
a ballot and an addition a pair, about 20 ms a replicate for a million four-way ballots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.pairwise.pairs import Pairs, observed

Floats = NDArray[np.float64]

SAMPLES = 500  # the standard error of a probability is then at most 0.022
SEED = 20_020
MOST_SAMPLES = 100_000
JEFFREYS = 0.5  # wins each way in the prior of a pair's share
INTERVALS = ("model", "bootstrap", "clustered-bootstrap", "none")  # of engines without a likelihood


def generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """A generator, a seed for one, or the fixed default."""
    if isinstance(rng, int) and rng < 0:
        raise FitError(f"rng must be a seed of at least 0, not {rng}")
    return np.random.default_rng(SEED if rng is None else rng)


def unused(
    intervals: str,
    samples: int = SAMPLES,
    rng: np.random.Generator | int | None = None,
    *,
    default: int = SAMPLES,
    drawn: bool,
) -> list[str]:
    """A sentence where `samples` or `rng` was given and these intervals do without; `drawn`: whether they use them."""
    given = [name for name, told in (("samples", samples != default), ("rng", rng is not None)) if told]
    if drawn or not given:
        return []
    return [f"{' and '.join(given)} did nothing, intervals={intervals} does without"]


def replicates(
    evidence: Evidence, samples: int, rng: np.random.Generator | int | None, *, by_voter: bool
) -> Iterator[Pairs]:
    """`samples` sets of pair counts. Raises `FitError` for fewer than two units or a senseless number of samples."""
    if not 2 <= samples <= MOST_SAMPLES:
        raise FitError(f"samples must lie between 2 and {MOST_SAMPLES}, not {samples}")
    chosen = generator(rng)
    pairs = observed(evidence)
    if by_voter and (evidence.voters.index != UNSTATED).any():
        return _of_voters(evidence, samples, chosen)
    if pairs.tally.long_ballots:
        return _of_ballots(evidence, samples, chosen)
    return _of_outcomes(pairs, samples, chosen)


def _of_outcomes(pairs: Pairs, samples: int, rng: np.random.Generator) -> Iterator[Pairs]:
    """Ballots are pairs: all ballots with one outcome share one gamma."""
    total = pairs.wins.sum() + pairs.ties.sum() / 2
    _two(total, "ballot")
    tied = np.triu(pairs.ties)
    for _ in range(samples):
        wins, ties = rng.standard_gamma(pairs.wins), rng.standard_gamma(tied)
        scale = total / (wins.sum() + ties.sum())
        yield Pairs(wins * scale, (ties + ties.T) * scale)


def _of_ballots(evidence: Evidence, samples: int, rng: np.random.Generator) -> Iterator[Pairs]:
    listed = _Listed.of(evidence)
    weight = np.where(evidence.informative(), evidence.weight, 0.0)
    _two(weight.sum(), "ballot")
    for _ in range(samples):
        drawn = rng.standard_gamma(weight)
        yield listed.counted(drawn * (weight.sum() / drawn.sum()))


def _of_voters(evidence: Evidence, samples: int, rng: np.random.Generator) -> Iterator[Pairs]:
    """A ballot whose voter is not stated is a voter of its own."""
    listed = _Listed.of(evidence)
    index, informative = evidence.voters.index, evidence.informative()
    alone = np.where((index == UNSTATED) & informative, evidence.weight, 0.0)
    voters = np.unique(index[(index != UNSTATED) & informative])
    units = len(voters) + alone.sum()
    _two(units, "voter")
    drawn = np.zeros(len(evidence.voters.names))
    for _ in range(samples):
        drawn[voters] = rng.standard_exponential(len(voters))
        single = rng.standard_gamma(alone)
        amount = np.where(index == UNSTATED, single, drawn[index] * evidence.weight)
        yield listed.counted(amount * (units / (drawn.sum() + single.sum())))


def _two(units: float, noun: str) -> None:
    if units < 2:
        raise FitError(f"a bootstrap over {noun}s needs at least two {noun}s that rank something, there is {units:g}")


class _Listed:
    """Every observed pair with the ballot it is from, to be counted again and again."""

    def __init__(self, items: int, cell: NDArray[np.int64], owner: NDArray[np.int64]) -> None:
        self.items, self.cell, self.owner = items, cell, owner

    @classmethod
    def of(cls, evidence: Evidence) -> _Listed:
        from ranking.engines.pairwise import loops

        flat = (evidence.offsets, evidence.slots, evidence.ranks)
        none = np.empty(0, np.int64)
        count = loops.list_pairs(*flat, none, none, np.empty(0, np.bool_), none)
        upper, lower, owner = (np.empty(count, np.int64) for _ in range(3))
        tied = np.empty(count, np.bool_)
        loops.list_pairs(*flat, upper, lower, tied, owner)
        items = len(evidence.items)
        return cls(items, (tied * items + upper) * items + lower, owner)

    def counted(self, amount: Floats) -> Pairs:
        both = np.bincount(self.cell, amount[self.owner], 2 * self.items**2).reshape(2, self.items, self.items)
        return Pairs(both[0], both[1] + both[1].T)


def posterior_counts(
    pairs: Pairs, samples: int, rng: np.random.Generator | int | None, prior: float = JEFFREYS
) -> Iterator[Pairs]:
    """Pair counts drawn from what the counts themselves leave open, for engines that have no likelihood.

    P(a beats b) ~ Beta(prior + wins, prior + losses) for each pair on its own (a tie half a win each way); the wins of
    a draw are that share of the number of comparisons. So a pair decided once is still open, which a bootstrap, whose
    replicates all repeat the one win, would deny. Pairs of one ballot are taken as independent.
    """
    if not 2 <= samples <= MOST_SAMPLES:
        raise FitError(f"samples must lie between 2 and {MOST_SAMPLES}, not {samples}")
    chosen = generator(rng)
    first, second = np.nonzero(np.triu(pairs.played, 1))
    ahead, behind = pairs.halved[first, second], pairs.halved[second, first]
    nothing = np.zeros_like(pairs.ties)
    for _ in range(samples):
        share = chosen.beta(ahead + prior, behind + prior)
        wins = np.zeros_like(pairs.wins)
        wins[first, second], wins[second, first] = share * (ahead + behind), (1 - share) * (ahead + behind)
        yield Pairs(wins, nothing)


def draws(
    evidence: Evidence,
    score: Callable[[Pairs], Floats],
    *,
    intervals: str,
    samples: int,
    rng: np.random.Generator | int | None,
    prior: float = JEFFREYS,
) -> Floats | None:
    """`score` of many draws of the pair counts, float64[samples, M], or None for intervals "none".

    "model" draws from `posterior_counts` (which alone uses `prior`), "bootstrap" over ballots, "clustered-bootstrap"
    over voters.
    """
    if intervals not in INTERVALS:
        raise FitError(f"intervals must be one of {', '.join(INTERVALS)}, not {intervals!r}")
    if intervals == "none":
        return None
    if intervals == "model":
        drawn = posterior_counts(observed(evidence), samples, rng, prior)
    else:
        drawn = replicates(evidence, samples, rng, by_voter=intervals == "clustered-bootstrap")
    return np.array([score(pairs) for pairs in drawn])
