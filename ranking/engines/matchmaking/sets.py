"""The sets that conflicts allow: how many there are, each with a number, and any of them by its number.

Mostly conflicts are between all members of a group: two versions of one system, the systems of one lab. A set of K then
takes at most one member from each group, so that with group sizes g there are

    e_K(g) = sum over all choices of K groups of the product of their sizes,

the elementary symmetric polynomial, which needs no listing. Sets under other conflicts are listed, up to `LISTED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from ranking.engines.matchmaking.situation import Situation, SituationError

LISTED = 100_000  # sets; a list of so many takes a fifth of a second and 20 MB


class Sets(Protocol):
    count: int

    def at(self, number: int) -> tuple[int, ...]:
        """The set with this number, from 0 to count - 1; members ascending by group."""
        ...

    def number(self, members: Sequence[int]) -> int:
        """The number of this set; `KeyError` for one that is not allowed."""
        ...


def count_of(sizes: Sequence[int], size: int) -> int:
    """e_K of group sizes: sets of K members of as many groups. Cost: K times the number of groups."""
    ways = [1] + [0] * size
    for many in sizes:
        for taken in range(size, 0, -1):
            ways[taken] += many * ways[taken - 1]
    return ways[size]


def allowed(situation: Situation) -> Sets:
    """Raises `SituationError` where conflicts are not between groups and leave too many sets to list."""
    groups = situation.groups
    if groups is not None:
        return _grouped(groups, situation.size)
    return _listed(situation.blocked.tobytes(), situation.count, situation.size)


def uniform(situation: Situation, without: Sequence[tuple[int, ...]], rng: np.random.Generator) -> tuple[int, ...]:
    """An allowed set that is none of these (distinct, allowed) ones, each equally likely; empty where there is none."""
    sets = allowed(situation)
    left = sets.count - len(without)
    if left <= 0:
        return ()
    number = _below(left, rng)
    for taken in sorted(sets.number(members) for members in without):
        if taken <= number:
            number += 1
    return sets.at(number)


class _Grouped:
    """Sets with one member each of K groups, numbered group by group. Cost of each method: the number of groups."""

    def __init__(self, groups: tuple[tuple[int, ...], ...], size: int) -> None:
        self._groups, self._size = groups, size
        self._place = {member: (at, turn) for at, group in enumerate(groups) for turn, member in enumerate(group)}
        # [i][k]: sets of k members from the groups i and later.
        self._ways = [[1] + [0] * size]
        for group in reversed(groups):
            after = self._ways[-1]
            self._ways.append([1, *(after[k] + len(group) * after[k - 1] for k in range(1, size + 1))])
        self._ways.reverse()
        self.count = self._ways[0][size]

    def at(self, number: int) -> tuple[int, ...]:
        members: list[int] = []
        wanted = self._size
        for at, group in enumerate(self._groups):
            if not wanted:
                break
            without = self._ways[at + 1][wanted]
            if number >= without:
                turn, number = divmod(number - without, self._ways[at + 1][wanted - 1])
                members.append(group[turn])
                wanted -= 1
        return tuple(members)

    def number(self, members: Sequence[int]) -> int:
        places = dict(self._place[member] for member in members)
        if len(places) != self._size or len(members) != self._size:
            raise KeyError(tuple(members))
        number, wanted = 0, self._size
        for at, turn in sorted(places.items()):
            number += self._ways[at + 1][wanted] + turn * self._ways[at + 1][wanted - 1]
            wanted -= 1
        return number


class _Listed:
    def __init__(self, sets: Sequence[tuple[int, ...]]) -> None:
        self._sets = sets
        self._number = {members: number for number, members in enumerate(sets)}
        self.count = len(sets)

    def at(self, number: int) -> tuple[int, ...]:
        return self._sets[number]

    def number(self, members: Sequence[int]) -> int:
        return self._number[tuple(sorted(members))]


@lru_cache(maxsize=256)
def _grouped(groups: tuple[tuple[int, ...], ...], size: int) -> Sets:
    return _Grouped(groups, size)


@lru_cache(maxsize=8)
def _listed(blocked: bytes, count: int, size: int) -> Sets:
    apart = np.frombuffer(blocked, np.bool_).reshape(count, count)
    later = [frozenset((np.flatnonzero(~apart[member, member + 1 :]) + member + 1).tolist()) for member in range(count)]
    sets: list[tuple[int, ...]] = []
    for members in _completed((), range(count), later, size):
        if len(sets) == LISTED:
            raise SituationError(
                f"conflicts that are not between groups leave more than {LISTED:,} sets, too many to list"
            )
        sets.append(members)
    return _Listed(sets)


def _completed(
    begun: tuple[int, ...], among: Sequence[int], later: Sequence[frozenset[int]], size: int
) -> Iterator[tuple[int, ...]]:
    """All sets of `size` that begin so and go on with members of `among`, ascending."""
    if len(begun) == size:
        yield begun
        return
    for member in among:
        rest = [other for other in among if other in later[member]]
        yield from _completed((*begun, member), rest, later, size)


def _below(bound: int, rng: np.random.Generator) -> int:
    """A whole number from 0 to bound - 1, each equally likely, however large."""
    bits = bound.bit_length()
    while True:
        number = int.from_bytes(rng.bytes((bits + 7) // 8), "big") >> (-bits % 8)
        if number < bound:
            return number
