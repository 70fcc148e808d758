"""The compiled loops of the Plackett-Luce likelihood, in one file: the compile cache of a caller does not notice a
change in another file. Importing this module loads numba.

A ballot is taken apart into *terms* of three kinds, and equal terms of different ballots become one:

- a win: item a is chosen, worth +theta_a;
- a choice from a set S: worth -log sum_{i in S} exp theta_i;
- a *chain*, the choices of one long ranking: from S, from S without its first member, and so on, `picks` times;
- "all of N before any of B" (`split` = |N| > 0): worth log P(N before B), see `log_before`.

A tied bucket is the average over its orders. That average needs no orders: the set left after the first j picks of
a tied bucket T is S minus a uniformly random j-subset of T, so the bucket contributes the choice sets S \\ U of all
U in T with mass 1 / C(|T|, |U|), 2^|T| - 1 terms instead of |T|!. Where a size has more than `MAX_SUBSETS` subsets,
that many are drawn at random (unbiased); the draw depends on the sets alone, not on the order of ballots.

Rows are stored flat: row r has the items `members[starts[r]:starts[r + 1]]` (N then B when split, each ascending; of a
chain the picked ones in their order, then the rest ascending), `split[r]`, `picks[r]` (1 unless a chain) and `mass[r]`.

Each set of a chain is a tail of the one before, so sums run along: a ranking of K costs K^2 with its derivatives, and K
without, where its sets one by one cost K^3 and K^2. Single sets are for short ballots, of which many are alike.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

MAX_SUBSETS = 128  # exact up to nine tied items: C(9, 4) = 126
UNKNOWN_KEY = 1 << 40  # sorts after every positive rank and before every negative one
MAX_ENUMERATED = 4  # up to 24 completions are summed one by one, more are integrated
NODE_STEP = 0.2  # trapezoid step; the error falls like exp(-pi^2 / step), 4e-22 before constants
PARTIAL_SUM = 1024  # rows: a sum of partial sums rounds like the root of their number, not like all rows in one sum
ONLINE_ITERATIONS = 40  # three to five are usual; a surprise against a wide prior walks ONLINE_STEP at a time
ONLINE_STEP = 3.0  # logits
ONLINE_TOLERANCE = 1e-7  # logits
GROUP_ITERATIONS = 50  # of the deviations of one group; three to five are usual
GROUP_HALVINGS = 30
GROUP_TOLERANCE = 1e-9  # logits
THIRD_STEP = 1e-3  # posterior standard deviations of a deviation, of a finite difference
NEAR = 300.0  # logits, up to which exponentials and their products need no logarithms
NODE_LOW = -34.0  # exp(-34) = 2e-15 of the mass lies below


@compiled
def first_repeated(offsets: Array, slots: Array, n_items: int) -> int:
    """The first ballot that shows an item twice, or -1."""
    last = np.full(n_items, -1, np.int64)
    for ballot in range(len(offsets) - 1):
        for place in range(offsets[ballot], offsets[ballot + 1]):
            if last[slots[place]] == ballot:
                return ballot
            last[slots[place]] = ballot
    return -1


@compiled
def sound(
    offsets: Array,
    slots: Array,
    ranks: Array,
    all_bad: Array,
    strength: Array,
    weight: Array,
    n_items: int,
    most: float,
) -> bool:
    """Whether every ballot is as `Evidence` promises; which one is not, and why, is found out by slower means."""
    last = np.full(n_items, -1, np.int64)
    for ballot in range(len(weight)):
        begin, end = offsets[ballot], offsets[ballot + 1]
        known = False
        for place in range(begin, end):
            item = slots[place]
            if item < 0 or item >= n_items or last[item] == ballot:
                return False
            last[item] = ballot
            known = known or ranks[place] != 0
        decided = end - begin == 2 and ranks[begin] != ranks[begin + 1]
        if not (
            end - begin >= 2
            and 0 < weight[ballot] <= most
            and not (known and all_bad[ballot])
            and (strength[ballot] == 0 or (decided and 1 <= strength[ballot] <= 3))
        ):
            return False
    return True


@compiled
def any_rank(offsets: Array, ranks: Array, found: Array) -> None:
    """Mark the ballots of which some rank is known."""
    for ballot in range(len(found)):
        known = False
        for place in range(offsets[ballot], offsets[ballot + 1]):
            known = known or ranks[place] != 0
        found[ballot] = known


@compiled
def count_shown(slots: Array, found: Array) -> None:
    """Count each item. numpy's bincount would first copy the slots to wider numbers."""
    for place in range(len(slots)):
        found[slots[place]] += 1


@compiled
def mix(value: Any) -> Any:
    """The splitmix64 finaliser: a bijection of 64-bit numbers with well spread output."""
    value = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def sort_ballot(slots: Array, ranks: Array, begin: int, end: int, order: Array, keys: Array) -> int:
    """Fill `order` with the items best first and `keys` with their rank keys; return how many ranks are known."""
    known = 0
    for place in range(begin, end):
        rank = np.int64(ranks[place])
        key = rank if rank > 0 else (UNKNOWN_KEY if rank == 0 else 2 * UNKNOWN_KEY + rank)
        known += rank != 0
        position = place - begin
        while position > 0 and keys[position - 1] > key:
            keys[position] = keys[position - 1]
            order[position] = order[position - 1]
            position -= 1
        keys[position] = key
        order[position] = slots[place]
    return known


@compiled
def copy_ascending(source: Array, begin: int, end: int, target: Array, at: int) -> None:
    """Write `source[begin:end]` in ascending order to `target[at:]`."""
    for place in range(begin, end):
        value = source[place]
        position = at + place - begin
        while position > at and target[position - 1] > value:
            target[position] = target[position - 1]
            position -= 1
        target[position] = value


@compiled
def tie_rows(tied: int) -> int:
    """How many choice sets a bucket of `tied` items makes at most."""
    if tied == 1:
        return 1
    rows, combinations = 1, 1.0
    for chosen in range(1, tied):
        combinations *= (tied - chosen + 1) / chosen
        rows += int(min(combinations + 0.5, MAX_SUBSETS))
    return rows


@compiled
def ballot_rows(keys: Array, size: int) -> int:
    """How many rows one ballot makes at most (each has at most `size` members)."""
    rows, place = 1, 0
    while place < size:
        end = place + 1
        while end < size and keys[end] == keys[place]:
            end += 1
        if keys[place] != UNKNOWN_KEY:
            rows += tie_rows(end - place)
        place = end
    return rows


@compiled
def fill_table(table: Array, hashes: Array, rows: int) -> None:
    """Enter the first `rows` rows into the empty open-addressing `table`, whose length is a power of two."""
    last = len(table) - 1
    for row in range(rows):
        place = np.int64(hashes[row] & np.uint64(last))
        while table[place] != 0:
            place = (place + 1) & last
        table[place] = row + 1


