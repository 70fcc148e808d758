"""The observed pairs of ballots: what every pairwise engine is fitted on.

A ballot on K items says something about up to K (K - 1) / 2 pairs. Positive ranks are above the unknown, the unknown
above negative ranks, equal ranks are a tie; two unknowns are not observed and count for nothing. A ballot of weight w
adds w to each of its pairs. Pairs of one ballot are not independent of each other: counts forget that, so an engine
that needs it (a sandwich, a bootstrap) goes back to the ballots.

Cost: one compiled pass, about 5 ns a pair; memory two M x M arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.terms import Terms

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the pairs came from, counted without weights.

    pair_ballots   ballots of two items
    long_ballots   longer ballots with at least one observed pair
    long_pairs     observed pairs of those
    tied_pairs     ties among all observed pairs
    hidden_pairs   pairs shown on a ballot that ranks something, with no order observed
    """

    pair_ballots: int = 0
    long_ballots: int = 0
    long_pairs: int = 0
    tied_pairs: int = 0
    hidden_pairs: int = 0

    @property
    def pairs(self) -> int:
        return self.pair_ballots + self.long_pairs


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Weighted counts. `wins[a, b]`: a above b. `ties[a, b]`: equal, symmetric. Both float64[M, M], zero diagonal."""

    wins: Floats
    ties: Floats
    tally: Tally = field(default_factory=Tally)

    @property
    def halved(self) -> Floats:
        """Wins with a tie as half a win each way."""
        return np.asarray(self.wins + self.ties / 2)

    @property
    def played(self) -> Floats:
        """float64[M, M]: how much each pair was compared."""
        return np.asarray(self.wins + self.wins.T + self.ties)

    @property
    def arrows(self) -> NDArray[np.bool_]:
        """bool[M, M]: a was seen above b, or tied with it; so for graphs, which take small numbers for no edge."""
        return np.asarray((self.wins > 0) | (self.ties > 0))

    def terms(self) -> Terms:
        """The same as a Plackett-Luce likelihood: choices from sets of two, ties as half a win each way."""
        first, second = np.nonzero(np.triu(self.played))
        members = np.column_stack([first, second]).astype(np.int32).ravel()
        return Terms(
            self.halved.sum(axis=1),
            2 * np.arange(len(first) + 1, dtype=np.int64),
            members,
            np.zeros(len(first), np.int32),
            np.ones(len(first), np.int32),
            self.played[first, second],
        )


def observed(evidence: Evidence) -> Pairs:
    """All observed pairs of the evidence. Raises `FitError` when there are no items."""
    from ranking.engines.pairwise import loops  # loads the compiler

    if not evidence.items:
        raise FitError("there are no items to rate")
    count = len(evidence.items)
    wins, ties, tally = np.zeros((count, count)), np.zeros((count, count)), np.zeros(5, np.int64)
    loops.count_pairs(evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, wins, ties, tally)
    return Pairs(wins, ties, Tally(*tally.tolist()))


def required(evidence: Evidence, engine: str) -> Pairs:
    """The observed pairs, for an engine that can say nothing without any. Raises `FitError` with the reason."""
    pairs = observed(evidence)
    if not pairs.tally.pairs:
        bad = int(evidence.all_bad.sum())
        raise FitError(
            f"{engine} needs at least one observed pair; of {len(evidence)} ballots {bad} say all bad"
            f" and {len(evidence) - bad} rank nothing"
        )
    return pairs


def pair_notes(evidence: Evidence, pairs: Pairs, *, ties: str | None, dependence: str | None) -> list[str]:
    """What breaking ballots into pairs did to them.

    `ties` says what became of tied pairs ("count as half a win each way"), None where the engine models them;
    `dependence` says what follows from pairs of one ballot not being independent, None where nothing does.
    """
    found, tally = [], pairs.tally
    if tally.long_ballots:
        sentence = (
            f"{tally.long_ballots} ballots on three or more contestants are broken into {tally.long_pairs} observed"
            " pairs, which are not independent of each other"
        )
        found.append(f"{sentence}; {dependence}" if dependence else sentence)
    if tally.hidden_pairs:
        found.append(f"{tally.hidden_pairs} pairs shown on these ballots have no observed order and count for nothing")
    if tally.tied_pairs and ties:
        found.append(f"{tally.tied_pairs} of {tally.pairs} observed pairs are ties; they {ties}")
    return [*found, *notes.general(evidence)]
