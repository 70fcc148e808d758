"""The compiled loops of matchmaking, in one file: the compile cache of a caller does not notice a change elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any

SUM, ROW, INFORMATION = 0, 1, 2  # how the next member is scored, see `plans.Plan`
_EQUAL = 1e-12  # scores closer than this share of the best are the same to a policy that takes the best


@compiled
def misorder(mean: Array, covariance: Array, top_weight: float, top_count: float = 0.0) -> Array:
    """W of `policies.Misorder`, (n, n) with a zero diagonal. Cost: n^2 / 2 error functions."""
    n = len(mean)
    wrong, spread = np.zeros((n, n)), np.zeros((n, n))
    place, variance = np.ones(n), np.zeros(n)  # of the rank, as if the pairs were independent
    for i in range(n):
        for j in range(i):
            squared = max(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j], 1e-300)
            below = 0.5 * math.erfc((mean[i] - mean[j]) / math.sqrt(2 * squared))  # P(j above i)
            place[i] += below
            place[j] += 1 - below
            variance[i] += below * (1 - below)
            variance[j] += below * (1 - below)
            wrong[i, j] = min(below, 1 - below)
            spread[i, j] = squared
    inside = np.empty(n)  # the probability of being among the first `top_count`
    for i in range(n):
        inside[i] = 0.5 * math.erfc((place[i] - top_count - 0.5) / math.sqrt(2 * max(variance[i], 1e-300)))
    weights = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if top_count > 0:
                top = inside[i] * (1 - inside[j]) + inside[j] * (1 - inside[i])
            else:
                top = 1 / place[i] + 1 / place[j]
            weights[i, j] = weights[j, i] = wrong[i, j] * spread[i, j] * (1 + top_weight * top)
    return weights


@compiled
def upper_bounds(score: Array, met: Array, alpha: float, battles: float, sign: float) -> Array:
    """U of `policies.KSort`, (n, n): sign |S_p - S_q| + alpha sqrt(ln battles / n_pq), infinite for who never met."""
    n = len(score)
    bound = np.empty((n, n))
    log = math.log(battles)
    for p in range(n):
        for q in range(n):
            if met[p, q] > 0:
                bound[p, q] = alpha * math.sqrt(log / met[p, q]) + sign * abs(score[p] - score[q])
            else:
                bound[p, q] = math.inf
    return bound


@compiled
def lifted(scores: Array) -> Array:
    """Scores of any sign between 1 and 2 in the same order, infinite ones at 3: what `sharpen` takes."""
    lowest, highest = math.inf, -math.inf
    for value in scores.flat:
        if math.isfinite(value):
            lowest = min(lowest, value)
            highest = max(highest, value)
    span = max(highest - lowest, 1e-300) if highest >= lowest else 1.0
    result = np.empty_like(scores)
    for p in range(scores.shape[0]):
        for q in range(scores.shape[1]):
            value = scores[p, q]
            result[p, q] = 1 + (value - lowest) / span if math.isfinite(value) else 3.0
    return result


@compiled
def information(mean: Array, covariance: Array, chosen: Array, count: int) -> float:
    """log det(I + Sigma_AA H_A), with H the information of a full ranking of A in its most probable order."""
    order = np.empty(count, np.int64)
    for i in range(count):
        at = i
        while at > 0 and mean[order[at - 1]] < mean[chosen[i]]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = chosen[i]
    bend = np.zeros((count, count))
    share = np.empty(count)
    for stage in range(count - 1):
        total = 0.0
        for i in range(stage, count):
            share[i] = math.exp(mean[order[i]] - mean[order[stage]])
            total += share[i]
        for i in range(stage, count):
            share[i] /= total
        for i in range(stage, count):
            bend[i, i] += share[i]
            for j in range(stage, count):
                bend[i, j] -= share[i] * share[j]
    matrix = np.eye(count)
    for i in range(count):
        for j in range(count):
            for k in range(count):
                matrix[i, j] += covariance[order[i], order[k]] * bend[k, j]
    value = 0.0
    for column in range(count):  # elimination; the matrix is similar to I + a positive semidefinite one
        value += math.log(max(matrix[column, column], 1e-300))
        for row in range(column + 1, count):
            factor = matrix[row, column] / matrix[column, column]
            for k in range(column, count):
                matrix[row, k] -= factor * matrix[column, k]
    return value


@compiled
def information_of_pairs(mean: Array, covariance: Array) -> Array:
    """(n, n): `information` of every pair, which is log(1 + V p (1 - p))."""
    n = len(mean)
    values = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            squared = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
            p = 1 / (1 + math.exp(-abs(mean[i] - mean[j])))
            values[i, j] = values[j, i] = math.log(1 + max(squared, 0.0) * p * (1 - p))
    return values


@compiled
def sharpen(scores: Array, sharpness: float) -> float:
    """Turn scores into relative chances in place; returns their sum, 0 if nobody may be chosen.

    A score below 0 says that the choice is not allowed. Chances go with score ** sharpness; where all allowed scores
    are 0 they are equal.
    """
    best = -1.0
    for value in scores:
        best = max(best, value)
    if best < 0:
        return 0.0
    total = 0.0
    for i in range(len(scores)):
        if scores[i] < 0:
            scores[i] = 0.0
        elif best == 0:
            scores[i] = 1.0
        elif sharpness == math.inf:
            scores[i] = 1.0 if scores[i] >= best * (1 - _EQUAL) else 0.0
        else:
            scores[i] = (scores[i] / best) ** sharpness
        total += scores[i]
    return total


@compiled
def next_scores(
    kind: int,
    base: Array,
    pairs: Array,
    mean: Array,
    covariance: Array,
    glad: Array,
    blocked: Array,
    pivot: int,
    chosen: Array,
    count: int,
    scores: Array,
) -> None:
    """Fill `scores` (n) for the next member after `chosen[:count]`; -1 where blocked. Their order does not matter."""
    trial = np.empty(count + 1, np.int64)
    trial[:count] = chosen[:count]
    for q in range(len(base)):
        allowed = True
        for k in range(count):
            if blocked[chosen[k], q]:
                allowed = False
        if not allowed:
            scores[q] = -1.0
        elif kind == SUM:
            value = base[q]
            for k in range(count):
                value += pairs[chosen[k], q]
            scores[q] = value * glad[q]
        elif kind == ROW:
            scores[q] = pairs[pivot, q] * glad[q]
        else:
            trial[count] = q
            scores[q] = information(mean, covariance, trial, count + 1) * glad[q]


@compiled
def first_pair_scores(starts: Array, glad: Array, blocked: Array) -> Array:
    """Scores of all pairs i > j in one row; -1 where blocked."""
    n = len(glad)
    scores = np.empty(n * (n - 1) // 2)
    at = 0
    for i in range(n):
        for j in range(i):
            scores[at] = -1.0 if blocked[i, j] else starts[i, j] * glad[i] * glad[j]
            at += 1
    return scores


@compiled
def pick(chances: Array, total: float, uniform: float) -> int:
    """The index at which the running sum of chances passes uniform x total; never one with chance 0."""
    left = uniform * total
    last = -1
    for i in range(len(chances)):
        if chances[i] > 0:
            last = i
            left -= chances[i]
            if left < 0:
                break
    return last


@compiled
def draw(
    kind: int,
    base: Array,
    pairs: Array,
    starts: Array,
    mean: Array,
    covariance: Array,
    glad: Array,
    blocked: Array,
    pivots: Array,
    sharpness: float,
    size: int,
    uniforms: Array,
) -> Array:
    """A set of `size` members, in the order of choice; empty where conflicts left nobody to add.

    The first member comes from `pivots` (chances) where that is not empty, else the first two from `starts` where
    that is not empty, else the first like the others. Uses one of `uniforms` a step.
    """
    n = len(base)
    chosen = np.empty(size, np.int64)
    count, step, pivot = 0, 0, -1
    scores = np.empty(n)
    if len(pivots) > 0:
        pivot = pick(pivots, pivots.sum(), uniforms[0])
        chosen[0] = pivot
        count, step = 1, 1
    elif len(starts) > 0:
        first = first_pair_scores(starts, glad, blocked)
        total = sharpen(first, sharpness)
        if total == 0:
            return chosen[:0]
        at = pick(first, total, uniforms[0])
        step = 1
        row = 1
        while row * (row + 1) // 2 <= at:
            row += 1
        chosen[0], chosen[1] = row, at - row * (row - 1) // 2
        count = 2
    while count < size:
        next_scores(kind, base, pairs, mean, covariance, glad, blocked, pivot, chosen, count, scores)
        total = sharpen(scores, sharpness)
        if total == 0:
            return chosen[:0]
        chosen[count] = pick(scores, total, uniforms[step])
        count += 1
        step += 1
    return chosen


@compiled
def chance_from(
    kind: int,
    base: Array,
    pairs: Array,
    starts: Array,
    mean: Array,
    covariance: Array,
    glad: Array,
    blocked: Array,
    pivot: int,
    sharpness: float,
    members: Array,
) -> float:
    """The probability that `draw` ends with exactly these members, summed over all orders of choosing them.

    How the next member is scored depends on who was chosen, not in which order, so it is a sum over the 2^K subsets.
    Cost: 2^K scorings of n contestants.
    """
    size, n = len(members), len(base)
    reached = np.zeros(1 << size)
    scores = np.empty(n)
    if pivot >= 0:
        for i in range(size):
            if members[i] == pivot:
                reached[1 << i] = 1.0
    elif len(starts) > 0:
        first = first_pair_scores(starts, glad, blocked)
        total = sharpen(first, sharpness)
        if total == 0:
            return 0.0
        for i in range(size):
            for j in range(size):
                if members[i] > members[j]:
                    at = members[i] * (members[i] - 1) // 2 + members[j]
                    reached[(1 << i) | (1 << j)] = first[at] / total
    else:
        reached[0] = 1.0
    chosen = np.empty(size, np.int64)
    for mask in range((1 << size) - 1):
        if reached[mask] == 0:
            continue
        count = 0
        for i in range(size):
            if mask >> i & 1:
                chosen[count] = members[i]
                count += 1
        next_scores(kind, base, pairs, mean, covariance, glad, blocked, pivot, chosen, count, scores)
        total = sharpen(scores, sharpness)
        if total == 0:
            continue
        for i in range(size):
            if not mask >> i & 1:
                reached[mask | 1 << i] += reached[mask] * scores[members[i]] / total
    return float(reached[(1 << size) - 1])


@compiled
def chance(
    kind: int,
    base: Array,
    pairs: Array,
    starts: Array,
    mean: Array,
    covariance: Array,
    glad: Array,
    blocked: Array,
    pivots: Array,
    sharpness: float,
    members: Array,
) -> float:
    """As `chance_from`, over all pivots."""
    if len(pivots) == 0:
        return chance_from(kind, base, pairs, starts, mean, covariance, glad, blocked, -1, sharpness, members)
    total, sum_of_pivots = 0.0, pivots.sum()
    for member in members:
        if pivots[member] > 0:
            total += (
                pivots[member]
                / sum_of_pivots
                * chance_from(kind, base, pairs, starts, mean, covariance, glad, blocked, member, sharpness, members)
            )
    return total


@compiled
def shares_beaten(offsets: Array, ranks: Array, share: Array) -> None:
    """For every slot the share of the others on its ballot that it beat, of those it was compared with; else nan.

    A positive rank counts from the top, a negative one from the bottom, 0 is in between and not compared with 0.
    """
    for ballot in range(len(offsets) - 1):
        for i in range(offsets[ballot], offsets[ballot + 1]):
            beaten, compared = 0.0, 0
            for j in range(offsets[ballot], offsets[ballot + 1]):
                if i == j or (ranks[i] == 0 and ranks[j] == 0):
                    continue
                compared += 1
                # From the top comes before in between, which comes before from the bottom.
                mine = 1 if ranks[i] == 0 else (0 if ranks[i] > 0 else 2)
                other = 1 if ranks[j] == 0 else (0 if ranks[j] > 0 else 2)
                if mine < other or (mine == other and ranks[i] < ranks[j]):
                    beaten += 1.0
                elif mine == other and ranks[i] == ranks[j]:
                    beaten += 0.5
            share[i] = beaten / compared if compared > 0 else math.nan