@compiled
def without(alive: Array, size: int, item: int) -> int:
    """Remove `item` from the ascending list `alive`; return the new size."""
    place = 0
    while alive[place] != item:
        place += 1
    for position in range(place, size - 1):
        alive[position] = alive[position + 1]
    return size - 1


@compiled
def next_subset(picked: Array, chosen: int, count: int) -> None:
    """The next `chosen`-subset of range(count) in lexicographic order, in place."""
    place = chosen - 1
    while place >= 0 and picked[place] == count - chosen + place:
        place -= 1
    if place < 0:
        return
    picked[place] += 1
    for position in range(place + 1, chosen):
        picked[position] = picked[position - 1] + 1


@compiled
def expand_tie(
    alive: Array, size: int, tied: Array, weight: float, wins: Array,
    sizes: Array, split: Array, mass: Array, members: Array, rows: int, used: int,
) -> Any:  # fmt: skip
    """The choices of a tied bucket: `alive` without each proper subset of `tied`, averaged over subsets of a size."""
    n_tied = len(tied)
    state = np.uint64(n_tied)
    for place in range(size):
        state = mix(state ^ np.uint64(alive[place]))
    for place in range(n_tied):
        state = mix(state ^ np.uint64(tied[place]))
    picked = np.empty(n_tied, np.int64)
    gone = np.zeros(size, np.bool_)
    combinations = 1.0
    for chosen in range(n_tied):
        if chosen > 0:
            combinations *= (n_tied - chosen + 1) / chosen
        every = combinations < MAX_SUBSETS + 0.5
        count = int(combinations + 0.5) if every else MAX_SUBSETS
        for place in range(n_tied):
            picked[place] = place
        for _ in range(count):
            if not every:
                for place in range(chosen):
                    state = mix(state)
                    other = place + np.int64(state % np.uint64(n_tied - place))
                    picked[place], picked[other] = picked[other], picked[place]
            gone[:] = False
            for place in range(chosen):
                gone[np.searchsorted(alive[:size], tied[picked[place]])] = True
            begin = used
            for place in range(size):
                if not gone[place]:
                    members[used] = alive[place]
                    used += 1
            if used - begin == 1:  # a set of one is no choice: its -theta cancels against the win
                used = begin
                wins[members[begin]] -= weight / count
            else:
                sizes[rows], split[rows], mass[rows] = used - begin, 0, weight / count
                rows += 1
            if every:
                next_subset(picked, chosen, n_tied)
    return rows, used


@compiled
def picked_alone(keys: Array, place: int, size: int) -> bool:
    """Whether the item at `place` is a choice of its own, known and not tied with the next."""
    return place + 1 < size and keys[place] != UNKNOWN_KEY and keys[place] != keys[place + 1]


@compiled
def expand(
    offsets: Array, slots: Array, ranks: Array, weight: Array, ballot: int, wins: Array, longest_set: int,
    sizes: Array, split: Array, picks: Array, mass: Array, members: Array,
) -> Any:  # fmt: skip
    """Write the terms of the ballots from `ballot` on, while they surely fit.

    Choices one after the other that begin with a set of more than `longest_set` become a chain. Wins are added to
    `wins`. Returns (next ballot, rows written, rows and members that the next ballot may want).
    """
    longest = 1
    for current in range(ballot, len(weight)):
        longest = max(longest, offsets[current + 1] - offsets[current])
    order, keys, alive = np.empty(longest, np.int32), np.empty(longest, np.int64), np.empty(longest, np.int32)
    picks[:] = 1
    rows, used = 0, 0
    for current in range(ballot, len(weight)):
        begin, w = offsets[current], weight[current]
        size = offsets[current + 1] - begin
        if sort_ballot(slots, ranks, begin, begin + size, order, keys) == 0:
            continue
        most = ballot_rows(keys, size)
        if rows + most > len(mass) or used + most * size > len(members):
            return current, rows, most, most * size
        copy_ascending(order, 0, size, alive, 0)
        place = 0
        while place < size:
            stop = place + 1
            while stop < size and keys[stop] == keys[place]:
                stop += 1
            left = size - place
            hidden = keys[place] == UNKNOWN_KEY
            if left > longest_set and not hidden and stop - place == 1 and picked_alone(keys, stop, size):
                while picked_alone(keys, stop, size):
                    stop += 1
                for position in range(place, stop):
                    wins[order[position]] += w
                    members[used + position - place] = order[position]
                    left = without(alive, left, order[position])
                for position in range(left):
                    members[used + stop - place + position] = alive[position]
                sizes[rows], split[rows], picks[rows], mass[rows] = size - place, 0, stop - place, w
                used += size - place
                rows += 1
                place = stop
                continue
            if left == 1 or (hidden and stop == size):
                break  # the last item, or an unknown tail: nothing was chosen
            if hidden and stop - place > 1:
                copy_ascending(order, place, stop, members, used)
                copy_ascending(order, stop, size, members, used + stop - place)
                sizes[rows], split[rows], mass[rows] = left, stop - place, w
                used += left
                rows += 1
            else:
                for position in range(place, stop):
                    wins[order[position]] += w
                if stop - place == 1:
                    for position in range(left):
                        members[used + position] = alive[position]
                    sizes[rows], split[rows], mass[rows] = left, 0, w
                    used += left
                    rows += 1
                else:
                    rows, used = expand_tie(
                        alive, left, order[place:stop], w, wins, sizes, split, mass, members, rows, used
                    )
            for position in range(place, stop):
                left = without(alive, left, order[position])
            place = stop
    return len(weight), rows, 0, 0


@compiled
def insert(
    sizes: Array, new_split: Array, new_picks: Array, new_mass: Array, new_members: Array, count: int,
    table: Array, hashes: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array, rows: int,
) -> int:  # fmt: skip
    """Add `count` rows to the grouped ones: mass to the equal row, or a new row. Returns the number of rows.

    One loop without calls on arrays: passing them costs more than the work.
    """
    last = len(table) - 1
    source = 0
    for new in range(count):
        size, n_before, in_turn = sizes[new], new_split[new], new_picks[new]
        key = np.uint64(n_before) + (np.uint64(in_turn - 1) << np.uint64(32))
        for place in range(source, source + size):
            key = mix(key ^ np.uint64(new_members[place]))
        slot = np.int64(key & np.uint64(last))
        while True:
            row = table[slot] - 1
            if row < 0:
                table[slot] = rows + 1
                hashes[rows], split[rows], picks[rows], mass[rows] = key, n_before, in_turn, new_mass[new]
                begin = starts[rows]
                for place in range(size):
                    members[begin + place] = new_members[source + place]
                rows += 1
                starts[rows] = begin + size
                break
            begin = starts[row]
            if hashes[row] == key and starts[row + 1] - begin == size:
                same = split[row] == n_before and picks[row] == in_turn
                for place in range(size):
                    same = same and members[begin + place] == new_members[source + place]
                if same:
                    mass[row] += new_mass[new]
                    break
            slot = (slot + 1) & last
        source += size
    return rows


