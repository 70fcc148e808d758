"""How far an arena is from its goal, and how many ballots are left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet

from arena.catalogue.models import Arena, Contestant, ContestantState, GoalKind
from arena.matchmaking.beliefs import Beliefs
from arena.matchmaking.knowledge import conflicts_of
from arena.matchmaking.rules import goal_of, rules_of
from ranking.charts.figures import EN_DASH, NO_BREAK_SPACE, percent
from ranking.engines.matchmaking.goals import MOST, BallotsLeft, ballots_left, never_reached
from ranking.engines.matchmaking.sets import allowed
from ranking.engines.matchmaking.situation import Situation

from .beliefs import unpack_posterior
from .models import GoalStanding, Leaderboard

WORLDS = 16
_NONE = BallotsLeft(None, None, None)


def measure_goal(leaderboard: Leaderboard) -> GoalStanding | None:
    """Play the arena forward from the latest snapshot and store what it says; None for an arena without a goal.

    Cost: seconds (see `ranking.engines.matchmaking.goals`), so never inside a request.
    """
    arena = leaderboard.arena
    goal = goal_of(arena)
    snapshot = leaderboard.latest
    if goal is None or snapshot is None:
        GoalStanding.objects.filter(leaderboard=leaderboard).delete()
        return None
    packed = Leaderboard.objects.values_list("posterior", flat=True).get(pk=leaderboard.pk)
    known = Beliefs() if packed is None else unpack_posterior(bytes(packed))
    active = arena.contestants.filter(state=ContestantState.ACTIVE).order_by("pk")
    beliefs = known.of(list(active.values_list("pk", flat=True)))
    # The same draws as those by which the arena decides whether to ask on.
    progress = goal.progress(beliefs.mean, beliefs.covariance, np.random.default_rng(0))
    left, obstacle = (BallotsLeft(0, 0, 0), "") if progress.reached else _left(arena, active, beliefs)
    return GoalStanding.objects.update_or_create(
        leaderboard=leaderboard,
        defaults={
            "goal": words_of(arena),
            "snapshot": snapshot,
            "value": progress.value,
            "target": progress.target,
            "reached": progress.reached,
            "median": left.median,
            "low": left.low,
            "high": left.high,
            "obstacle": obstacle,
        },
    )[0]


def boards_with_old_goals() -> list[int]:
    """Arenas whose goal was not measured on the latest snapshot. One query."""
    boards = Leaderboard.objects.filter(~Q(arena__goal=GoalKind.NONE), category="", latest__isnull=False)
    return list(boards.exclude(goal_standing__snapshot=F("latest")).order_by("pk").values_list("arena_id", flat=True))


def forget_other_goals(arena: Arena) -> None:
    """What was measured for a goal that the arena no longer has says nothing; `catch_up` has the new one measured."""
    measured = GoalStanding.objects.filter(leaderboard__arena=arena)
    if arena.goal != GoalKind.NONE:
        measured = measured.exclude(goal=words_of(arena))
    measured.delete()


def words_of(arena: Arena) -> str:
    """The goal in words."""
    if arena.goal == GoalKind.TOP_KNOWN:
        who = "the best one" if arena.goal_top == 1 else f"the best {arena.goal_top}"
        return f"{who} known with {percent(arena.goal_confidence)} probability"
    return f"every 95{NO_BREAK_SPACE}% interval at most {arena.goal_points:g} points wide"


def show_goal(standing: GoalStanding) -> dict[str, Any]:
    """The context of the board's line about its goal."""
    if standing.target < 1:  # a probability
        now = f"now {percent(float(np.floor(standing.value * 100)) / 100)}"
    else:
        now = f"the widest now {np.ceil(standing.value):.0f}"
    return {"words": standing.goal, "reached": standing.reached, "now": now, "left": _left_in_words(standing)}


def _left_in_words(standing: GoalStanding) -> str:
    if standing.obstacle:
        return f"no forecast: {standing.obstacle}"
    if standing.median is None:
        return f"more than {MOST:,} ballots left"
    if standing.low == standing.high:
        return f"about {_rounded(standing.median):,} ballots left"
    high = f"{_rounded(standing.high):,}" if standing.high is not None else f"over {MOST:,}"
    low = _rounded(standing.low if standing.low is not None else 0)
    return f"about {_rounded(standing.median):,} ballots left (80{NO_BREAK_SPACE}%: {low:,}{EN_DASH}{high})"


def _rounded(ballots: int) -> int:
    """To two figures: the forecast is no finer."""
    return int(float(f"{ballots:.2g}"))


def _left(arena: Arena, active: QuerySet[Contestant], beliefs: Beliefs) -> tuple[BallotsLeft, str]:
    """What is left, and what keeps the goal from being reached at all; empty where nothing does."""
    rules, rng = rules_of(arena), np.random.default_rng(0)
    apart, weights = zip(*active.values_list("kept_apart", "battle_weight"), strict=True) if active else ((), ())
    count = len(beliefs.contestants)
    if rules.goal is None or count < arena.size_of():
        return _NONE, f"{count} contestants are too few for battles of {arena.size_of()}"
    if never_reached(rules.goal, count):
        return _NONE, f"among {count} contestants this is no question, so voting goes on"
    situation = Situation(
        mean=beliefs.mean,
        covariance=beliefs.covariance,
        size=arena.size_of(),
        shown=beliefs.ballots,
        newcomers=beliefs.ballots < arena.preliminary_below,
        met=np.zeros((count, count), np.int64),
        conflicts=conflicts_of(apart),
        weights=np.array(weights, np.float64),
    )
    if not allowed(situation).count:
        return _NONE, f"those kept apart leave no battle of {arena.size_of()}"
    limits = replace(rules.rules, audit=rules.audit)
    prompts = max(arena.prompts.filter(is_active=True).count(), 1)
    left = ballots_left(
        rules.goal,
        situation,
        rules.policy,
        rules=limits,
        observed=rules.observed,
        prompts=prompts,
        worlds=WORLDS,
        rng=rng,
    )
    return left, ""
