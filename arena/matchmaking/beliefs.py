"""The port through which the arena learns what is believed about strengths, without knowing who computes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Beliefs:
    """A Gaussian over the log-strengths of some contestants.

    contestants: ids, shape (m,); mean: shape (m,), natural logarithms, centred at zero; covariance: shape (m, m).
    """

    contestants: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    def of(self, contestants: list[int], prior_sd: float = 1.0) -> Beliefs:
        """The beliefs about these contestants in this order; one that is not known yet gets the prior."""
        where = {int(contestant): index for index, contestant in enumerate(self.contestants)}
        mean = np.zeros(len(contestants))
        covariance = np.eye(len(contestants)) * prior_sd**2
        known = [(new, where[contestant]) for new, contestant in enumerate(contestants) if contestant in where]
        if known:
            new, old = (np.array(side) for side in zip(*known, strict=True))
            mean[new] = self.mean[old]
            covariance[np.ix_(new, new)] = self.covariance[np.ix_(old, old)]
        return Beliefs(np.array(contestants), mean, covariance)


class BeliefSource(Protocol):
    def beliefs(self, arena_id: int) -> Beliefs:
        """What is believed now about every contestant that has ballots; empty where nothing is."""
        ...


class UniformBeliefs:
    """Knows nothing: every contestant at the mean with the prior's width."""

    def beliefs(self, arena_id: int) -> Beliefs:
        return Beliefs(np.array([], dtype=np.int64), np.zeros(0), np.zeros((0, 0)))


@cache
def belief_source() -> BeliefSource:
    source: BeliefSource = import_string(settings.BELIEF_SOURCE)()
    return source