@compiled
def joined(starts: Array, members: Array, n_items: int) -> Array:
    """For each item, the representative of the items it is linked to by rows (union-find)."""
    parent = np.arange(n_items)
    groups = n_items
    for row in range(len(starts) - 1):
        if groups == 1:
            break
        first = members[starts[row]]
        while parent[first] != first:
            first = parent[first]
        for place in range(starts[row] + 1, starts[row + 1]):
            item = members[place]
            while parent[item] != item:
                parent[item] = parent[parent[item]]
                item = parent[item]
            groups -= item != first
            parent[item] = first
    for item in range(n_items):
        root = item
        while parent[root] != root:
            root = parent[root]
        parent[item] = root
    return parent


@compiled
def enumerate_before(a: Array, n: int, slope: Array, curvature: Array) -> float:
    """`log_before` by summing over the n! completions; every completion is a chain of choices."""
    orders = 1
    for factor in range(2, n + 1):
        orders *= factor
    value = np.empty(orders)
    gradients, hessians = np.zeros((orders, n)), np.zeros((orders, n, n))
    left = np.empty(n, np.int64)
    p = np.empty(n)
    for order in range(orders):
        code, size, total = order, n, 0.0
        for i in range(n):
            left[i] = i
        for _ in range(n):
            top = 0.0  # the whole of B is one more alternative, at 0
            for k in range(size):
                top = max(top, a[left[k]])
            mass = math.exp(-top)
            for k in range(size):
                p[k] = math.exp(a[left[k]] - top)
                mass += p[k]
            pick = code % size
            code //= size
            total += a[left[pick]] - top - math.log(mass)
            gradients[order, left[pick]] += 1.0
            for k in range(size):
                share = p[k] / mass
                gradients[order, left[k]] -= share
                hessians[order, left[k], left[k]] -= share
                for m in range(size):
                    hessians[order, left[k], left[m]] += share * p[m] / mass
            size -= 1
            for k in range(pick, size):
                left[k] = left[k + 1]
        value[order] = total
    best = value.max()
    mass = 0.0
    for order in range(orders):
        value[order] = math.exp(value[order] - best)
        mass += value[order]
    slope[:n] = 0.0
    curvature[:n, :n] = 0.0
    for order in range(orders):
        share = value[order] / mass
        for i in range(n):
            slope[i] += share * gradients[order, i]
            for j in range(n):
                curvature[i, j] += share * (hessians[order, i, j] + gradients[order, i] * gradients[order, j])
    for i in range(n):
        for j in range(n):
            curvature[i, j] -= slope[i] * slope[j]
    return float(best + math.log(mass))


@compiled
def integrate_before(a: Array, n: int, slope: Array, curvature: Array) -> float:
    """`log_before` by the trapezoid rule on a line, where it converges exponentially; any n, cost linear in n.

    With unit exponential time T of the first of B, P = E prod_i (1 - exp(-exp(a_i) T)), and T = exp(v).
    """
    high = math.log(n + 60.0)
    nodes = int((high - NODE_LOW) / NODE_STEP) + 1
    value = np.empty(nodes)
    for node in range(nodes):
        v = NODE_LOW + node * NODE_STEP
        total = v - math.exp(v)
        for i in range(n):
            x = math.exp(min(a[i] + v, 700.0))
            total += a[i] + v if x < 1e-9 else math.log(-math.expm1(-x))
        value[node] = total
    best = value.max()
    mass = 0.0
    slope[:n] = 0.0
    curvature[:n, :n] = 0.0
    r = np.empty(n)
    for node in range(nodes):
        share = math.exp(value[node] - best)
        mass += share
        if share < 1e-30:
            continue
        v = NODE_LOW + node * NODE_STEP
        for i in range(n):
            x = math.exp(min(a[i] + v, 700.0))
            r[i] = x / math.expm1(x) if x > 1e-9 else 1.0 - 0.5 * x
            slope[i] += share * r[i]
            curvature[i, i] += share * r[i] * (1.0 - x - r[i])
        for i in range(n):
            for j in range(n):
                curvature[i, j] += share * r[i] * r[j]
    for i in range(n):
        slope[i] /= mass
    for i in range(n):
        for j in range(n):
            curvature[i, j] = curvature[i, j] / mass - slope[i] * slope[j]
    return float(best + math.log(mass * NODE_STEP))


@compiled
def add_before(theta: Array, row: Array, n: int, weight: float, gradient: Array, information: Array) -> float:
    """Add one "all of row[:n] before any of row[n:]" term to the gradient and the information; return its value.

    It depends on a_i = theta_i - log sum_B exp theta alone, so the derivatives in a are carried over by the chain
    rule. The event is convex in the latent utilities theta + Gumbel noise, whose density is log-concave, so the
    term is concave (Prekopa) and its information is positive semidefinite without clipping.
    """
    size = len(row)
    top = theta[row[n]]
    for k in range(n, size):
        top = max(top, theta[row[k]])
    p = np.empty(size)
    total = 0.0
    for k in range(n, size):
        p[k] = math.exp(theta[row[k]] - top)
        total += p[k]
    a = np.empty(n)
    for k in range(n):
        a[k] = theta[row[k]] - top - math.log(total)
    for k in range(n, size):
        p[k] /= total
    slope, curvature = np.empty(n), np.empty((n, n))
    if n <= MAX_ENUMERATED:
        value = enumerate_before(a, n, slope, curvature)
    else:
        value = integrate_before(a, n, slope, curvature)
    across = np.zeros(n)
    for i in range(n):
        for j in range(n):
            across[i] += curvature[i, j]
            information[row[i], row[j]] -= weight * curvature[i, j]
        gradient[row[i]] += weight * slope[i]
    push, bend = slope.sum(), across.sum()
    for k in range(n, size):
        gradient[row[k]] -= weight * push * p[k]
        information[row[k], row[k]] += weight * push * p[k]
        for i in range(n):
            information[row[i], row[k]] += weight * across[i] * p[k]
            information[row[k], row[i]] += weight * across[i] * p[k]
        for m in range(n, size):
            information[row[k], row[m]] -= weight * (push + bend) * p[k] * p[m]
    return weight * value


