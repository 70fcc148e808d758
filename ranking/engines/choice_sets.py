"""The compiled loops that count how often each set was chosen from. Importing this module loads numba.

A set of few items has a number, in one of two ways. Sizes with few possible sets have a *table* with a place for
every set: the place of an ascending set is its colexicographic rank, bases[size] + sum_j C(member_j, j + 1), and
`bases` is -1 for sizes without a table. Other sets are *packed* into one 64-bit key, `bits` bits a member, the largest
member in the highest ones; keys are sorted at the end and equal ones become one. `longest` is the largest size that
has either.

Sorting costs some 12 ns a key and keeps to the cache; one large hash table costs a miss for every choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

UNKNOWN_KEY = 1 << 40  # sorts after every positive rank and before every negative one
DIGIT = 8  # bits sorted by at a time


@compiled
def count_rankings(
    offsets: Array, slots: Array, ranks: Array, weight: Array, wins: Array,
    bases: Array, binomials: Array, counts: Array, bits: int, longest: int,
    starts: Array, filled: Array, keys: Array, mass: Array, rest: Array,
) -> int:  # fmt: skip
    """Count the choices of pairs and of rankings without ties; list the other ballots that rank something in `rest`.

    A ranking may end in items without a rank. Keys of sets of n go to `keys[starts[n] + filled[n]]` and on. Wins are
    added to `wins`. Returns how many ballots are in `rest`. Cost: 60 ns a ranking of four.
    """
    order, sorts = np.empty(longest, np.int64), np.empty(longest, np.int64)
    alive = np.empty(longest, np.int64)
    left = 0
    for ballot in range(len(weight)):
        begin, w = offsets[ballot], weight[ballot]
        size = offsets[ballot + 1] - begin
        if size > longest:
            rest[left] = ballot
            left += 1
            continue
        seen, known, tied = 0, size, False
        for place in range(begin, begin + size):
            rank = np.int64(ranks[place])
            if 1 <= rank <= size:
                seen |= 1 << int(rank)
                order[rank - 1] = slots[place]
        if seen != (2 << size) - 2:  # not simply 1 to K
            known = 0
            for place in range(begin, begin + size):
                rank = np.int64(ranks[place])
                key = rank if rank > 0 else (UNKNOWN_KEY if rank == 0 else 2 * UNKNOWN_KEY + rank)
                if rank != 0:
                    known += 1
                position = place - begin
                while position > 0 and sorts[position - 1] > key:
                    sorts[position] = sorts[position - 1]
                    order[position] = order[position - 1]
                    position -= 1
                sorts[position] = key
                order[position] = slots[place]
            if known == 0:
                continue
            plain = known == size or (sorts[known] == UNKNOWN_KEY and sorts[size - 1] == UNKNOWN_KEY)
            for position in range(1, known):
                tied = tied or sorts[position - 1] == sorts[position]
            if not plain or (tied and size > 2):
                rest[left] = ballot
                left += 1
                continue
        alive[0] = order[size - 1]
        for stage in range(size - 2, -1, -1):  # from the last place up, so that each set is the one below and one more
            item, count = order[stage], size - stage
            position = count - 1
            while position > 0 and alive[position - 1] > item:
                alive[position] = alive[position - 1]
                position -= 1
            alive[position] = item
            if stage >= known:
                continue
            if tied:
                wins[item] += w / 2
                wins[order[stage + 1]] += w / 2
            else:
                wins[item] += w
            if bases[count] >= 0:
                place = bases[count]
                for position in range(count):
                    place += binomials[position + 1, alive[position]]
                counts[place] += w
            else:
                packed = np.uint64(0)
                for position in range(count):
                    packed |= np.uint64(alive[position]) << np.uint64(bits * position)
                at = starts[count] + filled[count]
                filled[count] += 1
                keys[at], mass[at] = packed, w
    return left


@compiled
def count_rows(
    sizes: Array, split: Array, picks: Array, mass: Array, members: Array, count: int,
    bases: Array, binomials: Array, counts: Array, bits: int, longest: int,
    key_sizes: Array, keys: Array, key_mass: Array,
) -> Any:  # fmt: skip
    """Count rows of `kernels.expand` in the tables or as keys, and move those that are neither to the front.

    Returns how many keys were written and how many rows are left.
    """
    source, target, packed, left = 0, 0, 0, 0
    for row in range(count):
        size = sizes[row]
        if split[row] > 0 or size > longest:
            for position in range(size):
                members[target + position] = members[source + position]
            target += size
            sizes[left], split[left], picks[left], mass[left] = size, split[row], picks[row], mass[row]
            left += 1
        elif bases[size] >= 0:
            place = bases[size]
            for position in range(size):
                place += binomials[position + 1, members[source + position]]
            counts[place] += mass[row]
        else:
            key = np.uint64(0)
            for position in range(size):
                key |= np.uint64(members[source + position]) << np.uint64(bits * position)
            key_sizes[packed], keys[packed], key_mass[packed] = size, key, mass[row]
            packed += 1
        source += size
    return packed, left


@compiled
def list_table(counts: Array, size: int, mass: Array, members: Array) -> None:
    """Write the sets of one table that were chosen from, in the order of their places."""
    rows = 0
    current = np.arange(size + 1)  # the last entry is a sentinel above every item
    current[size] = np.iinfo(np.int64).max
    for place in range(len(counts)):
        if counts[place] > 0:
            mass[rows] = counts[place]
            members[rows * size : (rows + 1) * size] = current[:size]
            rows += 1
        position = 0
        while current[position] + 1 == current[position + 1]:
            current[position] = position
            position += 1
        current[position] += 1


@compiled
def merge_keys(keys: Array, mass: Array, other_keys: Array, other_mass: Array, width: int) -> Any:
    """Sort keys of `width` bits with their mass, and make equal ones one, their mass added in the order it came in.

    `other_keys` and `other_mass` are room as large again. Returns how many there are, and whether they are there.
    """
    ends = np.empty(1 << DIGIT, np.int64)
    last = np.uint64((1 << DIGIT) - 1)
    swapped = False
    for low in range(0, width, DIGIT):
        shift = np.uint64(low)
        ends[:] = 0
        for place in range(len(keys)):
            ends[np.int64((keys[place] >> shift) & last)] += 1
        begin = 0
        for digit in range(len(ends)):
            begin, ends[digit] = begin + int(ends[digit]), begin
        for place in range(len(keys)):
            bucket = np.int64((keys[place] >> shift) & last)
            other_keys[ends[bucket]], other_mass[ends[bucket]] = keys[place], mass[place]
            ends[bucket] += 1
        keys, other_keys = other_keys, keys
        mass, other_mass = other_mass, mass
        swapped = not swapped
    rows = 0
    for place in range(len(keys)):
        if rows > 0 and keys[rows - 1] == keys[place]:
            mass[rows - 1] += mass[place]
        else:
            keys[rows], mass[rows] = keys[place], mass[place]
            rows += 1
    return rows, swapped


@compiled
def unpack(keys: Array, size: int, bits: int, members: Array) -> None:
    """Write the members of each key, ascending."""
    last = np.uint64((1 << bits) - 1)
    for row in range(len(keys)):
        for position in range(size):
            members[row * size + position] = (keys[row] >> np.uint64(bits * position)) & last
