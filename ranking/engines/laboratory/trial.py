"""One trial: contestants with a known order, voters, a learner and a policy, ballot after ballot.

Contestants, voters and matchmaking have random generators of their own, made from the seed, so that trials of the same
seed meet the same contestants and an electorate of the same members whatever the engine and the policy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ranking.engines.laboratory import contestants, loops, measures
from ranking.engines.laboratory.ballots import Form
from ranking.engines.laboratory.contestants import Field
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Bools, Floats, Ints, Ranks
from ranking.engines.laboratory.learners import Learner
from ranking.engines.laboratory.naming import Named, learner, policy
from ranking.engines.laboratory.voters import Electorate, Voters
from ranking.engines.matchmaking.choosing import NO_RULES, Rules, choose
from ranking.engines.matchmaking.policies import Policy, Tournament
from ranking.engines.matchmaking.situation import Played, Situation

PLACED_AT = (10, 30, 100, 400)  # ballots with a newcomer at which its rank error is taken
MOST_BALLOTS = 1_000_000
MOST_STEP = 1000.0
_COVERAGE_STREAM = 3


@dataclass(frozen=True)
class Setup:
    """Everything that is to be simulated but the seed. `step` is the ratio of successive checkpoints."""

    contestants: Field = field(default_factory=Field)
    electorate: Electorate = field(default_factory=Electorate)
    form: Form = field(default_factory=Form)
    engine: Named = field(default_factory=partial(Named, "plackett-luce"))
    policy: Named = field(default_factory=partial(Named, "misorder"))
    rules: Rules = field(default_factory=Rules)
    ballots: int = 2000
    step: float = 1.02

    def __post_init__(self) -> None:
        if not 1 <= self.ballots <= MOST_BALLOTS:
            raise LaboratoryError(f"ballots must be 1 to {MOST_BALLOTS}, not {self.ballots}")
        if not 1 < self.step <= MOST_STEP:
            raise LaboratoryError(
                f"checkpoints must be a factor above 1 and at most {MOST_STEP:g} apart, not {self.step}"
            )
        start, joins = self.contestants.count - self.contestants.newcomers, self.contestants.joins
        if start < self.form.size:
            raise LaboratoryError(
                f"battles of {self.form.size} need as many contestants; at the start there are {start}"
            )
        if self.contestants.newcomers and joins >= self.ballots:
            raise LaboratoryError(f"newcomers join after {joins} ballots, but there are only {self.ballots}")


@dataclass(frozen=True, eq=False)
class Trial:
    """What one trial found. `marks` are ballots; the curves are about the contestants that are in by then.

    exact: the ballot from which the order stays right to the end, None if it is wrong at the end; exact_once: the first
    ballot after which it is right. Both are to the resolution of the marks for engines that fit again for every answer,
    and neither counts an order that was right before the newcomers came. The rest is as it stands after the last
    ballot: covered_* are the shares of 95 % intervals that hold the truth, None without intervals (in logits);
    target_place the place of the contestant that a bloc favours (or would); least_shown the exposure of whoever was
    shown least, as a share of the mean. placed: mean rank error of newcomers after so many ballots with them.
    """

    seed: int
    marks: Ints
    tau: Floats
    top_1: Floats
    top_5: Floats
    rmse: Floats | None
    exact: int | None
    exact_once: int | None
    covered_strengths: float | None
    covered_ranks: float | None
    target_place: int
    least_shown: float
    placed: dict[int, float]


def checkpoints(ballots: int, step: float) -> Ints:
    """1, 2, 3 ... and then each `step` times the one before, up to the last ballot."""
    found, mark = [], 1
    while mark < ballots:
        found.append(mark)
        mark = max(mark + 1, math.floor(mark * step))
    return np.array([*found, ballots], np.int64)


def run(setup: Setup, seed: int) -> Trial:
    """The same for the same setup and seed, on any machine with the same libraries."""
    return _Course(setup, seed).run()


class _Course:
    """A trial while it runs."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup, self.seed = setup, seed
        streams = [np.random.default_rng([seed, stream]) for stream in range(3)]
        self.theta = contestants.strengths(setup.contestants, streams[0])
        self.voters = Voters(setup.electorate, self.theta, setup.ballots, streams[1])
        self.rng = streams[2]
        self.learner: Learner = learner(setup.engine, setup.contestants.count)
        self.policy: Policy = policy(setup.policy)
        self.new: Bools = contestants.newcomers(setup.contestants)
        self.shown = np.zeros(setup.contestants.count, np.int64)
        self.met = np.zeros((setup.contestants.count, setup.contestants.count), np.int64)
        self.eligible: Ints = np.flatnonzero(~self.new)  # the first ones, so that places among them are indices
        self.rounds: list[Played] = []  # of the tournament that is on: all ballots are about one prompt
        self.out: set[int] = set()
        self.marks = checkpoints(setup.ballots, setup.step)
        self.curves: list[tuple[float, float, float, float]] = []
        self.placed: dict[int, list[float]] = {}
        self.wrong_at = 0  # the last ballot after which the order was wrong
        self._enter()

    def run(self) -> Trial:
        upcoming = 0
        for ballot in range(self.setup.ballots):
            if ballot == self.setup.contestants.joins and self.new.any():
                self.eligible = np.arange(len(self.new))
                self._enter()
            members = self._chosen()
            ranks = self.setup.form.ranks(self.voters.impressions(ballot, members))
            self.learner.update(members.astype(np.int32), ranks, int(self.voters.of[ballot]))
            loops.meet(members, self.shown, self.met)
            if self.setup.policy.name == Tournament.name:
                self._play(members, ranks)
            last = ballot + 1 == self.setup.ballots
            if last:
                self.learner.settle()
            at_mark = ballot + 1 == self.marks[upcoming]
            if self.learner.cheap or at_mark:
                self._compare(ballot + 1)
            if at_mark:
                self._measure()
                upcoming += 1
            if self.new.any():
                self._place(members)
        return self._result()

    def _enter(self) -> None:
        """The order that is right from now on."""
        self.right_at: int | None = None  # the first ballot after which it was right
        self.order: Ints = self.eligible[np.argsort(-self.theta[self.eligible])]

    def _compare(self, ballots: int) -> None:
        if not measures.is_exact(self.learner.mean(), self.order):
            self.wrong_at = ballots
        elif self.right_at is None:
            self.right_at = ballots

    def _chosen(self) -> Ints:
        """Contestants in the order of their slots."""
        if self.setup.policy.name == "uniform" and self.setup.rules == NO_RULES:
            return self.rng.choice(self.eligible, self.setup.form.size, replace=False)
        situation = self._situation()
        if self.setup.rules == NO_RULES:  # what `choose` does then, without the probability, which nobody here reads
            drawn = self.policy.plan(situation, self.rng).draw(situation, self.rng)
            return np.asarray(self.eligible[self.rng.permutation(np.array(drawn))])
        choice = choose(situation, self.policy, self.setup.rules, self.rng)
        if choice is None:
            raise AssertionError("there are always enough contestants")
        return np.asarray(self.eligible[np.array(choice.members)])

    def _situation(self) -> Situation:
        everybody = len(self.eligible) == len(self.new)
        mean, covariance = self.learner.mean(), self.learner.covariance()
        if covariance is None:
            covariance = np.eye(len(mean))  # an engine without uncertainty is equally unsure of everybody
        here = self.eligible
        inner = np.ix_(here, here)
        return Situation(
            mean=mean if everybody else mean[here],
            covariance=covariance if everybody else covariance[inner],
            size=self.setup.form.size,
            shown=self.shown if everybody else self.shown[here],
            met=self.met if everybody else self.met[inner],
            newcomers=self.new if everybody and self.new.any() else None,
            rounds=tuple(self.rounds),
        )

    def _play(self, members: Ints, ranks: Ranks) -> None:
        """Keep the battle while its tournament is on. One with several winners is to be played again."""
        first = members[ranks == 1].tolist()
        if len(first) != 1:
            return
        self.rounds.append(Played(frozenset(members.tolist()), first[0]))
        self.out.update(set(members.tolist()) - set(first))
        if len(self.eligible) - len(self.out) <= 1:
            self.rounds, self.out = [], set()

    def _measure(self) -> None:
        found, truth = self.learner.mean()[self.eligible], self.theta[self.eligible]
        if not np.isfinite(found).all():
            raise LaboratoryError(f"{self.setup.engine} has come to strengths that are not finite; nothing follows")
        distance = measures.rmse(found, truth) if self.learner.unit == "logit" else math.nan
        self.curves.append(
            (
                measures.tau(found, truth),
                measures.top_share(found, truth, 1),
                measures.top_share(found, truth, measures.TOP),
                distance,
            )
        )

    def _place(self, members: Ints) -> None:
        for member in members[self.new[members]]:
            count = int(self.shown[member])
            if count in PLACED_AT:
                error = abs(measures.place(self.learner.mean())[member] - measures.place(self.theta)[member])
                self.placed.setdefault(count, []).append(float(error))

    def _result(self) -> Trial:
        curves = np.array(self.curves)
        mean, covariance = self.learner.mean(), self.learner.covariance()
        strengths = ranks = None
        if covariance is not None:
            ranks = measures.rank_coverage(
                mean, covariance, self.theta, np.random.default_rng([self.seed, _COVERAGE_STREAM])
            )
            if self.learner.unit == "logit":
                strengths = measures.strength_coverage(mean, covariance, self.theta)
        exact = None if self.wrong_at == self.setup.ballots else self.wrong_at + 1
        if exact is not None and not self.learner.cheap:
            exact = int(self.marks[np.searchsorted(self.marks, exact)])
        return Trial(
            seed=self.seed,
            marks=self.marks,
            tau=curves[:, 0],
            top_1=curves[:, 1],
            top_5=curves[:, 2],
            rmse=curves[:, 3] if self.learner.unit == "logit" else None,
            exact=exact,
            exact_once=self.right_at,
            covered_strengths=strengths,
            covered_ranks=ranks,
            target_place=int(measures.place(mean)[self.voters.target]),
            least_shown=float(self.shown.min() / self.shown.mean()),
            placed={count: float(np.mean(errors)) for count, errors in sorted(self.placed.items())},
        )