@compiled
def add_choices(
    theta: Array, table: Array, top: float, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    gradient: Array, information: Array,
) -> float:  # fmt: skip
    """Add all choices to the gradient and, below the diagonal, to minus the information; return their value.

    `table` holds exp(theta - top). Sets of three and four have code of their own, twice as fast as the loop.
    """
    longest = 0
    for row in range(len(mass)):
        longest = max(longest, starts[row + 1] - starts[row])
    p = np.empty(longest)
    value, part = 0.0, 0.0
    for row in range(len(mass)):
        if row % PARTIAL_SUM == 0:
            value, part = value + part, 0.0
        begin, end, weight = starts[row], starts[row + 1], mass[row]
        if split[row] > 0 or picks[row] > 1:
            continue
        if end - begin == 4:
            a, b, c, d = members[begin], members[begin + 1], members[begin + 2], members[begin + 3]
            at_a, at_b, at_c, at_d = table[a], table[b], table[c], table[d]
            total = (at_a + at_b) + (at_c + at_d)
            part -= weight * (top + math.log(total))
            scale = weight / total
            gradient[a] -= scale * at_a
            gradient[b] -= scale * at_b
            gradient[c] -= scale * at_c
            gradient[d] -= scale * at_d
            scale /= total
            information[b, a] -= scale * at_b * at_a
            information[c, a] -= scale * at_c * at_a
            information[c, b] -= scale * at_c * at_b
            information[d, a] -= scale * at_d * at_a
            information[d, b] -= scale * at_d * at_b
            information[d, c] -= scale * at_d * at_c
        elif end - begin == 3:
            a, b, c = members[begin], members[begin + 1], members[begin + 2]
            at_a, at_b, at_c = table[a], table[b], table[c]
            total = at_a + at_b + at_c
            part -= weight * (top + math.log(total))
            scale = weight / total
            gradient[a] -= scale * at_a
            gradient[b] -= scale * at_b
            gradient[c] -= scale * at_c
            scale /= total
            information[b, a] -= scale * at_b * at_a
            information[c, a] -= scale * at_c * at_a
            information[c, b] -= scale * at_c * at_b
        else:
            total = 0.0
            for place in range(begin, end):
                p[place - begin] = table[members[place]]
                total += p[place - begin]
            part -= weight * (top + math.log(total))
            scale = 1.0 / total
            for place in range(begin, end):
                item, share = members[place], weight * scale * p[place - begin]
                gradient[item] -= share
                for other in range(begin, place):
                    information[item, members[other]] -= share * scale * p[other - begin]
    return value + part


@compiled
def add_far_choices(
    theta: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    gradient: Array, information: Array,
) -> float:  # fmt: skip
    """The same as `add_choices` where the strengths are so far apart that one table of exponentials underflows."""
    longest = 0
    for row in range(len(mass)):
        longest = max(longest, starts[row + 1] - starts[row])
    p = np.empty(longest)
    value = 0.0
    for row in range(len(mass)):
        if split[row] > 0 or picks[row] > 1:
            continue
        begin, end, weight = starts[row], starts[row + 1], mass[row]
        shift = theta[members[begin]]
        for place in range(begin, end):
            shift = max(shift, theta[members[place]])
        total = 0.0
        for place in range(begin, end):
            p[place - begin] = math.exp(theta[members[place]] - shift)
            total += p[place - begin]
        value -= weight * (shift + math.log(total))
        scale = 1.0 / total
        for place in range(begin, end):
            item, share = members[place], weight * scale * p[place - begin]
            gradient[item] -= share
            for other in range(begin, place):
                information[item, members[other]] -= share * scale * p[other - begin]
    return value


@compiled
def chain_totals(theta: Array, row: Array, total: Array) -> None:
    """Fill `total` with log Z_k, Z_k being the sum of exp theta over `row[k:]`, however far apart the strengths are."""
    total[len(row) - 1] = theta[row[len(row) - 1]]
    for place in range(len(row) - 2, -1, -1):
        here, after = theta[row[place]], total[place + 1]
        total[place] = max(here, after) + math.log1p(math.exp(-abs(here - after)))


@compiled
def add_chain(theta: Array, row: Array, in_turn: int, weight: float, gradient: Array, information: Array) -> float:
    """Add the first `in_turn` choices of a chain to the gradient and, on one side of the diagonal, to the information.

    Items a and b are in the sets up to the place k of the first of them, so the product of their shares, summed, is
    that in set k times sum_{j <= k} (Z_k / Z_j)^2, where no ratio exceeds 1. In the sets after the last choice nothing
    is chosen.
    """
    size = len(row)
    total, share = np.empty(size), np.empty(size)  # shares of the last set
    chain_totals(theta, row, total)
    value, once, twice = 0.0, 0.0, 0.0
    for place in range(size):
        if place < in_turn:
            ratio = math.exp(total[place] - total[place - 1]) if place > 0 else 0.0
            once, twice = once * ratio + weight, twice * ratio**2 + weight
            value -= weight * total[place]
            if total[0] - total[in_turn - 1] > NEAR or place == 0:
                for later in range(place, size):
                    share[later] = math.exp(theta[row[later]] - total[place])
            else:
                for later in range(place, size):
                    share[later] *= 1 / ratio
        item, scale = row[place], twice * share[place]
        gradient[item] -= once * share[place]
        for later in range(place + 1, size):
            information[item, row[later]] -= scale * share[later]
    return value


@compiled
def evaluate(
    theta: Array, wins: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    gradient: Array, information: Array,
) -> float:  # fmt: skip
    """Log-likelihood at `theta`; fills its gradient and information (minus the Hessian, full and symmetric).

    Cost: some 15 ns a choice from four, of 20 or 200 items.
    """
    n_items = len(theta)
    information[:, :] = 0.0
    value = 0.0
    for item in range(n_items):
        value += wins[item] * theta[item]
        gradient[item] = wins[item]
    top = theta.max()
    if top - theta.min() < 600.0:
        table = np.exp(theta - top)
        value += add_choices(theta, table, top, starts, members, split, picks, mass, gradient, information)
    else:
        value += add_far_choices(theta, starts, members, split, picks, mass, gradient, information)
    for row in range(len(mass)):
        if picks[row] > 1:
            row_members = members[starts[row] : starts[row + 1]]
            value += add_chain(theta, row_members, picks[row], mass[row], gradient, information)
    for i in range(n_items):  # each pair was added on one side of the diagonal
        for j in range(i):
            information[i, j] += information[j, i]
            information[j, i] = information[i, j]
            information[i, i] -= information[i, j]  # a row adds up to zero: a choice knows only differences
            information[j, j] -= information[i, j]
    for row in range(len(mass)):
        if split[row] > 0:
            row_members = members[starts[row] : starts[row + 1]]
            value += add_before(theta, row_members, split[row], mass[row], gradient, information)
    return value


@compiled
def evaluate_before(theta: Array, starts: Array, members: Array, split: Array, mass: Array, information: Array) -> None:
    """The part of `evaluate`'s information that comes from "all of N before any of B"."""
    information[:, :] = 0.0
    gradient = np.zeros(len(theta))
    for row in range(len(mass)):
        if split[row] > 0:
            add_before(theta, members[starts[row] : starts[row + 1]], split[row], mass[row], gradient, information)


