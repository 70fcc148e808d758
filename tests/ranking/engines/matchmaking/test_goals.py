"""When enough is known, and whether the forecast of ballots left comes true."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ranking.engines.matchmaking import goals
from ranking.engines.matchmaking.choosing import NO_RULES, Rules
from ranking.engines.matchmaking.goals import BallotsLeft, NarrowIntervals, TopKnown, ballots_left
from ranking.engines.matchmaking.policies import PolicyError, replayed
from ranking.engines.matchmaking.registry import policy_named
from ranking.engines.matchmaking.situation import Played, Situation

RNG = 20260131


def unknown(count: int, size: int = 4, sd: float = 1.0) -> Situation:
    return Situation(
        mean=np.zeros(count),
        covariance=np.eye(count) * sd**2,
        size=size,
        shown=np.zeros(count, np.int64),
        met=np.zeros((count, count), np.int64),
    )


def forecast(goal: goals.Goal, situation: Situation, **options: object) -> BallotsLeft:
    return ballots_left(goal, situation, policy_named("misorder"), rng=np.random.default_rng(RNG), **options)  # type: ignore[arg-type]


class TestTopKnown:
    def test_is_the_probability_that_the_best_by_mean_are_the_best(self) -> None:
        """Of two independent normals one is above the other with probability Phi(difference / sd)."""
        progress = TopKnown(1, 0.9).progress(np.array([1.0, 0.0]), np.eye(2) * 0.5, np.random.default_rng(RNG))

        assert progress.value == pytest.approx(0.8413, abs=0.04)
        assert (progress.target, progress.reached) == (0.9, False)

    def test_is_reached_when_it_is_certain(self) -> None:
        progress = TopKnown(2).progress(np.array([3.0, 0.0, 2.0]), np.eye(3) * 1e-6, np.random.default_rng(RNG))
        assert (progress.value, progress.reached) == (1.0, True)

    def test_does_not_mind_the_order_within_the_best(self) -> None:
        mean, covariance = np.array([3.0, 3.0, 0.0]), np.diag([1e-2, 1e-2, 1e-2])
        assert TopKnown(2).progress(mean, covariance, np.random.default_rng(RNG)).reached

    @pytest.mark.parametrize("count", [5, 6])
    def test_of_all_is_no_question_and_never_reached(self, count: int) -> None:
        """Otherwise an arena would stop asking before its first ballot."""
        assert not TopKnown(count).progress(np.zeros(5), np.eye(5), np.random.default_rng(RNG)).reached
        assert forecast(TopKnown(count), unknown(5), worlds=1) == BallotsLeft(None, None, None)

    @pytest.mark.parametrize("wrong", [{"count": 0}, {"level": 0.4}, {"level": 1.0}, {"level": math.nan}])
    def test_refuses_what_makes_no_goal(self, wrong: dict[str, float]) -> None:
        with pytest.raises(PolicyError):
            TopKnown(**wrong)  # type: ignore[arg-type]


class TestNarrowIntervals:
    def test_is_the_widest_interval_in_elo_points(self) -> None:
        covariance = np.diag([0.01, 0.04]) - 0.0
        centred = covariance - covariance.mean(axis=0)
        centred = centred - centred.mean(axis=1)[:, None]
        progress = NarrowIntervals(40).progress(np.zeros(2), covariance, np.random.default_rng(RNG))

        assert progress.value == pytest.approx(2 * 1.959964 * 400 / math.log(10) * math.sqrt(centred[0, 0]))
        assert not progress.reached
        assert NarrowIntervals(progress.value).progress(np.zeros(2), covariance, np.random.default_rng(RNG)).reached

    def test_of_nobody_is_reached(self) -> None:
        assert NarrowIntervals(1).progress(np.zeros(0), np.zeros((0, 0)), np.random.default_rng(RNG)).reached

    @pytest.mark.parametrize("points", [0, -1, math.nan])
    def test_refuses_what_makes_no_goal(self, points: float) -> None:
        with pytest.raises(PolicyError):
            NarrowIntervals(points)


class TestBallotsLeft:
    def test_a_goal_that_is_reached_leaves_none(self) -> None:
        known = replace(unknown(10), covariance=np.eye(10) * 1e-6, mean=np.arange(10.0))
        assert forecast(TopKnown(3), known) == BallotsLeft(0, 0, 0)

    def test_a_goal_out_of_sight_says_so(self) -> None:
        assert forecast(NarrowIntervals(1), unknown(6), worlds=2, most=50) == BallotsLeft(None, None, None)

    def test_a_harder_goal_takes_more(self) -> None:
        easy = forecast(NarrowIntervals(300), unknown(8), worlds=6)
        hard = forecast(NarrowIntervals(150), unknown(8), worlds=6)
        assert easy.median is not None
        assert hard.median is not None
        assert hard.median > 2 * easy.median

    def test_ballots_that_name_only_the_best_tell_less(self) -> None:
        full = forecast(NarrowIntervals(200), unknown(8), worlds=6)
        best = forecast(NarrowIntervals(200), unknown(8), worlds=6, observed=lambda size: [1] + [0] * (size - 1))
        assert full.median is not None
        assert best.median is not None
        assert best.median > 1.3 * full.median

    def test_is_the_same_for_the_same_dice(self) -> None:
        assert forecast(TopKnown(2, 0.8), unknown(6), worlds=4) == forecast(TopKnown(2, 0.8), unknown(6), worlds=4)

    def test_where_no_set_may_be_shown_there_is_none(self) -> None:
        groups = np.arange(8) % 2
        apart = (groups[:, None] == groups[None, :]) & ~np.eye(8, dtype=np.bool_)
        situation = replace(unknown(8), conflicts=apart)
        assert forecast(NarrowIntervals(200), situation, worlds=2) == BallotsLeft(None, None, None)

    @pytest.mark.parametrize("prompts", [1, 3])
    def test_a_tournament_is_played_round_by_round(self, prompts: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """On each prompt those who lost are out until one alone is left."""
        played: list[tuple[int, ...]] = []
        firsts: list[int] = []
        choose, vote = goals._set, goals._vote

        def chosen(situation: Situation, *rest: Any) -> Any:
            members = choose(situation, *rest)
            before = slice(len(played) % prompts, None, prompts)
            mine = zip(played[before], firsts[before], strict=True)
            victories, _ = replayed(range(4), [Played(frozenset(each), first) for each, first in mine])
            assert all(victories[member] >= 0 for member in members.tolist())
            played.append(tuple(members.tolist()))
            return members

        def voted(*given: Any) -> int:
            firsts.append(vote(*given))
            return firsts[-1]

        monkeypatch.setattr(goals, "_set", chosen)
        monkeypatch.setattr(goals, "_vote", voted)
        left = ballots_left(
            NarrowIntervals(1),
            unknown(4, size=2),
            policy_named("tournament"),
            rules=NO_RULES,
            prompts=prompts,
            worlds=1,
            most=60,
            rng=np.random.default_rng(RNG),
        )
        assert left == BallotsLeft(None, None, None)
        assert len(played) == len(firsts) == 60

    def test_conflicts_are_kept(self) -> None:
        """With all apart but two, those two are the only pair."""
        apart = ~np.eye(3, dtype=np.bool_)
        apart[0, 1] = apart[1, 0] = False
        situation = replace(unknown(3, size=2), conflicts=apart)
        assert forecast(NarrowIntervals(200), situation, worlds=2, most=400) == BallotsLeft(None, None, None)

    @pytest.mark.slow
    def test_the_interval_holds_what_happens_as_often_as_it_says(self) -> None:
        """Forecasts after 60 ballots in 100 arenas, against ballots needed then: 80 % within three sd."""
        rng = np.random.default_rng(RNG)
        goal, policy, hits, arenas = NarrowIntervals(180), policy_named("misorder"), 0, 100
        for _ in range(arenas):
            truth = rng.normal(size=10)
            mean, covariance, shown = np.zeros(10), np.eye(10), np.zeros(10, np.int64)
            played, said = 0, None
            while not goal.progress(mean, covariance, rng).reached:
                if played == 60:
                    situation = replace(unknown(10), mean=mean.copy(), covariance=covariance.copy(), shown=shown.copy())
                    said = ballots_left(goal, situation, policy, worlds=16, rng=rng)
                situation = replace(unknown(10), mean=mean, covariance=covariance, shown=shown)
                members = goals._set(situation, policy, Rules(), rng)
                goals._vote(mean, covariance, truth, members, lambda size: list(range(1, size + 1)), 1, rng)
                shown[members] += 1
                played += 1
            assert said is not None
            assert said.low is not None
            assert said.high is not None
            hits += said.low <= played - 60 <= said.high
        assert abs(hits / arenas - 0.8) < 3 * math.sqrt(0.8 * 0.2 / arenas)
