"""The compiled loops of the laboratory. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any


@compiled
def concordance(found: Array, truth: Array) -> float:
    """Kendall's tau: (pairs in the same order - pairs in the opposite one) / all pairs; a tie is neither."""
    count, score = len(found), 0
    for i in range(count):
        for j in range(i):
            product = (found[i] - found[j]) * (truth[i] - truth[j])
            if product > 0:
                score += 1
            elif product < 0:
                score -= 1
    return 2.0 * score / (count * (count - 1))


@compiled
def meet(members: Array, shown: Array, met: Array) -> None:
    """Count a battle."""
    for i in range(len(members)):
        shown[members[i]] += 1
        for j in range(len(members)):
            if i != j:
                met[members[i], members[j]] += 1


@compiled
def falls_along(found: Array, order: Array) -> bool:
    """Whether `found` falls strictly along `order`."""
    falls = True
    for place in range(1, len(order)):
        falls = falls and found[order[place - 1]] > found[order[place]]
    return falls


@compiled
def ranked(impressions: Array) -> Array:
    """1 for the highest impression, and so on; of equals the first one is before."""
    count = len(impressions)
    ranks = np.ones(count, np.int32)
    for i in range(count):
        for j in range(i):
            if impressions[i] > impressions[j]:
                ranks[j] += 1
            else:
                ranks[i] += 1
    return ranks