@compiled
def bend_chain(
    table: Array, row: Array, in_turn: int, weight: float, along: Array, third: Array, fourth: Array
) -> None:
    """`bend` for the first `in_turn` choices of a chain, on one side of the diagonal.

    As in `add_chain`, with the sums over the sets j up to k of (Z_k / Z_j)^2 times 1, the mean of set j and
    4 mean^2 - 2 variance: powers of y_a + y_b = along_a + along_b - 2 mean.
    """
    size = len(row)
    total, mean, square = np.empty(size), np.empty(size), np.empty(size)
    worth, course = table[row], along[row]
    rest, once, twice = 0.0, 0.0, 0.0
    for place in range(size - 1, -1, -1):
        share, here = worth[place], course[place]
        rest += share
        once += share * here
        twice += share * here**2
        total[place], mean[place] = rest, once / rest
        square[place] = twice / rest - mean[place] ** 2
    ones, means, squares, share = 0.0, 0.0, 0.0, 0.0
    for place in range(size):
        if place < in_turn:
            ratio = (total[place] / total[place - 1]) ** 2 if place > 0 else 0.0
            ones = ones * ratio + weight
            means = means * ratio + weight * mean[place]
            squares = squares * ratio + weight * (4 * mean[place] ** 2 - 2 * square[place])
            share = 1 / total[place]
        item, scale = row[place], worth[place] * share * share
        for later in range(place + 1, size):
            both, sum_of = scale * worth[later], course[place] + course[later]
            third[item, row[later]] += both * (ones * sum_of - 2 * means)
            fourth[item, row[later]] += both * (sum_of * (ones * sum_of - 4 * means) + squares)


@compiled
def bend(
    theta: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array, along: Array,
    third: Array, fourth: Array,
) -> None:  # fmt: skip
    """The third and the fourth derivatives of all choices, once and twice along a direction, full and symmetric.

    Of a choice with the shares p let y be the direction less its average under p, and v the average of y^2. Then
    d p_a = p_a y_a and d y_a = -v, and so the second derivative by a and b, p_a p_b, has the derivatives
    p_a p_b (y_a + y_b) and p_a p_b ((y_a + y_b)^2 - 2 v): one pass, without differences. Strengths must be nearer to
    each other than `NEAR`.
    """
    longest = 1
    for row in range(len(mass)):
        longest = max(longest, starts[row + 1] - starts[row])
    p, y = np.empty(longest), np.empty(longest)
    third[:, :] = 0.0
    fourth[:, :] = 0.0
    table = np.exp(theta - theta.max())
    for row in range(len(mass)):
        begin, size = starts[row], starts[row + 1] - starts[row]
        if split[row] > 0:
            continue
        if picks[row] > 1:
            bend_chain(table, members[begin : begin + size], picks[row], mass[row], along, third, fourth)
            continue
        total, mean, square = 0.0, 0.0, 0.0
        for k in range(size):
            p[k], y[k] = table[members[begin + k]], along[members[begin + k]]
            total += p[k]
            mean += p[k] * y[k]
        mean /= total
        for k in range(size):
            p[k] /= total
            y[k] -= mean
            square += p[k] * y[k] ** 2
        for k in range(1, size):
            item, share = members[begin + k], mass[row] * p[k]
            for m in range(k):
                other, both, sum_of = members[begin + m], share * p[m], y[k] + y[m]
                third[item, other] += both * sum_of
                fourth[item, other] += both * (sum_of**2 - 2 * square)
    for i in range(len(theta)):
        for j in range(i):
            third[i, j] += third[j, i]
            fourth[i, j] += fourth[j, i]
            third[j, i], fourth[j, i] = third[i, j], fourth[i, j]
            third[i, i] -= third[i, j]
            third[j, j] -= third[i, j]
            fourth[i, i] -= fourth[i, j]
            fourth[j, j] -= fourth[i, j]


@compiled
def solve(matrix: Array, right: Array) -> None:
    """Solve matrix @ x = right by elimination with partial pivoting, in place: `right` (n, m) becomes x."""
    n = len(matrix)
    for column in range(n):
        pivot = column
        for row in range(column + 1, n):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if pivot != column:
            for k in range(n):
                matrix[column, k], matrix[pivot, k] = matrix[pivot, k], matrix[column, k]
            for k in range(right.shape[1]):
                right[column, k], right[pivot, k] = right[pivot, k], right[column, k]
        for row in range(column + 1, n):
            factor = matrix[row, column] / matrix[column, column]
            for k in range(column, n):
                matrix[row, k] -= factor * matrix[column, k]
            for k in range(right.shape[1]):
                right[row, k] -= factor * right[column, k]
    for row in range(n - 1, -1, -1):
        for k in range(right.shape[1]):
            total = right[row, k]
            for column in range(row + 1, n):
                total -= matrix[row, column] * right[column, k]
            right[row, k] = total / matrix[row, row]


@compiled
def assimilate(mean: Array, covariance: Array, slots: Array, ranks: Array, weight: float) -> int:
    """Update `mean` and `covariance` in place by one ballot; return the number of iterations. See `online`."""
    size, n_items = len(slots), len(mean)
    order, keys = np.empty(size, np.int32), np.empty(size, np.int64)
    local = np.arange(size).astype(np.int32)
    if sort_ballot(local, ranks, 0, size, order, keys) == 0:
        return 0
    most = ballot_rows(keys, size)
    wins, starts = np.zeros(size), np.zeros(most + 1, np.int64)
    sizes, split, picks = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    mass, members = np.empty(most), np.empty(most * size, np.int32)
    _, rows, _, _ = expand(
        np.array([0, size]), local, ranks, np.array([weight]), 0, wins, size, sizes, split, picks, mass, members
    )
    for row in range(rows):
        starts[row + 1] = starts[row] + sizes[row]
    prior, near = np.empty(size), np.empty((size, size))
    for i in range(size):
        prior[i] = mean[slots[i]]
        for j in range(size):
            near[i, j] = covariance[slots[i], slots[j]]
    x = prior.copy()
    gradient, information = np.empty(size), np.empty((size, size))
    matrix, step = np.empty((size, size)), np.empty((size, 1))
    iterations = 0
    while iterations < ONLINE_ITERATIONS:
        iterations += 1
        evaluate(x, wins, starts, members, split[:rows], picks[:rows], mass[:rows], gradient, information)
        for i in range(size):
            step[i, 0] = prior[i] - x[i]
            for j in range(size):
                step[i, 0] += near[i, j] * gradient[j]
                matrix[i, j] = 1.0 if i == j else 0.0
                for k in range(size):
                    matrix[i, j] += near[i, k] * information[k, j]
        solve(matrix, step)
        longest = np.abs(step).max()
        scale = min(1.0, ONLINE_STEP / max(longest, 1e-300))
        for i in range(size):
            x[i] += scale * step[i, 0]
        if longest < ONLINE_TOLERANCE:
            break
    evaluate(x, wins, starts, members, split[:rows], picks[:rows], mass[:rows], gradient, information)
    for i in range(size):
        for j in range(size):
            matrix[i, j] = 1.0 if i == j else 0.0
            for k in range(size):
                matrix[i, j] += near[i, k] * information[k, j]
    across = np.empty((size, n_items))
    for i in range(size):
        for item in range(n_items):
            across[i, item] = covariance[slots[i], item]
    for item in range(n_items):
        for i in range(size):
            mean[item] += across[i, item] * gradient[i]
    inner = across.copy()
    solve(matrix, inner)
    bend = np.zeros((size, n_items))
    for i in range(size):
        for k in range(size):
            for item in range(n_items):
                bend[i, item] += information[i, k] * inner[k, item]
    for item in range(n_items):
        for other in range(item + 1):
            total = covariance[item, other]
            for i in range(size):
                total -= across[i, item] * bend[i, other]
            covariance[item, other] = total
            covariance[other, item] = total
    return iterations


