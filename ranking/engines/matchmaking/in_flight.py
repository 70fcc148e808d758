"""Battles that are open: what their ballots will tell is taken off the uncertainty before they are cast.

Otherwise hundreds of simultaneous voters would all be shown the same few contestants.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ranking.engines import kernels
from ranking.engines.matchmaking.situation import Floats


def expect(mean: Floats, covariance: Floats, members: Sequence[int]) -> Floats:
    """The covariance (n, n) as it will be after a full ranking of `members` in its most probable order.

    The mean stays: which way a ballot goes is not known, how much it tells is. Cost: n^2 K flops.
    """
    return expect_all(mean, covariance, [members])


def expect_all(mean: Floats, covariance: Floats, battles: Iterable[Sequence[int]]) -> Floats:
    """The same after several battles, one after another. Copies the covariance once."""
    after = np.array(covariance, np.float64, order="C")
    shown = [np.array(members, np.int32) for members in battles]
    if shown:
        starts = np.cumsum([0, *(len(members) for members in shown)], dtype=np.int64)
        kernels.expect(np.array(mean, np.float64), after, np.concatenate(shown), starts)
    return after
