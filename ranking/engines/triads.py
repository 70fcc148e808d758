"""The compiled loop over all triples of contestants. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed


@compiled
def curls(flow: Array, variance: Array, worst: Array, score: Array) -> Any:
    """Squared standard scores of the curl of `flow` around every triangle of compared pairs.

    flow      float64[M, M], antisymmetric
    variance  float64[M, M], of each flow; infinite where the pair was not compared
    worst     int64[T, 3], score float64[T]: filled with the triangles of the largest score, in descending order,
              oriented so that the curl is positive
    Returns (number of triangles, sum of squares, largest square).
    """
    count, total = 0, 0.0
    score[:] = -1.0
    last = len(score) - 1
    for a in range(len(flow)):
        for b in range(a + 1, len(flow)):
            if not np.isfinite(variance[a, b]):
                continue
            for c in range(b + 1, len(flow)):
                spread = variance[a, b] + variance[b, c] + variance[a, c]
                if not np.isfinite(spread):
                    continue
                curl = flow[a, b] + flow[b, c] + flow[c, a]
                square = curl * curl / spread
                count += 1
                total += square
                if square > score[last]:
                    place = last
                    while place > 0 and score[place - 1] < square:
                        score[place] = score[place - 1]
                        worst[place] = worst[place - 1]
                        place -= 1
                    score[place] = square
                    worst[place, 0] = a
                    worst[place, 1] = b if curl > 0 else c
                    worst[place, 2] = c if curl > 0 else b
    return count, total, score[0]
