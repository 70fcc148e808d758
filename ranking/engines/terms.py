"""The sufficient statistics of a Plackett-Luce likelihood: wins, and how often each distinct set was chosen from.

Identical rankings are rare (of a million four-way ballots on 50 items nearly all are distinct), identical sets are
not: their three million choices come from a quarter of a million sets. Grouping by set is exact and makes one
evaluation of the likelihood ten times cheaper. Sets of a dozen items and more are hardly ever the same; what is shared
there is that each choice of a ranking is from the set of the one before, less an item, and such *chains* are one row.
`kernels` says what a term is, `choice_sets` how sets are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import choice_sets, kernels
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence

Floats = NDArray[np.float64]
TABLE = 1 << 18  # places of all tables together, 2 MB: where they no longer fit the cache, sorting keys is faster
KEY_BITS = 64
LONGEST = 256  # items on a ballot: where many tie each of their choices is a set of its own, which costs the cube
STEP = 0.01  # logits, of differences for higher derivatives
CHUNK = 1 << 16  # rows expanded at a time: a few megabytes, so that they stay in the cache until grouped


@dataclass(frozen=True, eq=False, slots=True)
class Terms:
    """Grouped terms of M items: `wins` (M) and R rows, see `kernels`."""

    wins: Floats
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    split: NDArray[np.int32]
    picks: NDArray[np.int32]
    mass: Floats

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, gradient (M) and information (M x M, minus the Hessian) at `theta`."""
        gradient, information = np.empty(len(theta)), np.empty((len(theta), len(theta)))
        value = kernels.evaluate(
            theta, self.wins, self.starts, self.members, self.split, self.picks, self.mass, gradient, information
        )
        return float(value), gradient, information

    def bend(self, theta: Floats, information: Floats, direction: Floats) -> tuple[Floats, Floats]:
        """The third and the fourth derivatives (M x M) at `theta`, once and twice along `direction`.

        Exact for choices; by differences for "all of N before any of B", and where strengths are absurdly far apart.
        `information` is that of `evaluate`.
        """
        if np.ptp(theta) > kernels.NEAR:
            return differences(lambda trial: self.evaluate(trial)[2], theta, information, direction)
        third, fourth = np.empty_like(information), np.empty_like(information)
        kernels.bend(theta, self.starts, self.members, self.split, self.picks, self.mass, direction, third, fourth)
        if self.split.any():
            more = differences(self._before, theta, self._before(theta), direction)
            third, fourth = third + more[0], fourth + more[1]
        return third, fourth

    def _before(self, theta: Floats) -> Floats:
        information = np.empty((len(theta), len(theta)))
        kernels.evaluate_before(theta, self.starts, self.members, self.split, self.mass, information)
        return information

    def components(self) -> list[list[int]]:
        """Groups of items joined by ballots, largest first. More than one: nothing links them but the prior."""
        parent = kernels.joined(self.starts, self.members, len(self.wins))
        groups: dict[int, list[int]] = {}
        for item, root in enumerate(parent.tolist()):
            groups.setdefault(root, []).append(item)
        return sorted(groups.values(), key=lambda group: (-len(group), group[0]))


def differences(
    information: Callable[[Floats], Floats], theta: Floats, here: Floats, direction: Floats
) -> tuple[Floats, Floats]:
    """The third and the fourth derivatives once and twice along `direction`, from the information, which is `here`."""
    step = STEP / float(np.abs(direction).max())
    ahead, behind = information(theta + step * direction), information(theta - step * direction)
    return (behind - ahead) / (2 * step), (2 * here - ahead - behind) / step**2


def group(evidence: Evidence) -> Terms:
    """The terms of all ballots: rankings and pairs in one loop, the others expanded a chunk at a time.

    Choices are counted by set as `choice_sets` says; chains, "all of N before any of B" and sets that are too large for
    that are grouped in a hash table that grows by doubling. Cost: 20 to 100 ns a choice; memory about 50 bytes a
    distinct set of four, and 16 bytes a choice from a set without a table. Raises `FitError` for a ballot longer than
    `LONGEST`.
    """
    _check_lengths(evidence)
    wins = np.zeros(len(evidence.items))
    sets, found = _Sets.of(evidence), _Grouped.empty()
    rest = sets.count_rankings(evidence, wins)
    others = evidence if len(rest) == len(evidence) else evidence.take(rest)
    longest_set = _longest_set(others, sets.longest)
    sizes, split, picks = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32)
    mass, members = np.empty(CHUNK), np.empty(4 * CHUNK, np.int32)
    ballot = 0
    while ballot < len(others):
        ballot, rows, wanted, wanted_places = kernels.expand(
            others.offsets, others.slots, others.ranks, others.weight, ballot, wins, longest_set,
            sizes, split, picks, mass, members,
        )  # fmt: skip
        rows = sets.count_rows(sizes, split, picks, mass, members, rows)
        found.insert(sizes, split, picks, mass, members, rows)
        sizes, split, picks = _grown(sizes, wanted), _grown(split, wanted), _grown(picks, wanted)
        mass, members = _grown(mass, wanted), _grown(members, wanted_places)
    return _joined(wins, *sets.listed(), found)