@compiled
def expect(mean: Array, covariance: Array, slots: Array, starts: Array) -> None:
    """`assimilate`, for the covariance alone, a ranking of each battle in its most probable order."""
    for battle in range(len(starts) - 1):
        members = slots[starts[battle] : starts[battle + 1]]
        order = np.argsort(-mean[members], kind="mergesort")
        ranks = np.empty(len(members), np.int32)
        for place in range(len(members)):
            ranks[order[place]] = place + 1
        assimilate(mean.copy(), covariance, members, ranks, 1.0)


@compiled
def judge_ranking(
    order: Array, where: Array, eta: Array, begin: int, size: int, stages: int, slope: Array, bend: Array
) -> float:
    """`judge` for a ranking without ties: each choice set is a tail of the one before, so its sums run along."""
    value, total = 0.0, 0.0
    top = eta[begin]
    for place in range(begin + 1, begin + size):
        top = max(top, eta[place])
    rest = np.empty(size)
    for position in range(size - 1, -1, -1):
        total += math.exp(eta[begin + where[order[position]]] - top)
        rest[position] = total
    once, twice = 0.0, 0.0  # sums over the stages so far of 1 / rest and 1 / rest^2
    for position in range(size):
        place = where[order[position]]
        share = math.exp(eta[begin + place] - top)
        if position < stages:
            once += 1 / rest[position]
            twice += 1 / rest[position] ** 2
            value += eta[begin + place] - top - math.log(rest[position])
            slope[place] = 1.0
        slope[place] -= share * once
        bend[place, place] += share * once - share * share * twice
        for later in range(position + 1, size):
            other = where[order[later]]
            cross = share * math.exp(eta[begin + other] - top) * twice
            bend[place, other] -= cross
            bend[other, place] -= cross
    return value


@compiled
def judge_any(
    offsets: Array, slots: Array, ranks: Array, ballot: int, eta: Array, wins: Array, where: Array, most: int,
    slope: Array, bend: Array,
) -> float:  # fmt: skip
    """`judge` for every kind of ballot, through its terms. `wins` is all zero before and after."""
    begin, size = offsets[ballot], offsets[ballot + 1] - offsets[ballot]
    ascending = np.empty(size, np.int32)
    copy_ascending(slots, begin, begin + size, ascending, 0)
    places = np.empty(size, np.int64)
    local = np.empty(size)
    for k in range(size):
        places[k] = where[ascending[k]]
        local[k] = eta[begin + places[k]]
        where[ascending[k]] = k
    sizes, split, picks = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    mass, members, starts = np.empty(most), np.empty(most * size, np.int32), np.zeros(most + 1, np.int64)
    _, rows, _, _ = expand(
        offsets[ballot : ballot + 2], slots, ranks, np.ones(1), 0, wins, size, sizes, split, picks, mass, members
    )
    for row in range(rows):
        starts[row + 1] = starts[row] + sizes[row]
    for place in range(starts[rows]):
        members[place] = where[members[place]]
    chosen = np.empty(size)
    for k in range(size):
        chosen[k] = wins[ascending[k]]
        wins[ascending[k]] = 0.0
    gradient, information = np.empty(size), np.empty((size, size))
    value = evaluate(local, chosen, starts, members, split[:rows], picks[:rows], mass[:rows], gradient, information)
    for i in range(size):
        slope[places[i]] = gradient[i]
        for j in range(size):
            bend[places[i], places[j]] = information[i, j]
    return value


@compiled
def judge(
    offsets: Array, slots: Array, ranks: Array, ballot: int, eta: Array, wins: Array, where: Array,
    order: Array, keys: Array, slope: Array, bend: Array,
) -> float:  # fmt: skip
    """Log-likelihood of one ballot whose slots have the log-strengths `eta`, of weight 1.

    Fills `slope[:K]` and `bend[:K, :K]`, the gradient and the information in the order of its slots. `wins` (M, zero),
    `where` (M), `order` and `keys` (longest ballot) are room to work in. Agrees with `evaluate` on all terms.
    """
    begin, size = offsets[ballot], offsets[ballot + 1] - offsets[ballot]
    slope[:size] = 0.0
    bend[:size, :size] = 0.0
    if sort_ballot(slots, ranks, begin, begin + size, order, keys) == 0:
        return 0.0
    low, high = eta[begin], eta[begin]
    for place in range(size):
        where[slots[begin + place]] = place
        low, high = min(low, eta[begin + place]), max(high, eta[begin + place])
    stages = 0
    while stages < size and (stages + 1 == size or keys[stages] != keys[stages + 1]):
        stages += 1
    plain = stages == size or (keys[stages] == UNKNOWN_KEY and keys[size - 1] == UNKNOWN_KEY)
    if plain and high - low < NEAR:  # no square of a tail's total can underflow
        if keys[size - 1] == UNKNOWN_KEY:
            stages = min(stages, size - 1)
        return judge_ranking(order, where, eta, begin, size, min(stages, size - 1), slope, bend)
    return judge_any(offsets, slots, ranks, ballot, eta, wins, where, ballot_rows(keys, size), slope, bend)


@compiled
def ballot_scores(
    offsets: Array, slots: Array, ranks: Array, eta: Array, n_items: int, values: Array, scores: Array
) -> None:
    """The log-likelihood of each ballot and its gradient with respect to the log-strength at each slot."""
    longest = 1
    for ballot in range(len(values)):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    wins, where = np.zeros(n_items), np.empty(n_items, np.int64)
    order, keys = np.empty(longest, np.int32), np.empty(longest, np.int64)
    slope, bend = np.empty(longest), np.empty((longest, longest))
    for ballot in range(len(values)):
        values[ballot] = judge(offsets, slots, ranks, ballot, eta, wins, where, order, keys, slope, bend)
        begin = offsets[ballot]
        for place in range(offsets[ballot + 1] - begin):
            scores[begin + place] = slope[place]


