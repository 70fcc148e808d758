"""A board with a goal says how far it is and how many ballots are left."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from arena.catalogue.models import Arena, Contestant
from arena.matchmaking import keeping
from arena.models import User
from ranking.leaderboards import tasks
from ranking.leaderboards.actions import publish
from ranking.leaderboards.goals import boards_with_old_goals, measure_goal, show_goal
from ranking.leaderboards.models import GoalStanding, Snapshot
from ranking.leaderboards.queries import leaderboard_of
from ranking.leaderboards.tasks import measure
from tests.ranking.leaderboards.conftest import Cast

PAGE = "/arenas/prints/leaderboard/"


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True


@pytest.fixture
def goal(arena: Arena) -> Arena:
    """The best one is to be known with 90 %."""
    Arena.objects.update(goal="top-known", goal_top=1, goal_confidence=0.9, battle_size=3)
    arena.refresh_from_db()
    return arena


def judged(arena: Arena, cast: Cast, times: int = 4) -> Snapshot:
    for _ in range(times):
        cast([0, 1, 2], [1, 2, 3])
        cast([3, 4, 5], [1, 2, 3])
    snapshot = publish(leaderboard_of(arena.pk))
    assert snapshot is not None
    return snapshot


def board_html() -> str:
    return Client().get(PAGE).content.decode()


def test_says_how_far_it_is_and_what_is_left(goal: Arena, cast: Cast) -> None:
    snapshot = judged(goal, cast)
    standing = measure_goal(leaderboard_of(goal.pk))

    assert standing is not None
    assert standing.snapshot == snapshot
    assert 0 < standing.value < standing.target == 0.9
    assert not standing.reached
    assert standing.low is not None
    assert standing.median is not None
    assert standing.high is not None
    assert 0 < standing.low <= standing.median <= standing.high


def test_is_measured_again_on_the_next_snapshot_and_written_once(goal: Arena, cast: Cast) -> None:
    judged(goal, cast)
    first = measure_goal(leaderboard_of(goal.pk))
    snapshot = judged(goal, cast, 40)
    second = measure_goal(leaderboard_of(goal.pk))

    assert first is not None
    assert second is not None
    assert GoalStanding.objects.count() == 1
    assert second.snapshot == snapshot


def test_a_goal_that_is_reached_leaves_nothing_to_do(goal: Arena, contestants: list[Contestant], cast: Cast) -> None:
    for _ in range(60):
        cast([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6])
    publish(leaderboard_of(goal.pk))
    standing = measure_goal(leaderboard_of(goal.pk))

    assert standing is not None
    assert standing.reached
    assert (standing.low, standing.median, standing.high) == (0, 0, 0)
    tasks.show_published()
    assert "<b>Goal reached:</b> the best one known with 90" in board_html()
    assert "Voting has stopped" in board_html()


def test_is_on_the_board_and_the_board_is_rendered_again_for_it(goal: Arena, cast: Cast) -> None:
    judged(goal, cast)
    assert "Goal" not in board_html()
    measure(goal.pk)

    html = board_html()
    assert "<b>Goal:</b> the best one known with 90" in html
    assert "ballots left (80" in html


def test_an_unknown_newcomer_keeps_every_interval_from_being_narrow(
    arena: Arena, contestants: list[Contestant], cast: Cast
) -> None:
    Arena.objects.update(goal="narrow-intervals", goal_points=400, battle_size=3)
    for _ in range(80):
        cast([0, 1, 2, 3, 4], [1, 2, 3, 4, 5])
    publish(leaderboard_of(arena.pk))
    with_a_newcomer = measure_goal(leaderboard_of(arena.pk))
    Contestant.objects.filter(pk=contestants[5].pk).update(state="paused")
    without = measure_goal(leaderboard_of(arena.pk))

    assert with_a_newcomer is not None
    assert without is not None
    assert with_a_newcomer.value > without.value


def test_a_board_without_a_goal_or_without_ballots_has_none(arena: Arena, goal: Arena, cast: Cast) -> None:
    assert measure_goal(leaderboard_of(goal.pk)) is None
    Arena.objects.update(goal="")
    judged(arena, cast)

    assert measure_goal(leaderboard_of(arena.pk)) is None
    assert boards_with_old_goals() == []
    assert not GoalStanding.objects.exists()


def test_what_was_left_out_is_found_by_the_sweep(goal: Arena, cast: Cast) -> None:
    judged(goal, cast)
    assert boards_with_old_goals() == [goal.pk]
    tasks.catch_up()
    assert boards_with_old_goals() == []
    assert GoalStanding.objects.get().leaderboard.arena == goal


def test_forecasts_of_one_arena_keep_their_distance(goal: Arena, cast: Cast) -> None:
    """They take seconds each, and ballots come more often."""
    judged(goal, cast)
    tasks.catch_up()
    judged(goal, cast)
    tasks.catch_up()

    assert boards_with_old_goals() == [goal.pk]
    cache.delete(f"goal:{goal.pk}")
    tasks.catch_up()
    assert boards_with_old_goals() == []


def test_another_goal_makes_the_old_figures_go(goal: Arena, cast: Cast) -> None:
    judged(goal, cast)
    measure(goal.pk)
    goal.goal_confidence = 0.99
    goal.save()
    assert not GoalStanding.objects.exists()

    measure(goal.pk)
    goal.description = "The goal stays."
    goal.save()
    assert GoalStanding.objects.get().target == 0.99
    goal.goal = ""
    goal.save()
    assert not GoalStanding.objects.exists()


@pytest.mark.parametrize(
    ("fields", "now", "left"),
    [
        ({"median": 812, "low": 449, "high": 1904}, "now 62 %", "about 810 ballots left (80 %: 450–1,900)"),
        ({"median": 812, "low": 449, "high": None}, "now 62 %", "about 810 ballots left (80 %: 450–over 200,000)"),
        ({"median": None, "low": 150_000, "high": None}, "now 62 %", "more than 200,000 ballots left"),
        ({"median": 7, "low": 7, "high": 7}, "now 62 %", "about 7 ballots left"),
        (
            {"median": 7, "low": 7, "high": 7, "value": 40.2, "target": 30.0},
            "the widest now 41",
            "about 7 ballots left",
        ),
        ({"median": 3, "low": 1, "high": 5, "value": 0.949}, "now 94 %", "about 3 ballots left (80 %: 1–5)"),
    ],
)
def test_is_said_in_round_numbers_that_promise_no_more_than_is_known(
    fields: dict[str, Any], now: str, left: str
) -> None:
    values: dict[str, Any] = {"goal": "g", "reached": False, "value": 0.62, "target": 0.95} | fields
    shown = show_goal(GoalStanding(**values))

    assert shown["now"].replace("\u00a0", " ") == now
    assert shown["left"].replace("\u00a0", " ") == left


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"policy_parameters": '{"top": 1}'}, "has no parameter"), ({"category_quota": '{"a": 2}'}, "above 0")],
)
def test_the_admin_refuses_settings_that_matchmaking_could_not_follow(
    arena: Arena, changes: dict[str, str], words: str
) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("grace"))
    page = staff.get(f"/admin/arena/arena/{arena.pk}/change/")
    form = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
    form |= {"policy_parameters": "{}", "category_quota": "{}"} | changes
    answer = staff.post(f"/admin/arena/arena/{arena.pk}/change/", form)

    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_contestants_kept_apart_leave_no_forecast_and_the_board_and_the_vote_page_say_why(
    goal: Arena, ready_arena: Arena, cast: Cast
) -> None:
    """Two groups and battles of three."""
    judged(goal, cast)
    for at, contestant in enumerate(Contestant.objects.order_by("pk")):
        Contestant.objects.filter(pk=contestant.pk).update(kept_apart="east" if at % 2 else "west")
    keeping.forget()
    measure(goal.pk)

    standing = GoalStanding.objects.get()
    assert (standing.low, standing.median, standing.high) == (None, None, None)
    assert standing.obstacle == "those kept apart leave no battle of 3"
    assert "no forecast: those kept apart leave no battle of 3." in board_html()
    page = Client().get("/arenas/prints/vote/").content.decode()
    assert "Too many of the contestants are kept apart from each other: no 3 of them may meet on any prompt." in page


def test_a_goal_that_names_everybody_is_no_question_and_voting_goes_on(goal: Arena, cast: Cast) -> None:
    Arena.objects.update(goal_top=6)
    judged(goal, cast)
    standing = measure_goal(leaderboard_of(goal.pk))

    assert standing is not None
    assert not standing.reached
    assert show_goal(standing)["left"] == "no forecast: among 6 contestants this is no question, so voting goes on"


def test_too_few_contestants_leave_no_forecast(goal: Arena, cast: Cast) -> None:
    judged(goal, cast)
    kept = Contestant.objects.order_by("pk").values("pk")[:2]
    Contestant.objects.exclude(pk__in=list(kept.values_list("pk", flat=True))).update(state="paused")
    standing = measure_goal(leaderboard_of(goal.pk))

    assert standing is not None
    assert standing.obstacle == "2 contestants are too few for battles of 3"
