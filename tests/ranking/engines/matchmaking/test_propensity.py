"""Win rates from adaptively chosen battles: what uniform battles would have shown, with its uncertainty."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from ranking.engines.evidence import Evidence
from ranking.engines.interchange import BallotRecord
from ranking.engines.matchmaking.choosing import Rules, choose
from ranking.engines.matchmaking.policies import PolicyError
from ranking.engines.matchmaking.propensity import win_rates
from ranking.engines.matchmaking.registry import policy_named
from ranking.engines.matchmaking.situation import Situation
from ranking.engines.online import assimilate

COUNT, SIZE = 6, 3
STRENGTH = np.array([1.2, 0.8, 0.1, -0.2, -0.7, -1.2])


def true_rates() -> np.ndarray:
    """P(i beats one other), the other drawn uniformly: Plackett-Luce pairs do not depend on who else is there."""
    beats = 1 / (1 + np.exp(STRENGTH[None, :] - STRENGTH[:, None]))
    return np.array([np.delete(beats[i], i).mean() for i in range(COUNT)])


def simulated_log(seed: int, battles: int) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Ballots on sets that the default policy chose with what it knew from the ballots before."""
    rng = np.random.default_rng(seed)
    mean, covariance, shown = np.zeros(COUNT), np.eye(COUNT), np.zeros(COUNT, np.int64)
    policy, rules = policy_named("misorder"), Rules(audit=0.2)
    ballots, probability, uniform = [], [], []
    for _ in range(battles):
        choice = choose(Situation(mean, covariance, SIZE, shown), policy, rules, rng)
        assert choice is not None
        members = np.array(choice.members)
        order = np.argsort(-(STRENGTH[members] + rng.gumbel(size=SIZE)))
        ranks = np.empty(SIZE, int)
        ranks[order] = np.arange(1, SIZE + 1)
        mean, covariance = assimilate(mean, covariance, members, ranks)
        shown = shown.copy()
        shown[members] += 1
        ballots.append(BallotRecord(items=tuple(f"c{m}" for m in members), ranks=tuple(int(r) for r in ranks)))
        probability.append(choice.probability)
        uniform.append(choice.uniform)
    names = [f"c{m}" for m in range(COUNT)]
    return Evidence.from_ballots(ballots, items=names), np.array(probability), np.array(uniform)


@pytest.fixture(scope="module")
def logs() -> list[tuple[Evidence, np.ndarray, np.ndarray]]:
    return [simulated_log(seed, 120) for seed in range(150)]


class TestOnSimulatedLogs:
    def test_the_plain_win_rates_are_biased(self, logs: list[tuple[Evidence, np.ndarray, np.ndarray]]) -> None:
        """The policy shows neighbours together; otherwise the next tests would show nothing."""
        same = [win_rates(evidence, np.ones(120), np.ones(120)).rate for evidence, _, _ in logs]
        error = np.std(same, axis=0) / math.sqrt(len(logs))
        assert np.abs((np.mean(same, axis=0) - true_rates()) / error).max() > 8

    def test_horvitz_thompson_is_unbiased(self, logs: list[tuple[Evidence, np.ndarray, np.ndarray]]) -> None:
        found = [win_rates(*log, estimator="horvitz-thompson", clip=math.inf).rate for log in logs]
        error = np.std(found, axis=0) / math.sqrt(len(logs))
        assert np.abs((np.mean(found, axis=0) - true_rates()) / error).max() < 3.5

    def test_hajek_is_nearly_unbiased_and_far_less_variable(
        self, logs: list[tuple[Evidence, np.ndarray, np.ndarray]]
    ) -> None:
        found = [win_rates(*log, clip=math.inf).rate for log in logs]
        other = [win_rates(*log, estimator="horvitz-thompson", clip=math.inf).rate for log in logs]
        assert np.abs(np.mean(found, axis=0) - true_rates()).max() < 0.02
        assert np.std(found, axis=0).mean() < 0.7 * np.std(other, axis=0).mean()

    def test_the_standard_error_is_that_of_repetition(
        self, logs: list[tuple[Evidence, np.ndarray, np.ndarray]]
    ) -> None:
        found = [win_rates(*log, clip=math.inf) for log in logs]
        stated = np.sqrt(np.mean([rates.error**2 for rates in found], axis=0))
        assert stated == pytest.approx(np.std([rates.rate for rates in found], axis=0), rel=0.3)


