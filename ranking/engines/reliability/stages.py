"""Ballots taken apart into choices that still know their ballot.

`terms.group` adds equal choices of all ballots together, which is what a fit needs. Telling reliable voters from others
needs the likelihood of each ballot, and of its first choice alone, over and over at new strengths, and the sums over
ballots again and again with new weights. So the choices are expanded once, by the same kernel, and numbered by the
distinct set they choose from; afterwards a likelihood of every ballot is one pass over the distinct sets and a gather,
and reweighting is one `bincount`.

A *place* is what a choice is made between: an item, or with a position effect an item in the first slot (index
M + item) or in another (index item). P places in all, P = M or 2 M.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ranking.engines import kernels
from ranking.engines.evidence import UNKNOWN, Evidence
from ranking.engines.terms import Terms

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHUNK = 1 << 16  # rows expanded at a time
WIDEST_CODE = 1 << 62  # sets are compared as one number while it fits, else place by place


@dataclass(frozen=True, eq=False, slots=True)
class Stages:
    """The choices of B ballots with S slots: R rows on D distinct sets of P places.

    places      int64[S], the place of each slot
    ballot_of   int64[S], the ballot of each slot
    wins        float64[S], how often the slot is chosen on its ballot (fractions come from ties)
    first_wins  float64[S], the same in the first choice alone: 1 / t for each of t items tied for best
    knows_first bool[B], the best is observed, so the first choice can be told from the later ones
    row_ballot, row_set, row_mass   [R], each row's ballot, distinct set and mass
    row_first   bool[R], whether the row is a first choice
    starts, members, split          the distinct sets, as in `terms.Terms`
    """

    count: int
    places: Integers
    ballot_of: Integers
    wins: Floats
    first_wins: Floats
    knows_first: NDArray[np.bool_]
    row_ballot: Integers
    row_set: Integers
    row_mass: Floats
    row_first: NDArray[np.bool_]
    starts: Integers
    members: NDArray[np.int32]
    split: NDArray[np.int32]

    @property
    def ballots(self) -> int:
        return len(self.knows_first)

    def log_likelihood(self, strengths: Floats) -> tuple[Floats, Floats]:
        """float64[B] twice: of each ballot, and of its first choice (0 where that is not observed)."""
        worth = self.row_mass * self._set_values(strengths)[self.row_set]
        mine = strengths[self.places]
        whole = self._by_ballot(self.wins * mine) + tally(self.row_ballot, worth, self.ballots)
        first = self._by_ballot(self.first_wins * mine)
        return whole, first + tally(self.row_ballot, worth * self.row_first, self.ballots)

    def gradients(self, strengths: Floats) -> tuple[csr_array[Any], csr_array[Any]]:
        """Sparse (B, P) twice: gradients in the strengths of each ballot and of its first choice."""
        sets = csr_array((self._slopes(strengths), self.members, self.starts), shape=(len(self.split), self.count))
        found = []
        for wins, mass in ((self.wins, self.row_mass), (self.first_wins, self.row_mass * self.row_first)):
            chosen = csr_array((wins, (self.ballot_of, self.places)), shape=(self.ballots, self.count))
            offered = csr_array((mass, (self.row_ballot, self.row_set)), shape=(self.ballots, len(self.split)))
            found.append(csr_array(chosen + offered @ sets))
        return found[0], found[1]

    def terms(self, weight: Floats, first: Floats) -> Terms:
        """The sum over ballots with `weight` (B) for the later choices and `first` (B) for the first one."""
        wins = self.wins * weight[self.ballot_of] + self.first_wins * (first - weight)[self.ballot_of]
        mass = self.row_mass * np.where(self.row_first, first[self.row_ballot], weight[self.row_ballot])
        return Terms(
            tally(self.places, wins, self.count),
            self.starts,
            self.members,
            self.split,
            np.ones(len(self.split), np.int32),
            tally(self.row_set, mass, len(self.split)),
        )

    def _by_ballot(self, values: Floats) -> Floats:
        return tally(self.ballot_of, values, self.ballots)

    def _set_values(self, strengths: Floats) -> Floats:
        """What choosing from each distinct set adds to a log-likelihood besides the wins."""
        if not len(self.split):
            return np.zeros(0)
        values: Floats = -np.logaddexp.reduceat(strengths[self.members], self.starts[:-1])
        for row, ahead, *_ in self._split_sets(strengths):
            values[row] = ahead
        return values

    def _slopes(self, strengths: Floats) -> Floats:
        """Derivative of `_set_values` in the strength of each member, aligned with `members`."""
        sizes = np.diff(self.starts)
        mine = strengths[self.members]
        slopes: Floats = -np.exp(mine + np.repeat(self._set_values(strengths), sizes))
        for row, _, slope, shares in self._split_sets(strengths):
            begin, middle = self.starts[row], self.starts[row] + len(slope)
            slopes[begin:middle] = slope
            slopes[middle : self.starts[row + 1]] = -slope.sum() * shares
        return slopes

    def _split_sets(self, strengths: Floats) -> Iterator[tuple[int, float, Floats, Floats]]:
        """For each set "all of N before any of B": its number, value, slopes in N, and shares within B."""
        for row in np.flatnonzero(self.split).tolist():
            begin, end, ahead = self.starts[row], self.starts[row + 1], int(self.split[row])
            mine = strengths[self.members[begin:end]]
            behind = np.logaddexp.reduce(mine[ahead:])
            slope, curvature = np.empty(ahead), np.empty((ahead, ahead))
            solve = kernels.enumerate_before if ahead <= kernels.MAX_ENUMERATED else kernels.integrate_before
            value = solve(mine[:ahead] - behind, ahead, slope, curvature)
            yield row, value, slope, np.exp(mine[ahead:] - behind)


def tally(index: Integers, values: NDArray[Any], count: int) -> Floats:
    """float64[count]: the sum of the values at each index."""
    return np.bincount(index, values, count).astype(np.float64, copy=False)


def expand(evidence: Evidence, *, positions: bool = False) -> Stages:
    """Take the ballots apart; with `positions` the first slot of a ballot is a place of its own.

    Cost: about a microsecond a slot. Buckets of more than nine tied items are sampled as everywhere, but with draws of
    their own.
    """
    ballot_of = np.repeat(np.arange(len(evidence)), np.diff(evidence.offsets))
    places = evidence.slots.astype(np.int64)
    count = len(evidence.items)
    if positions:
        places[evidence.offsets[:-1]] += count
        count *= 2
    wins, sizes, split, mass, slots = _rows(evidence)
    first_wins, knows_first = _first(evidence, ballot_of)
    begins = np.cumsum(sizes) - sizes
    row_ballot = ballot_of[slots[begins]]
    row_first = knows_first[row_ballot] & (sizes == np.diff(evidence.offsets)[row_ballot])
    row_set, starts, members, set_split = _distinct(sizes, split, places[slots], count)
    return Stages(
        count, places, ballot_of, wins, first_wins, knows_first,
        row_ballot, row_set, mass, row_first, starts, members, set_split,
    )  # fmt: skip


def _rows(evidence: Evidence) -> tuple[Floats, Integers, Integers, Floats, Integers]:
    """Wins of each slot, and size, split, mass and member slots of each row.

    The kernel is given slot numbers in place of items, so that every row says which ballot it is from.
    """
    numbers = np.arange(len(evidence.slots), dtype=np.int32)
    unit, wins = np.ones(len(evidence)), np.zeros(len(numbers))
    sizes, split, picks = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32)
    mass, members = np.empty(CHUNK), np.empty(4 * CHUNK, np.int32)
    longest = int(np.diff(evidence.offsets).max(initial=0))  # no chains: each choice is a row
    none = np.empty(0, np.int32)
    parts = [(none, none, np.empty(0), none)]
    ballot = 0
    while ballot < len(evidence):
        ballot, rows, wanted, room = kernels.expand(
            evidence.offsets, numbers, evidence.ranks, unit, ballot, wins, longest, sizes, split, picks, mass, members
        )
        used = int(sizes[:rows].sum())
        parts.append((sizes[:rows].copy(), split[:rows].copy(), mass[:rows].copy(), members[:used].copy()))
        if wanted > len(mass):
            sizes, split, picks = np.empty(wanted, np.int32), np.empty(wanted, np.int32), np.empty(wanted, np.int32)
            mass = np.empty(wanted)
        if room > len(members):
            members = np.empty(room, np.int32)
    sizes, split, mass, members = (np.concatenate(column) for column in zip(*parts, strict=True))
    return wins, sizes.astype(np.int64), split.astype(np.int64), mass, members.astype(np.int64)


def _first(evidence: Evidence, ballot_of: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """Each slot's share of the first choice, and on which ballots that choice is observed.

    It is observed when the best bucket has a rank, or is one item without a rank above items ranked from the bottom.
    """
    if not len(evidence):
        return np.zeros(0), np.zeros(0, np.bool_)
    ranks = evidence.ranks.astype(np.int64)
    unknown = np.int64(kernels.UNKNOWN_KEY)
    keys = np.where(ranks > 0, ranks, np.where(ranks == UNKNOWN, unknown, 2 * unknown + ranks))
    top = np.minimum.reduceat(keys, evidence.offsets[:-1])
    leading = keys == top[ballot_of]
    tied = tally(ballot_of, leading, len(evidence))
    knows = evidence.informative() & ((top != unknown) | (tied == 1))
    return np.where(leading & knows[ballot_of], 1 / tied[ballot_of], 0.0), knows


def _distinct(
    sizes: Integers, split: Integers, places: Integers, count: int
) -> tuple[Integers, Integers, NDArray[np.int32], NDArray[np.int32]]:
    """Number the distinct sets: the set of each row, and starts, members and split of the sets."""
    row_of = np.repeat(np.arange(len(sizes)), sizes)
    begins = np.cumsum(sizes) - sizes
    behind = np.arange(len(places)) - begins[row_of] >= split[row_of]
    ordered = places[np.lexsort((places, behind, row_of))]
    row_set = np.empty(len(sizes), np.int64)
    found_sizes, found_split, found_members = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    total = 0
    for size, ahead in np.unique(np.stack([sizes, split], axis=1), axis=0).tolist():
        rows = np.flatnonzero((sizes == size) & (split == ahead))
        sets = ordered[begins[rows][:, None] + np.arange(size)]
        if count**size < WIDEST_CODE:
            _, chosen, number = np.unique(sets @ (count ** np.arange(size)), return_index=True, return_inverse=True)
        else:
            _, chosen, number = np.unique(sets, axis=0, return_index=True, return_inverse=True)
        row_set[rows] = total + number
        total += len(chosen)
        found_sizes.append(np.full(len(chosen), size))
        found_split.append(np.full(len(chosen), ahead, np.int32))
        found_members.append(sets[chosen].reshape(-1).astype(np.int32))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(found_sizes))]).astype(np.int64)
    return row_set, starts, np.concatenate(found_members), np.concatenate(found_split)
