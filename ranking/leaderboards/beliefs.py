"""What the published boards say about strengths, for matchmaking and the reveal (the arena's belief port)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arena.matchmaking.beliefs import Beliefs, UniformBeliefs

from .models import Leaderboard

_FLOAT = np.dtype("<f8")
_ID = np.dtype("<i8")


def pack_posterior(contestants: Sequence[int], mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> bytes:
    """Ids, means and covariance (row by row) as little-endian 64-bit numbers: 8 m (m + 2) bytes for m contestants."""
    return (
        np.asarray(contestants, dtype=_ID).tobytes()
        + np.asarray(mean, dtype=_FLOAT).tobytes()
        + np.asarray(covariance, dtype=_FLOAT).tobytes()
    )


def unpack_posterior(packed: bytes) -> Beliefs:
    # 8 m (m + 2) bytes, so (m + 1)² = bytes / 8 + 1
    count = round((len(packed) / 8 + 1) ** 0.5) - 1
    contestants = np.frombuffer(packed, dtype=_ID, count=count)
    numbers = np.frombuffer(packed, dtype=_FLOAT, offset=8 * count)
    return Beliefs(contestants, numbers[:count], numbers[count:].reshape(count, count))


class PublishedBeliefs:
    """The posterior behind the latest snapshot. One query."""

    def beliefs(self, arena_id: int) -> Beliefs:
        packed = Leaderboard.objects.filter(arena_id=arena_id, category="").values_list("posterior", flat=True).first()
        return UniformBeliefs().beliefs(arena_id) if packed is None else unpack_posterior(bytes(packed))
