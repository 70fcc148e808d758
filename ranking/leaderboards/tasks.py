"""Celery tasks of the boards: coalesced refresh after ballots, and a sweep that catches what a lost message missed."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from arena.ballots.watermark import BallotsBeingWritten
from ranking.engines.errors import EngineError

from .actions import BeingPublished, only_publisher, publish
from .boards import show_published
from .goals import boards_with_old_goals, measure_goal
from .queries import boards_behind, leaderboard_of

log = logging.getLogger(__name__)

_PENDING_SECONDS = 30  # a request that was lost with its worker blocks further ones for no longer than this

_GOAL_SECONDS = 30  # between two forecasts of one arena, which take seconds each


def request_refresh(arena_id: int) -> None:
    """Ask for one refresh of the arena's board, however many ballots arrive until it runs."""
    if cache.add(_pending_key(arena_id), True, _PENDING_SECONDS):
        refresh.apply_async([arena_id], countdown=settings.BOARD_REFRESH_SECONDS)


@shared_task(name="ranking.refresh")
def refresh(arena_id: int) -> None:
    # Before the ballots are read: one that arrives from here on asks for a refresh of its own.
    cache.delete(_pending_key(arena_id))
    leaderboard = leaderboard_of(arena_id)
    try:
        with only_publisher(leaderboard):
            publish(leaderboard)
    except BeingPublished:
        return  # a slow fit must not take every worker; the sweep finds what it left out
    except BallotsBeingWritten:
        request_refresh(arena_id)
        return
    except EngineError as error:  # an engine or parameters that these ballots cannot have; the former board stays
        log.error("The board of %s cannot be computed: %s", leaderboard.arena, error)
        return
    show_published(leaderboard)
    request_goal(arena_id)


@shared_task(name="ranking.measure_goal")
def measure(arena_id: int) -> None:
    leaderboard = leaderboard_of(arena_id)
    if measure_goal(leaderboard) is not None:
        show_published(leaderboard)


def request_goal(arena_id: int) -> None:
    """Ask for one forecast, at most every `_GOAL_SECONDS`; `catch_up` asks again for what was left out."""
    if arena_id in boards_with_old_goals() and cache.add(f"goal:{arena_id}", True, _GOAL_SECONDS):
        measure.delay(arena_id)


@shared_task(name="ranking.catch_up")
def catch_up() -> None:
    """Refresh boards with unread ballots, and show what another process has published."""
    for arena_id in boards_behind():
        request_refresh(arena_id)
    show_published()
    for arena_id in boards_with_old_goals():
        request_goal(arena_id)


def _pending_key(arena_id: int) -> str:
    return f"board-refresh:{arena_id}"
