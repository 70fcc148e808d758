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
    for members in battles:
        places = np.array(members, np.int32)
        ranks = np.empty(len(places), np.int32)
        ranks[np.argsort(-mean[places], kind="stable")] = np.arange(1, len(places) + 1, dtype=np.int32)
        kernels.assimilate(np.array(mean, np.float64), after, places, ranks, 1.0)
    return after
