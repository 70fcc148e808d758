"""The port through which the arena learns what is believed about strengths, without knowing who computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_SD = 1.0  # logits, while none was learned


def _none() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Beliefs:
    """A Gaussian over the log-strengths of some contestants.

    contestants: ids, shape (m,); mean: shape (m,), natural logarithms, centred at zero; covariance: shape (m, m);
    ballots: shape (m,), in how many each was judged; prior_sd: of a contestant that nothing is known of, in logits,
    None while no board has learned it.
    """

    contestants: Ints = field(default_factory=_none)
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    ballots: Ints = field(default_factory=_none)
    prior_sd: float | None = None

    def of(self, contestants: Sequence[int]) -> Beliefs:
        """The beliefs about these contestants in this order; one that is not known yet gets the prior."""
        where = {int(contestant): index for index, contestant in enumerate(self.contestants)}
        mean = np.zeros(len(contestants))
        prior_sd = PRIOR_SD if self.prior_sd is None else self.prior_sd
        covariance = np.eye(len(contestants)) * prior_sd**2
        ballots = np.zeros(len(contestants), np.int64)
        known = [(new, where[contestant]) for new, contestant in enumerate(contestants) if contestant in where]
        if known:
            new, old = (np.array(side) for side in zip(*known, strict=True))
            mean[new] = self.mean[old]
            covariance[np.ix_(new, new)] = self.covariance[np.ix_(old, old)]
            ballots[new] = self.ballots[old]
        return Beliefs(np.array(contestants, np.int64), mean, covariance, ballots, self.prior_sd)


class BeliefSource(Protocol):
    def columns(self, before: int | None = None) -> Mapping[str, Any]:
        """Annotations of a queryset of arenas that `read` needs: whoever reads the arena gets them without a query.

        Only ballots with numbers below `before` count.
        """
        ...

    def read(self, arena: Any) -> Beliefs:
        """What is believed now about every contestant that has ballots; nothing where none has."""
        ...

    def beliefs(self, arena_id: int, before: int | None = None) -> Beliefs:
        """The same for an arena that was not read with the columns. One query."""
        ...


class UniformBeliefs:
    """Knows nothing: every contestant at the mean with the prior's width."""

    def columns(self, before: int | None = None) -> Mapping[str, Any]:
        return {}

    def read(self, arena: Any) -> Beliefs:
        return Beliefs()

    def beliefs(self, arena_id: int, before: int | None = None) -> Beliefs:
        return Beliefs()


@cache
def belief_source() -> BeliefSource:
    source: BeliefSource = import_string(settings.BELIEF_SOURCE)()
    return source
