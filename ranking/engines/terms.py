"""The sufficient statistics of a Plackett-Luce likelihood: wins, and how often each distinct set was chosen from.

Identical rankings are rare (of a million four-way ballots on 50 items nearly all are distinct), identical sets are
not: their three million choices come from a quarter of a million sets. Grouping by set is exact and makes one
evaluation of the likelihood ten times cheaper. `kernels` says what a term is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import kernels
from ranking.engines.evidence import Evidence

Floats = NDArray[np.float64]
TABLE = 1 << 22  # places of all tables of small sets together, 32 MB
CHUNK = 1 << 16  # rows expanded at a time: a few megabytes, so that they stay in the cache until grouped


@dataclass(frozen=True, eq=False, slots=True)
class Terms:
    """Grouped terms of M items: `wins` (M) and R rows, see `kernels`."""

    wins: Floats
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    split: NDArray[np.int32]
    mass: Floats

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, gradient (M) and information (M x M, minus the Hessian) at `theta`."""
        gradient, information = np.empty(len(theta)), np.empty((len(theta), len(theta)))
        value = kernels.evaluate(
            theta, self.wins, self.starts, self.members, self.split, self.mass, gradient, information
        )
        return float(value), gradient, information

    def components(self) -> list[list[int]]:
        """Groups of items joined by ballots, largest first. More than one: nothing links them but the prior."""
        parent = kernels.joined(self.starts, self.members, len(self.wins))
        groups: dict[int, list[int]] = {}
        for item, root in enumerate(parent.tolist()):
            groups.setdefault(root, []).append(item)
        return sorted(groups.values(), key=lambda group: (-len(group), group[0]))


def group(evidence: Evidence) -> Terms:
    """The terms of all ballots, expanded a chunk at a time.

    Sets of a size that has few possible sets are counted in a table with a place for each, the others are grouped in
    a hash table that grows by doubling. Cost: 20 to 100 ns a choice; memory about 50 bytes a distinct set of four.
    """
    wins = np.zeros(len(evidence.items))
    small, found = _Small.of(evidence), _Grouped.empty()
    sizes, split = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32)
    mass, members = np.empty(CHUNK), np.empty(4 * CHUNK, np.int32)
    ballot = 0
    while ballot < len(evidence):
        ballot, rows, wanted, wanted_places = kernels.expand(
            evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, ballot, wins,
            sizes, split, mass, members,
        )  # fmt: skip
        rows = small.count(sizes, split, mass, members, rows)
        found.insert(sizes, split, mass, members, rows)
        sizes, split, mass = _grown(sizes, wanted), _grown(split, wanted), _grown(mass, wanted)
        members = _grown(members, wanted_places)
    return _joined(wins, *small.listed(), found)


def _joined(wins: Floats, sizes: NDArray[np.int32], mass: Floats, members: NDArray[np.int32], found: _Grouped) -> Terms:
    shift = len(members)
    starts = np.concatenate([[0], np.cumsum(sizes), found.starts[1 : found.rows + 1] + shift]).astype(np.int64)
    return Terms(
        wins,
        starts,
        np.concatenate([members, found.members[: starts[-1] - shift]]),
        np.concatenate([np.zeros(len(sizes), np.int32), found.split[: found.rows]]),
        np.concatenate([mass, found.mass[: found.rows]]),
    )


@dataclass(slots=True)
class _Small:
    """Tables of choice counts with a place for every set of some sizes."""

    bases: NDArray[np.int64]
    binomials: NDArray[np.int64]
    counts: Floats

    @classmethod
    def of(cls, evidence: Evidence) -> _Small:
        """Tables for the sizes up to the first with more sets than the evidence has slots, or than `TABLE` holds."""
        items = len(evidence.items)
        longest = int(np.diff(evidence.offsets).max()) if len(evidence) else 1
        bases, total = np.full(longest + 1, -1, np.int64), 0
        for size in range(2, longest + 1):
            sets = math.comb(items, size)
            if sets > len(evidence.slots) or total + sets > TABLE:
                break
            bases[size], total = total, total + sets
        sizes = [size for size in range(longest + 1) if bases[size] >= 0]
        most = max(sizes, default=0)
        binomials = np.array([[math.comb(item, size) for item in range(items)] for size in range(most + 1)], np.int64)
        return cls(bases, binomials.reshape(most + 1, items), np.zeros(total))

    def count(
        self, sizes: NDArray[np.int32], split: NDArray[np.int32], mass: Floats, members: NDArray[np.int32], rows: int
    ) -> int:
        left = kernels.count_small(sizes, split, mass, members, rows, self.bases, self.binomials, self.counts)
        return int(left)

    def listed(self) -> tuple[NDArray[np.int32], Floats, NDArray[np.int32]]:
        """Size, mass and members of every set that was chosen from."""
        none = np.empty(0, np.int32)
        parts = [(none, np.empty(0), none)]
        items = self.binomials.shape[1]
        for size in np.flatnonzero(self.bases >= 0).tolist():
            counts = self.counts[self.bases[size] : self.bases[size] + math.comb(items, size)]
            used = int(np.count_nonzero(counts))
            part = (np.empty(used, np.int32), np.empty(used), np.empty(used * size, np.int32))
            kernels.list_small(counts, size, *part)
            parts.append(part)
        sizes, mass, members = zip(*parts, strict=True)
        return np.concatenate(sizes), np.concatenate(mass), np.concatenate(members)


@dataclass(slots=True)
class _Grouped:
    """Distinct rows and the open-addressing table that finds them; the table is at most half full."""

    rows: int
    table: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    split: NDArray[np.int32]
    mass: Floats

    @classmethod
    def empty(cls) -> _Grouped:
        none = np.empty(0, np.int32)
        return cls(0, np.zeros(2, np.int32), np.empty(0, np.uint64), np.zeros(1, np.int64), none, none, np.empty(0))

    def insert(
        self, sizes: NDArray[np.int32], split: NDArray[np.int32], mass: Floats, members: NDArray[np.int32], count: int
    ) -> None:
        self._make_room(self.rows + count, int(self.starts[self.rows]) + int(sizes[:count].sum()))
        self.rows = kernels.insert(
            sizes, split, mass, members, count,
            self.table, self.hashes, self.starts, self.members, self.split, self.mass, self.rows,
        )  # fmt: skip

    def _make_room(self, rows: int, places: int) -> None:
        self.members = _grown(self.members, places)
        if rows <= len(self.mass):
            return
        room = max(rows, 2 * len(self.mass))
        self.hashes, self.starts = _resized(self.hashes, room), _resized(self.starts, room + 1)
        self.split, self.mass = _resized(self.split, room), _resized(self.mass, room)
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
