"""Classes of voters: what each says about a voter's ballots, and how likely each is given them.

With theta the log-strengths and w_b the weight of ballot b, voter v casts all ballots as a member of one class:

- *honest*: sum_b w_b l_b(alpha theta), Plackett-Luce, at the voter's own scale alpha where scales differ (`scales`);
- *random*: sum_b w_b l_b(0): every order as likely as any other, 1 / K! for a full ranking;
- *fan of x*: on a ballot of K with x, the first choice is x with probability .97 and each other with .03 / (K - 1);
  the later choices, and ballots without x, are Plackett-Luce;
- *side* (first or last slot): the same with whatever stands in that slot in place of x.

A first choice shared by t tied items is the average over their orders, as everywhere. A ballot whose best item is not
observed (only the worst was named) says the same under a fan as under honest.

All log-likelihoods are kept relative to scale 1, and those of fans only for the items x that a voter's ballots show:
for any other x a fan cannot be told from an honest voter. V voters, B ballots, P pairs (voter, item shown).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.reliability.stages import Stages, tally

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOYALTY = 0.97  # probability that a fan puts the favourite first
HONEST, RANDOM, FIRST_SLOT, LAST_SLOT = "honest", "random", "first slot", "last slot"


@dataclass(frozen=True, eq=False, slots=True)
class Electorate:
    """Who cast which ballot.

    names       of the voters who ranked anything on a ballot
    voter_of    int64[B], -1 for ballots without a voter or without a rank
    pair_voter, pair_item   int64[P], voters with the items whose fans they could be seen to be
    pair_of     int64[S], the pair of each slot; -1 where there is none
    scales      the values of alpha that an honest voter may have; 1 is among them
    sides       FIRST_SLOT and LAST_SLOT, or neither
    fans        the number of classes of fans: M, or 0
    """

    names: tuple[str, ...]
    voter_of: Integers
    pair_voter: Integers
    pair_item: Integers
    pair_of: Integers
    scales: tuple[float, ...]
    sides: tuple[str, ...]
    fans: int

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that are not fans; the first is honest, at whatever scale."""
        return (HONEST, RANDOM, *self.sides)

    @classmethod
    def of(
        cls, evidence: Evidence, stages: Stages, *, fans: bool, scales: tuple[float, ...], sides: bool
    ) -> Electorate:
        named = np.where(evidence.informative(), evidence.voters.index, UNSTATED).astype(np.int64)
        present, voter_of = np.unique(named, return_inverse=True)
        if len(present) and present[0] == UNSTATED:
            present, voter_of = present[1:], voter_of - 1
        slot_voter = voter_of[stages.ballot_of]
        usable = (slot_voter >= 0) & stages.knows_first[stages.ballot_of] & fans
        items = len(evidence.items)
        keys, number = np.unique(slot_voter[usable] * items + evidence.slots[usable], return_inverse=True)
        pair_of = np.full(len(slot_voter), -1, np.int64)
        pair_of[usable] = number
        return cls(
            tuple(evidence.voters.names[voter] for voter in present),
            voter_of,
            keys // items if items else keys,
            keys % items if items else keys,
            pair_of,
            scales,
            (FIRST_SLOT, LAST_SLOT) if sides else (),
            items if fans else 0,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Likelihoods:
    """Log-likelihoods of voters: `honest` float64[V] at scale 1, and all others relative to it.

    scales   float64[V, K], honest at each scale
    others   float64[V, C - 1], the classes after honest
    pairs    float64[P], fans
    """

    honest: Floats
    scales: Floats
    others: Floats
    pairs: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Shares:
    """How common each class is: `classes` as in `Electorate.classes`, `fans` (M, or none) one share per favourite."""

    classes: Floats
    fans: Floats

    @property
    def total(self) -> float:
        return float(self.classes.sum() + self.fans.sum())


@dataclass(frozen=True, eq=False, slots=True)
class Responsibilities:
    """How likely each voter belongs to each class.

    classes   float64[V, C]
    scales    float64[V, K], honest and of this scale
    pairs     float64[P], fan of an item that the voter's ballots show
    unseen    float64[V], P(fan of x) / share of x for the items that they do not show
    log_likelihood   of all voters' ballots, classes summed out
    """

    classes: Floats
    scales: Floats
    pairs: Floats
    unseen: Floats
    log_likelihood: float

    def fans(self, electorate: Electorate, shares: Shares) -> tuple[Floats, Floats]:
        """float64[V] P(fan of anyone), and float64[M] the expected number of fans of each item."""
        seen = shares.fans[electorate.pair_item]
        missing = tally(electorate.pair_voter, seen, len(self.unseen))
        voters = self.unseen * np.maximum(shares.fans.sum() - missing, 0.0)
        voters = voters + tally(electorate.pair_voter, self.pairs, len(self.unseen))
        covered = self.unseen[electorate.pair_voter]
        unseen = self.unseen.sum() - tally(electorate.pair_item, covered, electorate.fans)
        found = tally(electorate.pair_item, self.pairs, electorate.fans)
        return voters, found + shares.fans * np.maximum(unseen, 0.0)


def likelihoods(evidence: Evidence, stages: Stages, electorate: Electorate, strengths: Floats) -> Likelihoods:
    """Of every voter at `strengths` (of places, scale 1). Cost: about 50 ns a slot for each scale."""
    weight, count = evidence.weight, len(electorate.names)
    whole, first = stages.log_likelihood(strengths)
    honest = _by_voter(electorate, weight * whole, count)
    scales = []
    for scale in electorate.scales:
        scaled = whole if scale == 1 else stages.log_likelihood(scale * strengths)[0]
        scales.append(_by_voter(electorate, weight * (scaled - whole), count))
    uniform = stages.log_likelihood(np.zeros(stages.count))[0]
    others = [_by_voter(electorate, weight * (uniform - whole), count)]
    gain = stubborn(evidence, stages) - first[stages.ballot_of]
    others += [
        _by_voter(electorate, weight * np.where(stages.knows_first, gain[slots], 0.0), count)
        for slots in _side_slots(evidence, electorate)
    ]
    used = electorate.pair_of >= 0
    pairs = tally(electorate.pair_of[used], (weight[stages.ballot_of] * gain)[used], len(electorate.pair_voter))
    return Likelihoods(honest, np.stack(scales, axis=1), np.stack(others, axis=1), pairs)


def stubborn(evidence: Evidence, stages: Stages) -> Floats:
    """float64[S]: log-probability of the ballot's first choice by a voter who is set on this slot."""
    others = np.diff(evidence.offsets)[stages.ballot_of] - 1
    chosen = stages.first_wins
    found: Floats = chosen * np.log(LOYALTY) + (1 - chosen) * (np.log(1 - LOYALTY) - np.log(others))
    return found


def _side_slots(evidence: Evidence, electorate: Electorate) -> list[Integers]:
    """For each side class, the slot it is set on, one a ballot."""
    ends = {FIRST_SLOT: evidence.offsets[:-1], LAST_SLOT: evidence.offsets[1:] - 1}
    return [ends[side] for side in electorate.sides]


def respond(found: Likelihoods, electorate: Electorate, shares: Shares, law: Floats) -> Responsibilities:
    """Bayes' rule for every voter, in logarithms. `law` (K) is how likely each scale is among the honest."""
    count = len(electorate.names)
    top = np.maximum(found.scales.max(axis=1, initial=0.0), found.others.max(axis=1, initial=0.0))  # scale 1 is at 0
    np.maximum.at(top, electorate.pair_voter, found.pairs)
    scales = shares.classes[0] * law * np.exp(found.scales - top[:, None])
    others = shares.classes[1:] * np.exp(found.others - top[:, None])
    seen = shares.fans[electorate.pair_item]
    pairs = seen * np.exp(found.pairs - top[electorate.pair_voter])
    missing = np.maximum(shares.fans.sum() - tally(electorate.pair_voter, seen, count), 0.0)
    classes = np.column_stack([scales.sum(axis=1), others])
    total = classes.sum(axis=1) + tally(electorate.pair_voter, pairs, count) + missing * np.exp(-top)
    return Responsibilities(
        classes / total[:, None],
        scales / total[:, None],
        pairs / total[electorate.pair_voter],
        np.exp(-top) / total,
        float(np.sum(found.honest + top + np.log(total))),
    )


def _by_voter(electorate: Electorate, values: Floats, count: int) -> Floats:
    """Sums over each voter's ballots; ballots of nobody are left out."""
    return tally(electorate.voter_of + 1, values, count + 1)[1:]
