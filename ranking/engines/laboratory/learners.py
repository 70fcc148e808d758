"""Learners: what rates contestants while the ballots come in.

Each takes one ballot after another and can always say what it believes. `cheap` learners do so at no cost, so that a
policy may ask before every battle; the others fit again whenever they are asked, and are asked only at checkpoints
unless the policy needs them. A `unit` of "score" means that strengths are points: their order and their own uncertainty
count, not their distance to the truth in logits.

Here is the default engine, live: `online` after every ballot, and a batch fit of all ballots whenever there are `refit`
times as many as at the last one (0: never). prior_sd=0 learns the prior at each batch fit and starts at `start_sd`;
voters=true fits the engine annotator-aware instead and takes later ballots as far as it believes their voters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from ranking.engines import kernels
from ranking.engines.evidence import Evidence, Labels
from ranking.engines.fit import Fit
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ranks
from ranking.engines.ranges import PRIOR_SD
from ranking.engines.registry import engine_named
from ranking.engines.reliability import annotator_aware, findings

Unit = Literal["logit", "score"]

FIRST_REFIT = 20  # ballots
REFIT, REFIT_VOTERS = 1.1, 1.5  # judging voters costs ten fits


class Learner(Protocol):
    """mean (n,), covariance (n, n) or None; both may change with the next ballot, so copy them to keep them."""

    cheap: bool

    @property
    def unit(self) -> Unit: ...

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None: ...

    def mean(self) -> Floats: ...

    def covariance(self) -> Floats | None: ...

    def settle(self) -> None:
        """Fit all ballots so far at once, where that is what the learner's board shows."""


class Record:
    """The ballots so far, in arrays that grow."""

    def __init__(self, count: int) -> None:
        self.items = tuple(f"c{number}" for number in range(count))
        self.slots: list[Ranks] = []
        self.ranks: list[Ranks] = []
        self.voters: list[int] = []

    def __len__(self) -> int:
        return len(self.voters)

    def add(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        self.slots.append(members)
        self.ranks.append(ranks)
        self.voters.append(voter)

    def evidence(self) -> Evidence:
        names, index = np.unique(np.array(self.voters, np.int64), return_inverse=True)
        voters = Labels(tuple(str(name) for name in names.tolist()), index.astype(np.int32))
        return Evidence.from_arrays(self.items, np.stack(self.slots), np.stack(self.ranks), voters=voters)


@dataclass(frozen=True)
class Opinion:
    """What the last fit found out about voters: how far to believe each, and who is a fan of whom."""

    weights: dict[int, float]
    favourites: dict[int, int]

    @classmethod
    def from_table(cls, voters: findings.Voters) -> Opinion:
        numbers = [int(name) for name in voters.names]
        random = voters.probability[:, voters.classes.index("random")]
        fans = np.flatnonzero(voters.loyalty > 0.5).tolist()
        return cls(
            dict(zip(numbers, (1 - random).tolist(), strict=True)),
            {numbers[row]: int(voters.favourite[row]) for row in fans},
        )

    def of(self, members: Ranks, ranks: Ranks, voter: int) -> tuple[Ranks, Ranks, float]:
        """The part of a ballot that means something, and its weight: of a fan's, what is said of the others."""
        favourite = self.favourites.get(voter)
        if favourite is not None and favourite in members:
            others = members != favourite
            members, ranks = members[others], ranks[others]
        return members, ranks, self.weights.get(voter, 1.0)


class PlackettLuce:
    cheap = True

    def __init__(
        self, count: int, *, prior_sd: float = 0.0, start_sd: float = 1.0, refit: float | None = None,
        voters: bool = False,
    ) -> None:  # fmt: skip
        if refit is None:
            refit = REFIT_VOTERS if voters else REFIT
        low, high = PRIOR_SD
        if not (prior_sd == 0 or low <= prior_sd <= high):
            raise LaboratoryError(f"prior_sd of plackett-luce must be 0 or {low:g} to {high:g}, not {prior_sd}")
        if not low <= start_sd <= high:
            raise LaboratoryError(f"start_sd of plackett-luce must be {low:g} to {high:g}, not {start_sd}")
        if not (refit == 0 or 1 < refit < math.inf):
            raise LaboratoryError(f"refit of plackett-luce must be above 1, or 0 for never, not {refit}")
        self._record = Record(count)
        self._prior_sd = prior_sd or None
        self._growth, self._next = refit, FIRST_REFIT
        self._judging = voters
        self._opinion = Opinion({}, {})
        self._fit: Fit | None = None
        self._mean = np.zeros(count)
        self._covariance = np.eye(count) * (prior_sd or start_sd) ** 2
        self._current = False

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        self._record.add(members, ranks, voter)
        self._current = False
        believed, told, weight = self._opinion.of(members, ranks, voter)
        if weight > 0 and len(believed) > 1:
            kernels.assimilate(self._mean, self._covariance, believed, told, weight)
        if self._growth and len(self._record) >= self._next:
            self.settle()
            self._next = max(math.ceil(self._growth * self._next), self._next + 1)

    @property
    def unit(self) -> Unit:
        return "logit"

    def mean(self) -> Floats:
        return self._mean

    def covariance(self) -> Floats:
        return self._covariance

    def settle(self) -> None:
        if self._current or not len(self._record):
            return
        evidence = self._record.evidence()
        if self._judging:
            found = annotator_aware.analyse(evidence, prior_sd=self._prior_sd, start=self._fit)
            self._fit = found.fit
            self._opinion = Opinion.from_table(found.voters)
        else:
            options = {} if self._prior_sd is None else {"prior_sd": self._prior_sd}
            self._fit = engine_named("plackett-luce").fit(evidence, **options, start=self._fit)
        if self._fit.covariance is None:
            raise AssertionError("the default engine has a covariance")
        self._mean, self._covariance = self._fit.mean.copy(), np.array(self._fit.covariance, order="C")
        self._current = True
