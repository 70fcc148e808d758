"""The compiled loops of the pairwise engines. Importing this module loads numba.

What a ballot says about two of its items follows from their ranks: positive ranks are above the unknown, the unknown
above negative ranks, equal ranks are a tie, and two unknowns are not observed.
"""

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
def count_pairs(
    offsets: Array, slots: Array, ranks: Array, weight: Array, wins: Array, ties: Array, tally: Array
) -> None:
    """Add every observed pair to `wins[a, b]` (a beat b) or to both halves of the symmetric `ties`.

    `tally` counts, without weights: ballots of two items that are used, longer ballots that are used, pairs of those,
    tied pairs, pairs with no observed order on ballots that are used.
    """
    for ballot in range(len(weight)):
        begin, end, w = offsets[ballot], offsets[ballot + 1], weight[ballot]
        observed, tied, hidden = 0, 0, 0
        for left in range(begin, end - 1):
            key, a = rank_key(ranks[left]), slots[left]
            for right in range(left + 1, end):
                other, b = rank_key(ranks[right]), slots[right]
                if key < other:
                    wins[a, b] += w
                elif other < key:
                    wins[b, a] += w
                elif key == UNKNOWN_KEY:
                    hidden += 1
                    continue
                else:
                    ties[a, b] += w
                    ties[b, a] += w
                    tied += 1
                observed += 1
        if observed == 0:
            continue
        if end - begin == 2:
            tally[0] += 1
        else:
            tally[1] += 1
            tally[2] += observed
        tally[3] += tied
        tally[4] += hidden


@compiled
def score_outer(
    offsets: Array, slots: Array, ranks: Array, weight: Array, order: Array, cluster: Array, repeated: bool,
    win: Array, tie: Array, win_shape: Array, tie_shape: Array, scores: Array, outer: Array,
) -> int:  # fmt: skip
    """Sum over clusters of the outer product of a cluster's score; returns the number of clusters that have one.

    `order` lists the ballots with those of a cluster together. `win[a, b]` is the derivative of log P(a beats b) by
    theta_a, minus that by theta_b; `tie[a, b]` likewise for a tie; the `_shape` tables are the derivatives by the tie
    parameter, whose place is the last of `scores`. `repeated`: a ballot of weight w stands for w equal clusters of
    one ballot, otherwise weights add up within a cluster. `scores` is zero before and after.
    """
    last = len(scores) - 1
    touched = np.empty(len(scores), np.int64)
    seen = np.zeros(len(scores), np.bool_)
    place, clusters = 0, 0
    while place < len(order):
        current = cluster[order[place]]
        count, used, factor = 0, False, 1.0
        while place < len(order) and cluster[order[place]] == current:
            ballot = order[place]
            w = 1.0 if repeated else weight[ballot]
            if repeated:
                factor = weight[ballot]
            begin, end = offsets[ballot], offsets[ballot + 1]
            for left in range(begin, end - 1):
                key, a = rank_key(ranks[left]), slots[left]
                for right in range(left + 1, end):
                    other, b = rank_key(ranks[right]), slots[right]
                    if key == other and key == UNKNOWN_KEY:
                        continue
                    used = True
                    if not seen[a]:
                        seen[a], touched[count], count = True, a, count + 1
                    if not seen[b]:
                        seen[b], touched[count], count = True, b, count + 1
                    if key == other:
                        slope, shape = tie[a, b], tie_shape[a, b]
                    elif key < other:
                        slope, shape = win[a, b], win_shape[a, b]
                    else:
                        slope, shape = -win[b, a], win_shape[b, a]
                    scores[a] += w * slope
                    scores[b] -= w * slope
                    scores[last] += w * shape
            place += 1
        if not used:
            continue
        touched[count] = last
        for row in range(count + 1):
            for column in range(count + 1):
                outer[touched[row], touched[column]] += factor * scores[touched[row]] * scores[touched[column]]
        for row in range(count + 1):
            seen[touched[row]] = False
            scores[touched[row]] = 0.0
        clusters += 1
    return clusters


@compiled
def list_pairs(
    offsets: Array, slots: Array, ranks: Array, upper: Array, lower: Array, tied: Array, owner: Array
) -> int:  # fmt: skip
    """Write every observed pair and the ballot it is from, as long as there is room; returns how many there are."""
    found = 0
    for ballot in range(len(offsets) - 1):
        for left in range(offsets[ballot], offsets[ballot + 1] - 1):
            key, a = rank_key(ranks[left]), slots[left]
            for right in range(left + 1, offsets[ballot + 1]):
                other, b = rank_key(ranks[right]), slots[right]
                if key == other and key == UNKNOWN_KEY:
                    continue
                if found < len(owner):
                    owner[found] = ballot
                    tied[found] = key == other
                    upper[found] = a if key <= other else b
                    lower[found] = b if key <= other else a
                found += 1
    return found


@compiled
def pair_moments(offsets: Array, slots: Array, ranks: Array, weight: Array, first: Array, second: Array) -> None:
    """Add w t to `first` and w t^2 to `second` of each item, t being its observed pairs on a ballot of weight w."""
    for ballot in range(len(weight)):
        begin, end, w = offsets[ballot], offsets[ballot + 1], weight[ballot]
        known = 0
        for place in range(begin, end):
            known += ranks[place] != 0
        for place in range(begin, end):
            seen = end - begin - 1 if ranks[place] != 0 else known
            first[slots[place]] += w * seen
            second[slots[place]] += w * seen * seen