def _longest_set(evidence: Evidence, countable: int) -> int:
    """The size of the largest choice set that is not part of a chain.

    Sets that are countable stay sets. Others do so where there are so few contestants, and so many ballots, that they
    repeat often enough for sets to be cheaper.
    """
    sizes = np.diff(evidence.offsets)
    size, long = int(sizes.max(initial=0)), int((sizes > countable).sum())
    contestants = len(evidence.items)
    sets = sum(min(long, math.comb(contestants, members)) * members**2 for members in range(2, size + 1))
    return countable if long * size**2 < sets else size


def _check_lengths(evidence: Evidence) -> None:
    sizes = np.diff(evidence.offsets)
    long = int((sizes > LONGEST).sum())
    if long:
        raise FitError(
            f"{long} of {len(evidence)} ballots show more than {LONGEST} items (up to {sizes.max()}), which costs up to"
            f" the cube of that: keep the best {LONGEST} of each, or use elo"
        )


def _joined(wins: Floats, sizes: NDArray[np.int32], mass: Floats, members: NDArray[np.int32], found: _Grouped) -> Terms:
    shift = len(members)
    starts = np.concatenate([[0], np.cumsum(sizes), found.starts[1 : found.rows + 1] + shift]).astype(np.int64)
    return Terms(
        wins,
        starts,
        np.concatenate([members, found.members[: starts[-1] - shift]]),
        np.concatenate([np.zeros(len(sizes), np.int32), found.split[: found.rows]]),
        np.concatenate([np.ones(len(sizes), np.int32), found.picks[: found.rows]]),
        np.concatenate([mass, found.mass[: found.rows]]),
    )


