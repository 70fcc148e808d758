"""Published packages as learners, for comparison. They are loaded when named, and are no part of an installation.

    openskill-package   openskill's PlackettLuce, the approximate Bayesian update of Weng and Lin 2011, at its defaults
    trueskill-package   trueskill's message passing at its defaults, drift and tie probability included

Neither knows ballots with an order that was not observed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from ranking.engines.evidence import UNKNOWN
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ranks
from ranking.engines.laboratory.learners import Unit


class _Package:
    """Ratings (mu, sigma) in the objects of a package."""

    cheap = True
    takes_unknown = False

    def __init__(self, ratings: list[Any]) -> None:
        self._ratings = ratings
        self._mean = np.array([rating.mu for rating in ratings], np.float64)
        self._sd = np.array([rating.sigma for rating in ratings], np.float64)

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        if (ranks <= UNKNOWN).any():
            raise LaboratoryError("openskill and trueskill know no ballots with places left open")
        listed = members.tolist()
        rated = self._rate([self._ratings[member] for member in listed], ranks.tolist())
        for member, rating in zip(listed, rated, strict=True):
            self._ratings[member] = rating
            self._mean[member], self._sd[member] = rating.mu, rating.sigma

    def _rate(self, ratings: list[Any], ranks: list[int]) -> list[Any]:
        raise NotImplementedError

    @property
    def unit(self) -> Unit:
        return "score"

    def mean(self) -> Floats:
        return self._mean

    def covariance(self) -> Floats | None:
        return np.diag(self._sd**2)

    def settle(self) -> None:
        """There is no other fit than the updates."""


class OpenSkill(_Package):
    def __init__(self, count: int) -> None:
        self._model = _loaded("openskill.models", "openskill").PlackettLuce()
        super().__init__([self._model.rating() for _ in range(count)])

    def _rate(self, ratings: list[Any], ranks: list[int]) -> list[Any]:
        return [team[0] for team in self._model.rate([[rating] for rating in ratings], ranks=ranks)]


class TrueSkillPackage(_Package):
    def __init__(self, count: int) -> None:
        self._model = _loaded("trueskill", "trueskill").TrueSkill()
        super().__init__([self._model.create_rating() for _ in range(count)])

    def _rate(self, ratings: list[Any], ranks: list[int]) -> list[Any]:
        return [team[0] for team in self._model.rate([(rating,) for rating in ratings], ranks=ranks)]


def _loaded(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise LaboratoryError(f"{package}-package needs the package {package}: pip install {package}") from None


PACKAGES = {"openskill-package": OpenSkill, "trueskill-package": TrueSkillPackage}