@compiled
def cluster_outer(
    offsets: Array, slots: Array, scores: Array, extra: Array, weight: Array, chosen: Array, cluster: Array,
    each: bool, outer: Array,
) -> int:  # fmt: skip
    """Add g g^T of each cluster to `outer`, g being the sum of its ballots' weighted scores.

    A ballot's score is `scores` at the items of its slots and its row of `extra` (B, C) at the last C places.
    `chosen` lists ballots with those of a cluster together. With `each`, every ballot is a cluster as often as its
    weight says. Returns the number of clusters.
    """
    total = np.zeros(len(outer))
    touched = np.empty(len(outer), np.int64)
    marked = np.zeros(len(outer), np.bool_)
    more = extra.shape[1]
    last = len(outer) - more
    for column in range(more):
        touched[column] = last + column
    count, clusters = more, 0
    for index in range(len(chosen)):
        ballot = chosen[index]
        w = 1.0 if each else weight[ballot]
        for place in range(offsets[ballot], offsets[ballot + 1]):
            item = slots[place]
            total[item] += w * scores[place]
            if not marked[item]:
                marked[item] = True
                touched[count] = item
                count += 1
        for column in range(more):
            total[last + column] += w * extra[ballot, column]
        if each or index + 1 == len(chosen) or cluster[chosen[index + 1]] != cluster[ballot]:
            times = weight[ballot] if each else 1.0
            for i in range(count):
                for j in range(count):
                    outer[touched[i], touched[j]] += times * total[touched[i]] * total[touched[j]]
            for i in range(count):
                total[touched[i]] = 0.0
                marked[touched[i]] = False
            count = more
            clusters += 1
    return clusters


@compiled
def softplus(x: float) -> float:
    """log(1 + exp x)."""
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


@compiled
def spread_out(
    slots: Array, begin: int, size: int, design: Array, weight: float, slope: Array, bend: Array, n_items: int,
    gradient: Array, information: Array,
) -> None:  # fmt: skip
    """Add a ballot's derivatives by the log-strengths at its slots to those by strengths and effects."""
    for i in range(size):
        item = slots[begin + i]
        gradient[item] += weight * slope[i]
        for j in range(size):
            information[item, slots[begin + j]] += weight * bend[i, j]
        for c in range(design.shape[1]):
            gradient[n_items + c] += weight * slope[i] * design[begin + i, c]
            cross = 0.0
            for j in range(size):
                cross += bend[i, j] * design[begin + j, c]
            information[item, n_items + c] += weight * cross
            information[n_items + c, item] += weight * cross
            for d in range(design.shape[1]):
                information[n_items + d, n_items + c] += weight * cross * design[begin + i, d]


@compiled
def accumulate(
    offsets: Array, slots: Array, ranks: Array, weight: Array, eta: Array, design: Array, chance: Array, odds: float,
    mixed: bool, complete: bool, n_items: int, gradient: Array, information: Array,
) -> float:  # fmt: skip
    """Log-likelihood of ballots whose slots have the log-strengths `eta` = theta + design @ effects.

    Fills gradient and information in (theta, effects). When `mixed`, a ballot is noise with log-odds `odds`, with the
    log-probability `chance[ballot]` under noise; the last parameter is then `odds`. `complete` leaves out of the
    information what is lost by not knowing which ballots are noise, and makes it positive semidefinite.
    """
    longest = 1
    for ballot in range(len(weight)):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    wins, where = np.zeros(n_items), np.empty(n_items, np.int64)
    order, keys = np.empty(longest, np.int32), np.empty(longest, np.int64)
    slope, bend = np.empty(longest), np.empty((longest, longest))
    gradient[:] = 0.0
    information[:, :] = 0.0
    last = len(gradient) - 1
    noise = 1 / (1 + math.exp(-odds))
    value = 0.0
    for ballot in range(len(weight)):
        begin, size, w = offsets[ballot], offsets[ballot + 1] - offsets[ballot], weight[ballot]
        own = judge(offsets, slots, ranks, ballot, eta, wins, where, order, keys, slope, bend)
        if mixed:
            excess = odds + chance[ballot] - own
            own += softplus(excess) - softplus(odds)
            meant = 1 / (1 + math.exp(min(excess, 700.0)))
            doubt = 0.0 if complete else meant * (1 - meant)
            gradient[last] += w * ((1 - meant) - noise)
            information[last, last] += w * (noise * (1 - noise) - doubt)
            for i in range(size):
                for j in range(size):
                    bend[i, j] = meant * bend[i, j] - doubt * slope[i] * slope[j]
            for i in range(size):
                cross = w * doubt * slope[i]
                information[last, slots[begin + i]] += cross
                information[slots[begin + i], last] += cross
                for c in range(design.shape[1]):
                    information[last, n_items + c] += cross * design[begin + i, c]
                    information[n_items + c, last] += cross * design[begin + i, c]
                slope[i] *= meant
        value += w * own
        spread_out(slots, begin, size, design, w, slope, bend, n_items, gradient, information)
    return value


