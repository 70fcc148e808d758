"""The board as people see it: rendered once for each snapshot, kept in the cache, announced to every open page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import connection, transaction
from django.template.loader import render_to_string

from arena.catalogue.models import Arena, Visibility

from .goals import show_goal
from .models import GoalStanding, Leaderboard
from .presentation import show_board

log = logging.getLogger(__name__)

_LOCK_CLASS = 0x70616765  # the first key of our advisory locks on pages being rendered; ASCII "page"


@dataclass(frozen=True)
class BoardPage:
    """Everything a public board page needs, so that showing it costs no query."""

    arena: dict[str, Any]
    public: bool
    snapshot: str
    html: str


def board_page(slug: str) -> BoardPage | None:
    """The cached page of an arena's board, rendered now if it is not there; None for an unknown arena."""
    page: BoardPage | None = cache.get(_key(slug))
    if page is None:
        arena_id = Arena.objects.filter(slug=slug).values_list("pk", flat=True).first()
        return None if arena_id is None else _page_now(arena_id)[0]
    return page


def show_published(leaderboard: Leaderboard | None = None) -> None:
    """Put the latest snapshots into the cache and tell the open boards; those already shown cost nothing more."""
    boards = Leaderboard.objects.filter(category="", latest__isnull=False)
    if leaderboard is not None:
        boards = boards.filter(pk=leaderboard.pk)
    for board in boards.select_related("arena", "latest", "goal_standing").defer("posterior", "latest__standings"):
        arena_id = board.arena_id
        shown: BoardPage | None = cache.get(_key(board.arena.slug))
        if shown is not None and shown.snapshot == _version(board):
            continue
        _, rendered = _page_now(arena_id)
        if rendered:
            announce(arena_id)


def forget(slug: str) -> None:
    """Render the page anew when it is next asked for."""
    cache.delete(_key(slug))


def show_changed_arena(arena_id: int, former_slug: str) -> None:
    """Render the page of an arena that was saved; one that moved leaves none behind under its former address."""
    _page_now(arena_id, former_slug=former_slug)


def announce(arena_id: int) -> None:
    """Tell the open pages of a board that it changed.

    A broken channel layer delays them; it must not stop the board.
    """
    try:
        async_to_sync(get_channel_layer().group_send)(group_of(arena_id), {"type": "board.changed"})
    except Exception:  # Redis may be away; pages catch up at the next change or reload
        log.warning("could not announce the board of arena %s", arena_id, exc_info=True)


def group_of(arena_id: int) -> str:
    return f"board.{arena_id}"


@transaction.atomic
def _page_now(arena_id: int, *, former_slug: str | None = None) -> tuple[BoardPage, bool]:
    """The page of the latest snapshot, and whether it was rendered by this call.

    One at a time for an arena, in whatever process: a thousand people who find the cache empty wait for one rendering,
    and a page that was read before a change can not be put over the one that was rendered after it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, arena_id])
    arena = Arena.objects.get(pk=arena_id)
    board = _board_of(arena)
    page: BoardPage | None = None
    if former_slug is not None:
        cache.delete(_key(former_slug))
    else:
        page = cache.get(_key(arena.slug))
    if page is not None and page.snapshot == _version(board):
        return page, False
    page = _render(arena, board)
    cache.set(_key(arena.slug), page, None)
    return page, True


def _board_of(arena: Arena) -> Leaderboard | None:
    leaderboards = Leaderboard.objects.filter(arena=arena, category="")
    return leaderboards.select_related("latest", "goal_standing").defer("posterior").first()


def _render(arena: Arena, leaderboard: Leaderboard | None) -> BoardPage:
    snapshot = None if leaderboard is None else leaderboard.latest
    goal = getattr(leaderboard, "goal_standing", None)
    shown = {"slug": arena.slug, "name": arena.name, "description": arena.description, "id": arena.pk}
    board = show_board(arena, snapshot) if snapshot is not None and snapshot.standings["standings"] else None
    html = render_to_string(
        "leaderboards/_standings.html", {"arena": shown, "board": board, "goal": goal and show_goal(goal)}
    )
    return BoardPage(
        arena=shown,
        public=arena.visibility != Visibility.PRIVATE,
        snapshot=_version(leaderboard),
        html=html,
    )


def _version(leaderboard: Leaderboard | None) -> str:
    """What the page shows: it is rendered again when this changes."""
    if leaderboard is None or leaderboard.latest is None:
        return ""
    goal: GoalStanding | None = getattr(leaderboard, "goal_standing", None)
    measured = "" if goal is None else f" {goal.measured_at.timestamp()}"
    return f"{leaderboard.latest.public_id}{measured}"


def _key(slug: str) -> str:
    return f"board-page:{slug}"
