"""The compiled loops of the voting engines. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

UNKNOWN_KEY = 1 << 40  # sorts after every positive rank and before every negative one


@compiled
def rank_key(rank: Any) -> Any:
    """A number that orders ranks, best first."""
    wide = np.int64(rank)
    if wide > 0:
        return wide
    return UNKNOWN_KEY if wide == 0 else 2 * UNKNOWN_KEY + wide


@compiled
def borda_shares(offsets: Array, ranks: Array, shares: Array) -> int:
    """The share of points of each place on its ballot; returns the pairs with no observed order on ranked ballots."""
    hidden = 0
    for ballot in range(len(offsets) - 1):
        begin, end = offsets[ballot], offsets[ballot + 1]
        unknown = 0
        for place in range(begin, end):
            key, points = rank_key(ranks[place]), 0.0
            unknown += key == UNKNOWN_KEY
            for other in range(begin, end):
                if other != place:
                    against = rank_key(ranks[other])
                    points += 1.0 if key < against else (0.5 if key == against else 0.0)
            shares[place] = points / (end - begin - 1)
        if unknown < end - begin:
            hidden += unknown * (unknown - 1) // 2
    return hidden


@compiled
def residual_outer(
    offsets: Array, slots: Array, residual: Array, weight: Array, order: Array, cluster: Array, repeated: bool,
    outer: Array,
) -> int:  # fmt: skip
    """Sum over clusters of the outer product of a cluster's summed residuals; returns the number of clusters.

    `order` lists the ballots with those of a cluster together. `repeated`: a ballot of weight w stands for w equal
    clusters of one ballot, otherwise weights add up within a cluster.
    """
    sums, seen = np.zeros(len(outer)), np.zeros(len(outer), np.bool_)
    touched = np.empty(len(outer), np.int64)
    place, clusters = 0, 0
    while place < len(order):
        current = cluster[order[place]]
        count, factor = 0, 1.0
        while place < len(order) and cluster[order[place]] == current:
            ballot = order[place]
            w = 1.0 if repeated else weight[ballot]
            if repeated:
                factor = weight[ballot]
            for slot in range(offsets[ballot], offsets[ballot + 1]):
                item = slots[slot]
                if not seen[item]:
                    seen[item], touched[count], count = True, item, count + 1
                sums[item] += w * residual[slot]
            place += 1
        for row in range(count):
            for column in range(count):
                outer[touched[row], touched[column]] += factor * sums[touched[row]] * sums[touched[column]]
        for row in range(count):
            seen[touched[row]], sums[touched[row]] = False, 0.0
        clusters += 1
    return clusters


@compiled
def best_order(pays: Array, order: Array) -> Any:
    """Fill `order` with the cheapest order of n items; returns its cost and how many orders cost as much.

    `pays[a, b]` is the price of b before a. Dynamic programme over subsets, n^2 2^n steps: `cost[S]` is that of the
    best order of the set S, placed before all others. Of equal orders the one whose last item has the higher number.
    """
    count = len(pays)
    full = (1 << count) - 1
    cost, ways, last = np.zeros(full + 1), np.zeros(full + 1), np.zeros(full + 1, np.int8)
    slack = 1e-12 * np.abs(pays).sum()  # sums of the same weights in another order are equal
    ways[0] = 1.0
    for chosen in range(1, full + 1):
        cheapest, number, choice = np.inf, 0.0, 0
        for item in range(count - 1, -1, -1):
            if not (chosen >> item) & 1:
                continue
            rest = chosen ^ (1 << item)
            price = cost[rest]
            for other in range(count):
                if (rest >> other) & 1:
                    price += pays[item, other]
            if price < cheapest - slack:
                cheapest, number, choice = price, ways[rest], item
            elif price <= cheapest + slack:
                number += ways[rest]
        cost[chosen], ways[chosen], last[chosen] = cheapest, number, choice
    left = full
    for place in range(count - 1, -1, -1):
        order[place] = last[left]
        left ^= 1 << order[place]
    return cost[full], ways[full]


@compiled
def improve_order(pays: Array, order: Array) -> None:
    """Move single items to better places, the best move first, until no move helps."""
    count = len(order)
    slack = 1e-12 * np.abs(pays).sum()
    improved = True
    while improved:
        improved = False
        for place in range(count):
            item = order[place]
            best_gain, best_place, gain = slack, place, 0.0
            for target in range(place - 1, -1, -1):
                gain += pays[item, order[target]] - pays[order[target], item]
                if gain > best_gain:
                    best_gain, best_place = gain, target
            gain = 0.0
            for target in range(place + 1, count):
                gain += pays[order[target], item] - pays[item, order[target]]
                if gain > best_gain:
                    best_gain, best_place = gain, target
            if best_place == place:
                continue
            improved = True
            step = 1 if best_place > place else -1
            for position in range(place, best_place, step):
                order[position] = order[position + step]
            order[best_place] = item


@compiled
def order_cost(pays: Array, order: Array) -> float:
    """What an order costs: for every pair, the price of the one that is placed first."""
    total = 0.0
    for place in range(len(order)):
        for later in range(place + 1, len(order)):
            total += pays[order[later], order[place]]
    return total


@compiled
def cycle_bound(pays: Array) -> float:
    """A lower bound of the cost of any order: the cheaper side of each pair, and what three-cycles add to that.

    Of the three margins around a cycle at least one must be paid. Cycles are taken greedily and use up their margins,
    so that no margin is counted twice.
    """
    count = len(pays)
    total, left = 0.0, np.zeros((count, count))
    for a in range(count):
        for b in range(count):
            left[a, b] = max(pays[a, b] - pays[b, a], 0.0)
            if a < b:
                total += min(pays[a, b], pays[b, a])
    for a in range(count):
        for b in range(count):
            for c in range(count):
                paid = min(left[a, b], left[b, c], left[c, a])
                if paid > 0.0:
                    total += paid
                    left[a, b] -= paid
                    left[b, c] -= paid
                    left[c, a] -= paid
    return total