@compiled
def factor(matrix: Array, size: int) -> float:
    """Cholesky's lower triangle of `matrix[:size, :size]`, in place; returns the log-determinant of the matrix."""
    volume = 0.0
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                matrix[i, i] = math.sqrt(total)
                volume += math.log(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    return volume


@compiled
def substitute(lower: Array, size: int, right: Array, column: int) -> None:
    """Solve with the triangle of `factor` and its transpose, in place of `right[:size, column]`."""
    for i in range(size):
        total = right[i, column]
        for k in range(i):
            total -= lower[i, k] * right[k, column]
        right[i, column] = total / lower[i, i]
    for i in range(size - 1, -1, -1):
        total = right[i, column]
        for k in range(i + 1, size):
            total -= lower[k, i] * right[k, column]
        right[i, column] = total / lower[i, i]


@compiled
def group_level(
    offsets: Array, slots: Array, ranks: Array, weight: Array, first: int, stop: int, eta: Array, cells: Array,
    base: int, size: int, effects: Array, variance: float, total: Array, design: Array, local: Array,
    wins: Array, where: Array, order: Array, keys: Array, slope: Array, bend: Array,
    gradient: Array, information: Array,
) -> float:  # fmt: skip
    """Log-likelihood of a group's ballots at deviations `effects[:size]`, minus their prior's exponent.

    Fills gradient (without the prior) and information by the deviations and the covariates. `total` (S) receives the
    log-strengths.
    """
    gradient[:] = 0.0
    information[:, :] = 0.0
    value = 0.0
    for k in range(size):
        value -= effects[k] ** 2 / (2 * variance)
    for ballot in range(first, stop):
        begin, end = offsets[ballot], offsets[ballot + 1]
        for place in range(begin, end):
            total[place] = eta[place] + effects[cells[place] - base]
            local[place - begin] = cells[place] - base
        value += weight[ballot] * judge(offsets, slots, ranks, ballot, total, wins, where, order, keys, slope, bend)
        spread_out(local, 0, end - begin, design[begin:end], weight[ballot], slope, bend, size, gradient, information)
    return value


@compiled
def group_mode(
    offsets: Array, slots: Array, ranks: Array, weight: Array, first: int, stop: int, eta: Array, cells: Array,
    base: int, size: int, effects: Array, variance: float, total: Array, design: Array, local: Array,
    wins: Array, where: Array, order: Array, keys: Array, slope: Array, bend: Array,
    gradient: Array, information: Array,
    lower: Array, step: Array,
) -> float:  # fmt: skip
    """Newton's method for one group's deviations, in place; returns `group_level` there. Concave, so it cannot fail."""
    trial = effects.copy()
    value = group_level(
        offsets, slots, ranks, weight, first, stop, eta, cells, base, size, effects, variance, total, design, local,
        wins, where, order, keys, slope, bend, gradient, information,
    )  # fmt: skip
    for _ in range(GROUP_ITERATIONS):
        for i in range(size):
            step[i, 0] = gradient[i] - effects[i] / variance
            for j in range(size):
                lower[i, j] = information[i, j]
            lower[i, i] += 1 / variance
        factor(lower, size)
        substitute(lower, size, step, 0)
        longest = 0.0
        for i in range(size):
            longest = max(longest, abs(step[i, 0]))
        scale = 1.0
        for _ in range(GROUP_HALVINGS):
            for i in range(size):
                trial[i] = effects[i] + scale * step[i, 0]
            renewed = group_level(
                offsets, slots, ranks, weight, first, stop, eta, cells, base, size, trial, variance, total, design,
                local, wins, where, order, keys, slope, bend, gradient, information,
            )  # fmt: skip
            if renewed >= value - 1e-12 * (1 + abs(value)):
                break
            scale /= 2
        value = renewed
        for i in range(size):
            effects[i] = trial[i]
        if longest < GROUP_TOLERANCE:
            break
    return value


@compiled
def group_bend(
    offsets: Array, slots: Array, ranks: Array, weight: Array, first: int, stop: int, total: Array, cells: Array,
    base: int, size: int, covariance: Array, design: Array,
    wins: Array, where: Array, order: Array, keys: Array, slope: Array, bend: Array, third: Array,
) -> None:  # fmt: skip
    """The derivative of tr(covariance H) by the log-strengths at the slots, summed by deviation and by covariate.

    With covariance = sum_r v_r v_r^T it is sum_r d(H v_r) along v_r (third derivatives are symmetric), by central
    differences: twice as many judgements as a ballot has slots. `covariance` is that of the group's deviations.
    """
    third[:] = 0.0
    longest = len(slope)
    root, kept, gain = np.empty((longest, longest)), np.empty(longest), np.empty(longest)
    for ballot in range(first, stop):
        begin, end = offsets[ballot], offsets[ballot + 1]
        for i in range(end - begin):
            kept[i] = total[begin + i]
            gain[i] = 0.0
            for j in range(end - begin):
                root[i, j] = covariance[cells[begin + i] - base, cells[begin + j] - base]
        factor(root, end - begin)
        for r in range(end - begin):
            for side in (-1.0, 1.0):
                for i in range(r, end - begin):
                    total[begin + i] = kept[i] + side * THIRD_STEP * root[i, r]
                judge(offsets, slots, ranks, ballot, total, wins, where, order, keys, slope, bend)
                for i in range(end - begin):
                    for j in range(r, end - begin):
                        gain[i] += side * bend[i, j] * root[j, r] / (2 * THIRD_STEP)
            for i in range(r, end - begin):
                total[begin + i] = kept[i]
        for i in range(end - begin):
            third[cells[begin + i] - base] += weight[ballot] * gain[i]
            for c in range(design.shape[1]):
                third[size + c] += weight[ballot] * gain[i] * design[begin + i, c]


@compiled
def accumulate_groups(
    offsets: Array, slots: Array, ranks: Array, weight: Array, groups: Array, cells: Array, cell_starts: Array,
    cell_items: Array, eta: Array, design: Array, variance: float, effects: Array, spread: Array, n_items: int,
    gradient: Array, information: Array,
) -> float:  # fmt: skip
    """Ballots in groups, each with a Gaussian deviation of every contestant in it: the deviations maximised out.

    Group g has the ballots `groups[g]:groups[g + 1]` and the cells `cell_starts[g]:cell_starts[g + 1]`; `cells` (S)
    gives each slot its cell, `effects` the deviation of each cell (a start, then the mode), `spread` its posterior
    variance. Returns the value, Laplace's: less half the sum over groups of log det (I + variance H_g). Fills its
    gradient in (theta, covariates), and the information without the curvature of that determinant.
    """
    longest, most = 1, 1
    for ballot in range(len(weight)):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    for g in range(len(groups) - 1):
        most = max(most, cell_starts[g + 1] - cell_starts[g])
    more = design.shape[1]
    wins, where = np.zeros(n_items), np.empty(n_items, np.int64)
    order, keys = np.empty(longest, np.int32), np.empty(longest, np.int64)
    slope, bend, local = np.empty(longest), np.empty((longest, longest)), np.empty(longest, np.int64)
    lower, right, inverse = np.empty((most, most)), np.empty((most, most + more)), np.empty((most, most))
    third = np.empty(most + more)
    total = np.empty(len(slots))
    gradient[:] = 0.0
    information[:, :] = 0.0
    value, volume = 0.0, 0.0
    for g in range(len(groups) - 1):
        base, size = cell_starts[g], cell_starts[g + 1] - cell_starts[g]
        slopes, bends = np.empty(size + more), np.empty((size + more, size + more))
        value += group_mode(
            offsets, slots, ranks, weight, groups[g], groups[g + 1], eta, cells, base, size,
            effects[base : base + size], variance, total, design, local, wins, where, order, keys, slope, bend,
            slopes, bends, lower, right,
        )  # fmt: skip
        for i in range(size):
            for j in range(size):
                lower[i, j] = bends[i, j]
            lower[i, i] += 1 / variance
            for j in range(size + more):
                right[i, j] = bends[i, j]
        volume += factor(lower, size) + size * math.log(variance)
        for j in range(size + more):
            substitute(lower, size, right, j)  # (H + I / variance)^-1 H
        for j in range(size):
            for i in range(size):
                inverse[i, j] = 1.0 if i == j else 0.0
            substitute(lower, size, inverse, j)
            spread[base + j] = inverse[j, j]
        group_bend(
            offsets, slots, ranks, weight, groups[g], groups[g + 1], total, cells, base, size, inverse, design,
            wins, where, order, keys, slope, bend, third,
        )  # fmt: skip
        for j in range(size + more):
            carried = third[j]
            for i in range(size):
                carried -= right[i, j] * third[i]
            slopes[j] -= carried / 2
        for i in range(size + more):
            at = cell_items[base + i] if i < size else n_items + i - size
            gradient[at] += slopes[i]
            for j in range(size + more):
                rest = bends[i, j]
                for k in range(size):
                    rest -= bends[i, k] * right[k, j]
                information[at, cell_items[base + j] if j < size else n_items + j - size] += rest
    return value - volume / 2
