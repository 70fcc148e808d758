"""Learners that are nothing but an update: one ballot after another moves the beliefs, nothing is fitted again.

    elo             `k_factor`, in points
    ksort           the published update; `beta` in points of a scale on which a newcomer is 25 +- 25/3
    ksort-deployed  the variant "deployed"
    trueskill       message passing, without drift

A `unit` of "score" means that strengths are points: their order and their own uncertainty count, not their distance to
the truth in logits.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ints, Ranks
from ranking.engines.laboratory.learners import Unit
from ranking.engines.ranges import POINTS
from ranking.engines.sequential import elo, ksort, loops, trueskill

_ONE = np.ones(1)
_FIRST = np.zeros(1, np.int64)


class _Sequential:
    """Beliefs in place, updated by a loop of `sequential.loops` on one ballot at a time."""

    cheap = True

    def __init__(self, count: int, sigma: float) -> None:
        self._mean = np.full(count, trueskill.MU)
        self._variance = np.full(count, sigma**2)

    @property
    def unit(self) -> Unit:
        return "score"

    def mean(self) -> Floats:
        return self._mean

    def covariance(self) -> Floats | None:
        return np.diag(self._variance)

    def settle(self) -> None:
        """There is no other fit than the updates."""


class Elo(_Sequential):
    def __init__(self, count: int, *, k_factor: float = elo.K_FACTOR) -> None:
        _require_points("elo", "k_factor", k_factor)
        super().__init__(count, 1.0)
        self._mean = np.zeros(count)
        self._step = k_factor / elo.POINTS_PER_LOGIT

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        loops.elo(_offsets(members), members, ranks, _FIRST, _ONE, self._step, self._mean)

    @property
    def unit(self) -> Unit:
        return "logit"

    def covariance(self) -> Floats | None:
        return None


class KSort(_Sequential):
    def __init__(self, count: int, *, sigma: float = trueskill.SIGMA, beta: float = trueskill.BETA) -> None:
        _require_points("ksort", "sigma", sigma)
        _require_points("ksort", "beta", beta)
        super().__init__(count, sigma)
        self._beta = beta

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        loops.ksort(
            _offsets(members), members, ranks, _FIRST, _ONE, self._beta, ksort.LEAST_FACTOR, self._mean, self._variance
        )


class TrueSkill(_Sequential):
    """`trueskill` without drift, or `ksort-deployed` with the drift and tie probability of that variant."""

    def __init__(
        self, count: int, *, sigma: float = trueskill.SIGMA, beta: float = trueskill.BETA, tau: float = 0.0,
        draw_probability: float = 0.0,
    ) -> None:  # fmt: skip
        _require_points("trueskill", "sigma", sigma)
        _require_points("trueskill", "beta", beta)
        if tau != 0:
            _require_points("trueskill", "tau", tau)
        if not 0 <= draw_probability < 1:
            raise LaboratoryError(f"draw_probability must be at least 0 and below 1, not {draw_probability}")
        super().__init__(count, sigma)
        self._beta, self._tau = beta, tau
        self.takes_ties = draw_probability > 0  # else a tie has the probability 0, and no belief follows from it
        self._margin = NormalDist().inv_cdf((1 + draw_probability) / 2) * math.sqrt(2) * beta

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        loops.trueskill(
            _offsets(members), members, ranks, _FIRST, _ONE, self._beta, self._tau, self._margin, trueskill.TOLERANCE,
            self._mean, self._variance,
        )  # fmt: skip


def ksort_deployed(count: int) -> TrueSkill:
    return TrueSkill(count, tau=ksort.DEPLOYED_TAU, draw_probability=ksort.DEPLOYED_DRAWS)


def _offsets(members: Ranks) -> Ints:
    return np.array([0, len(members)])


def _require_points(learner: str, name: str, value: float) -> None:
    low, high = POINTS
    if not low <= value <= high:
        raise LaboratoryError(f"{name} of {learner} must be {low:g} to {high:g} points, not {value}")
