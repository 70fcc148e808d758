"""The compiled loops of the sequential engines. Importing this module loads numba.

Every loop takes a schedule: `order` lists the ballots in the order in which they are to count, a ballot of weight 2
twice, and `amount` how much of an update each entry is (1, or the fraction that is left of a weight).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

UNKNOWN_KEY = 1 << 40  # sorts after every positive rank and before every negative one
TAIL = -30.0  # below, the normal distribution function is taken from its asymptotic series
MAX_SWEEPS = 500


@compiled
def rank_key(rank: Any) -> Any:
    """A number that orders ranks, best first."""
    wide = np.int64(rank)
    if wide > 0:
        return wide
    return UNKNOWN_KEY if wide == 0 else 2 * UNKNOWN_KEY + wide


@compiled
def inverse_mills(t: float) -> float:
    """V(t) = phi(t) / Phi(t), also where both underflow."""
    if t > TAIL:
        return math.exp(-t * t / 2) / math.sqrt(2 * math.pi) / (0.5 * math.erfc(-t / math.sqrt(2)))
    square = t * t
    return -t / (1 - 1 / square + 3 / square**2 - 15 / square**3)


@compiled
def elo(
    offsets: Array, slots: Array, ranks: Array, order: Array, amount: Array, step: float, ratings: Array
) -> None:  # fmt: skip
    """Elo in logits; `step` is the K-factor in logits. All pairs of a ballot see the ratings before it."""
    longest = 0
    for ballot in range(len(offsets) - 1):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    change = np.zeros(longest)
    for entry in range(len(order)):
        begin, end = offsets[order[entry]], offsets[order[entry] + 1]
        size = end - begin
        change[:size] = 0.0
        for left in range(size - 1):
            key, mine = rank_key(ranks[begin + left]), ratings[slots[begin + left]]
            for right in range(left + 1, size):
                other = rank_key(ranks[begin + right])
                if key == other and key == UNKNOWN_KEY:
                    continue
                won = 1.0 if key < other else (0.5 if key == other else 0.0)
                surprise = won - 1 / (1 + math.exp(ratings[slots[begin + right]] - mine))
                change[left] += surprise
                change[right] -= surprise
        for place in range(size):
            ratings[slots[begin + place]] += step * amount[entry] * change[place] / (size - 1)


@compiled
def ksort(
    offsets: Array, slots: Array, ranks: Array, order: Array, amount: Array,
    beta: float, least: float, mean: Array, variance: Array,
) -> Any:  # fmt: skip
    """The published K-Sort update; returns how many variances it would have shrunk below `least` times their value."""
    longest = 0
    for ballot in range(len(offsets) - 1):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    shift, shrink = np.zeros(longest), np.zeros(longest)
    clamped = 0
    for entry in range(len(order)):
        begin, end = offsets[order[entry]], offsets[order[entry] + 1]
        size = end - begin
        shift[:size], shrink[:size] = 0.0, 0.0
        for upper in range(size):
            a = slots[begin + upper]
            for lower in range(size):
                if rank_key(ranks[begin + upper]) >= rank_key(ranks[begin + lower]):
                    continue
                b = slots[begin + lower]
                c = math.sqrt(2 * beta * beta + variance[a] + variance[b])
                t = (mean[a] - mean[b]) / c
                v = inverse_mills(t)
                w = v * (v + t)
                shift[upper] += variance[a] / c * v
                shift[lower] -= variance[b] / c * v
                shrink[upper] += variance[a] / (c * c) * w
                shrink[lower] += variance[b] / (c * c) * w
        for place in range(size):
            item = slots[begin + place]
            factor = 1 - amount[entry] * shrink[place]
            if factor < least:
                factor, clamped = least, clamped + 1
            mean[item] += amount[entry] * shift[place]
            variance[item] *= factor
    return clamped


@compiled
def truncation(t: float, margin: float, drawn: bool) -> Any:
    """(V, W): how observing d > margin (or |d| < margin) moves and narrows a standard normal d around t."""
    if not drawn:
        v = inverse_mills(t - margin)
        return v, v * (v + t - margin)
    size = abs(t)
    high, low = margin - size, -margin - size  # low < high
    ratio = math.exp((high * high - low * low) / 2)  # phi(low) / phi(high)
    if high < -5.0:
        total = 1 / inverse_mills(high) - ratio / inverse_mills(low)
        v = (ratio - 1) / total
        w = v * v + (high - low * ratio) / total
    else:
        phi = math.exp(-high * high / 2) / math.sqrt(2 * math.pi)
        total = 0.5 * (math.erfc(-high / math.sqrt(2)) - math.erfc(-low / math.sqrt(2)))
        v = phi * (ratio - 1) / total
        w = v * v + phi * (high - low * ratio) / total
    return (v if t >= 0 else -v), w


@compiled
def constraints(
    ranks: Array, begin: int, end: int, sorted_places: Array, upper: Array, lower: Array, drawn: Array
) -> int:
    """What a ballot says of neighbours, as (upper place, lower place, whether they tie); returns how many there are.

    Known items form a chain from the best to the worst; each unknown lies between the last of the top and the first of
    the bottom.
    """
    size = end - begin
    for place in range(size):
        key = rank_key(ranks[begin + place])
        position = place
        while position > 0 and rank_key(ranks[begin + sorted_places[position - 1]]) > key:
            sorted_places[position] = sorted_places[position - 1]
            position -= 1
        sorted_places[position] = place
    found, first, last = 0, size, -1
    for position in range(size):
        if ranks[begin + sorted_places[position]] == 0:
            first, last = min(first, position), position
    for position in range(size - 1):
        a, b = sorted_places[position], sorted_places[position + 1]
        if first - 1 <= position <= last and last >= 0:
            continue
        upper[found], lower[found] = a, b
        drawn[found] = rank_key(ranks[begin + a]) == rank_key(ranks[begin + b])
        found += 1
    for position in range(first, last + 1):
        if first > 0:
            upper[found], lower[found], drawn[found] = sorted_places[first - 1], sorted_places[position], False
            found += 1
        if last < size - 1:
            upper[found], lower[found], drawn[found] = sorted_places[position], sorted_places[last + 1], False
            found += 1
    return found


@compiled
def count_constraints(offsets: Array, ranks: Array, weight: Array) -> Any:
    """Weighted numbers of neighbours that tie, and of all."""
    longest = 0
    for ballot in range(len(offsets) - 1):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    places, upper, lower = np.zeros(longest, np.int64), np.zeros(2 * longest, np.int64), np.zeros(2 * longest, np.int64)
    drawn = np.zeros(2 * longest, np.bool_)
    tied, every = 0.0, 0.0
    for ballot in range(len(offsets) - 1):
        found = constraints(ranks, offsets[ballot], offsets[ballot + 1], places, upper, lower, drawn)
        every += weight[ballot] * found
        for row in range(found):
            tied += weight[ballot] * drawn[row]
    return tied, every


@compiled
def trueskill(
    offsets: Array, slots: Array, ranks: Array, order: Array, amount: Array,
    beta: float, tau: float, margin: float, tolerance: float, mean: Array, variance: Array,
) -> Any:  # fmt: skip
    """Message passing on each ballot in turn; returns how many ballots did not settle in `MAX_SWEEPS`.

    The performance of an item is N(mean, variance + tau^2 + beta^2) before the ballot. Each constraint sends a message
    to its two performances, in precision `sent` and precision times mean `pulled`.
    """
    longest = 0
    for ballot in range(len(offsets) - 1):
        longest = max(longest, offsets[ballot + 1] - offsets[ballot])
    places, upper, lower = np.zeros(longest, np.int64), np.zeros(2 * longest, np.int64), np.zeros(2 * longest, np.int64)
    drawn = np.zeros(2 * longest, np.bool_)
    precision, pull = np.zeros(longest), np.zeros(longest)
    sent, pulled = np.zeros((2 * longest, 2)), np.zeros((2 * longest, 2))
    unsettled = 0
    for entry in range(len(order)):
        begin, end = offsets[order[entry]], offsets[order[entry] + 1]
        found = constraints(ranks, begin, end, places, upper, lower, drawn)
        if found == 0:
            continue
        for place in range(end - begin):
            item = slots[begin + place]
            precision[place] = 1 / (variance[item] + tau * tau + beta * beta)
            pull[place] = precision[place] * mean[item]
        sent[:found], pulled[:found] = 0.0, 0.0
        sweep, moved = 0, math.inf
        while moved > tolerance and sweep < MAX_SWEEPS:
            moved = 0.0
            for row in range(found):
                a, b = upper[row], lower[row]
                before = pull[a] / precision[a] - pull[b] / precision[b]
                cavity_a, cavity_b = precision[a] - sent[row, 0], precision[b] - sent[row, 1]
                mean_a, mean_b = (pull[a] - pulled[row, 0]) / cavity_a, (pull[b] - pulled[row, 1]) / cavity_b
                total = 1 / cavity_a + 1 / cavity_b
                spread = math.sqrt(total)
                v, w = truncation((mean_a - mean_b) / spread, margin / spread, drawn[row])
                precision[a] = cavity_a / (1 - w / (cavity_a * total))
                precision[b] = cavity_b / (1 - w / (cavity_b * total))
                pull[a] = precision[a] * (mean_a + v / (cavity_a * spread))
                pull[b] = precision[b] * (mean_b - v / (cavity_b * spread))
                sent[row, 0], sent[row, 1] = precision[a] - cavity_a, precision[b] - cavity_b
                pulled[row, 0], pulled[row, 1] = pull[a] - cavity_a * mean_a, pull[b] - cavity_b * mean_b
                moved = max(moved, abs(pull[a] / precision[a] - pull[b] / precision[b] - before))
            sweep += 1
            if found == 1:
                moved = 0.0
        unsettled += moved > tolerance
        for place in range(end - begin):
            item = slots[begin + place]
            wide = variance[item] + tau * tau
            start = 1 / (wide + beta * beta)
            told = amount[entry] * (precision[place] - start)  # what the ballot says of the performance
            said = amount[entry] * (pull[place] - start * mean[item])
            if told <= 0:
                continue
            heard = 1 / (beta * beta + 1 / told)  # and of the skill behind it
            after = 1 / wide + heard
            mean[item] = (mean[item] / wide + heard * said / told) / after
            variance[item] = 1 / after
    return unsettled