class TestOnHandMadeBallots:
    def evidence(self, *ranks: tuple[int | None, ...]) -> Evidence:
        return Evidence.from_ballots([BallotRecord(items=("a", "b", "c"), ranks=each) for each in ranks])

    def test_counts_the_shares_beaten(self) -> None:
        found = win_rates(self.evidence((1, 2, 3), (1, 1, 3)), np.ones(2), np.ones(2))
        assert found.rate == pytest.approx([(1 + 0.75) / 2, (0.5 + 0.75) / 2, 0])

    def test_best_only_compares_the_best_with_each_other_one(self) -> None:
        found = win_rates(self.evidence((1, None, None)), np.ones(1), np.ones(1))
        assert found.rate == pytest.approx([1, 0, 0])
        assert np.isnan(found.error).all()

    def test_best_and_worst(self) -> None:
        found = win_rates(self.evidence((None, 1, -1)), np.ones(1), np.ones(1))
        assert found.rate == pytest.approx([0.5, 1, 0])

    def test_all_bad_counts_for_nothing(self) -> None:
        ballot = BallotRecord(items=("a", "b", "c"), ranks=(None, None, None), all_bad=True)
        found = win_rates(Evidence.from_ballots([ballot]), np.ones(1), np.ones(1))
        assert np.isnan(found.rate).all()
        assert found.battles.tolist() == [0, 0, 0]

    def test_a_rare_choice_counts_more(self) -> None:
        found = win_rates(self.evidence((1, 2, 3), (3, 2, 1)), np.array([0.1, 0.3]), np.array([0.1, 0.1]))
        assert found.rate == pytest.approx([0.75, 0.5, 0.25])  # weights 1 and 1/3
        assert found.effective == pytest.approx([(4 / 3) ** 2 / (10 / 9)] * 3)

    def test_clipping_is_counted(self) -> None:
        found = win_rates(self.evidence((1, 2, 3), (3, 2, 1)), np.array([0.001, 0.1]), np.array([0.1, 0.1]), clip=3)
        assert found.clipped == 1
        assert found.rate == pytest.approx([0.75, 0.5, 0.25])

    def test_a_weight_is_a_repetition_in_the_estimate(self) -> None:
        once = Evidence.from_ballots([BallotRecord(items=("a", "b"), ranks=(1, 2), weight=2.0)] * 1)
        twice = Evidence.from_ballots([BallotRecord(items=("a", "b"), ranks=(1, 2))] * 2)
        assert win_rates(once, np.ones(1), np.ones(1)).rate == pytest.approx(
            win_rates(twice, np.ones(2), np.ones(2)).rate
        )

    @pytest.mark.parametrize(
        ("probability", "uniform", "options", "message"),
        [
            ([0.0], [0.5], {}, "probability of ballot 0 must lie above 0"),
            ([0.5], [math.nan], {}, "uniform of ballot 0"),
            ([0.5, 0.5], [0.5], {}, "shape"),
            ([0.5], [0.5], {"clip": 0.5}, "clip must be at least 1"),
            ([0.5], [0.5], {"estimator": "mean"}, "estimator must be hajek or horvitz-thompson"),
        ],
    )
    def test_senseless_input_is_refused(
        self, probability: list[float], uniform: list[float], options: dict[str, object], message: str
    ) -> None:
        with pytest.raises(PolicyError, match=message):
            win_rates(self.evidence((1, 2, 3)), np.array(probability), np.array(uniform), **options)  # type: ignore[arg-type]


def test_every_set_of_the_uniform_choice_is_possible_under_the_rules() -> None:
    """Otherwise no weights could make up for what is never shown."""
    from ranking.engines.matchmaking.choosing import probability_of

    known = Situation(STRENGTH, np.eye(COUNT) * 0.1, SIZE, np.full(COUNT, 50))
    rng = np.random.default_rng(0)
    for group in combinations(range(COUNT), SIZE):
        assert probability_of(known, policy_named("misorder"), Rules(audit=0.1), group, rng) >= 0.1 / 20 - 1e-12