@dataclass(slots=True)
class _Sets:
    """Choices counted by set, in tables and as packed keys; see `choice_sets`."""

    bases: NDArray[np.int64]
    binomials: NDArray[np.int64]
    counts: Floats
    bits: int
    longest: int
    packed: dict[int, list[tuple[NDArray[np.uint64], Floats]]]  # by size of the set: keys, and the mass of each

    @classmethod
    def of(cls, evidence: Evidence) -> _Sets:
        """Tables for the sizes up to the first with more sets than the evidence has slots, or than `TABLE` holds."""
        items = len(evidence.items)
        longest = int(np.diff(evidence.offsets).max()) if len(evidence) else 1
        bases, total, most = np.full(longest + 1, -1, np.int64), 0, 1
        for size in range(2, longest + 1):
            sets = math.comb(items, size)
            if sets > len(evidence.slots) or total + sets > TABLE:
                break
            bases[size], total, most = total, total + sets, size
        binomials = np.array([[math.comb(item, size) for item in range(items)] for size in range(most + 1)], np.int64)
        bits = max((items - 1).bit_length(), 1)
        packable = min(longest, max(most, KEY_BITS // bits))
        return cls(bases, binomials.reshape(most + 1, items), np.zeros(total), bits, packable, {})

    def count_rankings(self, evidence: Evidence, wins: Floats) -> NDArray[np.int64]:
        """Count pairs and rankings without ties; returns the other ballots that rank something."""
        sizes = np.diff(evidence.offsets)
        room = np.bincount(sizes[sizes <= self.longest], minlength=self.longest + 1)[::-1].cumsum()[::-1]
        room = np.where(self.bases[: self.longest + 1] < 0, room, 0)  # a ballot chooses at most once from a set of n
        room[:2] = 0
        starts = np.concatenate([[0], np.cumsum(room)])
        keys, mass = np.empty(starts[-1], np.uint64), np.empty(starts[-1])
        filled, rest = np.zeros(self.longest + 1, np.int64), np.empty(len(evidence), np.int64)
        left = choice_sets.count_rankings(
            evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, wins,
            self.bases, self.binomials, self.counts, self.bits, self.longest, starts, filled, keys, mass, rest,
        )  # fmt: skip
        for size in np.flatnonzero(filled).tolist():
            own = slice(starts[size], starts[size] + filled[size])
            self.packed.setdefault(size, []).append((keys[own], mass[own]))
        return rest[:left]

    def count_rows(
        self,
        sizes: NDArray[np.int32],
        split: NDArray[np.int32],
        picks: NDArray[np.int32],
        mass: Floats,
        members: NDArray[np.int32],
        rows: int,
    ) -> int:
        """Count choices of other ballots; returns how many rows are left at the front."""
        key_sizes, keys, key_mass = np.empty(rows, np.int32), np.empty(rows, np.uint64), np.empty(rows)
        packed, left = choice_sets.count_rows(
            sizes, split, picks, mass, members, rows,
            self.bases, self.binomials, self.counts, self.bits, self.longest, key_sizes, keys, key_mass,
        )  # fmt: skip
        for size in np.flatnonzero(np.bincount(key_sizes[:packed])).tolist():
            own = np.flatnonzero(key_sizes[:packed] == size)
            self.packed.setdefault(size, []).append((keys[own], key_mass[own]))
        return int(left)

    def listed(self) -> tuple[NDArray[np.int32], Floats, NDArray[np.int32]]:
        """Size, mass and members of every set that was chosen from, by size."""
        none = np.empty(0, np.int32)
        parts = [(none, np.empty(0), none)]
        for size in range(2, self.longest + 1):
            mass, members = self._table(size) if self.bases[size] >= 0 else self._merged(size)
            parts.append((np.full(len(mass), size, np.int32), mass, members))
        sizes, mass, members = (np.concatenate(column) for column in zip(*parts, strict=True))
        return sizes, mass, members

    def _table(self, size: int) -> tuple[Floats, NDArray[np.int32]]:
        counts = self.counts[self.bases[size] : self.bases[size] + math.comb(self.binomials.shape[1], size)]
        used = int(np.count_nonzero(counts))
        mass, members = np.empty(used), np.empty(used * size, np.int32)
        choice_sets.list_table(counts, size, mass, members)
        return mass, members

    def _merged(self, size: int) -> tuple[Floats, NDArray[np.int32]]:
        parts = self.packed.pop(size, [])
        if not parts:
            return np.empty(0), np.empty(0, np.int32)
        keys, mass = (
            parts[0] if len(parts) == 1 else tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        )
        other_keys, other_mass = np.empty_like(keys), np.empty_like(mass)
        rows, swapped = choice_sets.merge_keys(keys, mass, other_keys, other_mass, size * self.bits)
        if swapped:
            keys, mass = other_keys, other_mass
        members = np.empty(rows * size, np.int32)
        choice_sets.unpack(keys[:rows], size, self.bits, members)
        return mass[:rows], members


@dataclass(slots=True)
class _Grouped:
    """Distinct rows and the open-addressing table that finds them; the table is at most half full."""

    rows: int
    table: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    split: NDArray[np.int32]
    picks: NDArray[np.int32]
    mass: Floats

    @classmethod
    def empty(cls) -> _Grouped:
        none = np.empty(0, np.int32)
        table, hashes, starts = np.zeros(2, np.int32), np.empty(0, np.uint64), np.zeros(1, np.int64)
        return cls(0, table, hashes, starts, none, none, none, np.empty(0))

    def insert(
        self,
        sizes: NDArray[np.int32],
        split: NDArray[np.int32],
        picks: NDArray[np.int32],
        mass: Floats,
        members: NDArray[np.int32],
        count: int,
    ) -> None:
        self._make_room(self.rows + count, int(self.starts[self.rows]) + int(sizes[:count].sum()))
        self.rows = kernels.insert(
            sizes, split, picks, mass, members, count,
            self.table, self.hashes, self.starts, self.members, self.split, self.picks, self.mass, self.rows,
        )  # fmt: skip

    def _make_room(self, rows: int, places: int) -> None:
        self.members = _grown(self.members, places)
        if rows <= len(self.mass):
            return
        room = max(rows, 2 * len(self.mass))
        self.hashes, self.starts = _resized(self.hashes, room), _resized(self.starts, room + 1)
        self.split, self.picks = _resized(self.split, room), _resized(self.picks, room)
        self.mass = _resized(self.mass, room)
        self.table = np.zeros(1 << (2 * room - 1).bit_length(), np.int32)
        kernels.fill_table(self.table, self.hashes, self.rows)


def _grown(values: NDArray[Any], needed: int) -> NDArray[Any]:
    """`values`, or a copy at least twice as long where `needed` does not fit."""
    if needed <= len(values):
        return values
    return _resized(values, max(needed, 2 * len(values)))


def _resized(values: NDArray[Any], length: int) -> NDArray[Any]:
    longer = np.empty(length, values.dtype)
    longer[: len(values)] = values
    return longer
