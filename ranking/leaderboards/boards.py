"""The board as people see it: rendered once for each snapshot, kept in the cache, announced to every open page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.template.loader import render_to_string

from arena.catalogue.models import Arena, Visibility

from .models import Leaderboard, Snapshot
from .presentation import show_board

log = logging.getLogger(__name__)


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
        arena = Arena.objects.filter(slug=slug).first()
        if arena is None:
            return None
        page = _render(arena, _latest_of(arena))
        cache.set(_key(slug), page, None)
    return page


def show_published(leaderboard: Leaderboard | None = None) -> None:
    """Put the latest snapshots into the cache and tell the open boards; those already shown cost nothing more."""
    boards = Leaderboard.objects.filter(category="", latest__isnull=False)
    if leaderboard is not None:
        boards = boards.filter(pk=leaderboard.pk)
    for slug, snapshot_id in boards.values_list("arena__slug", "latest__public_id"):
        shown: BoardPage | None = cache.get(_key(slug))
        if shown is not None and shown.snapshot == str(snapshot_id):
            continue
        snapshot = Snapshot.objects.select_related("leaderboard__arena").get(public_id=snapshot_id)
        arena = snapshot.leaderboard.arena
        cache.set(_key(slug), _render(arena, snapshot), None)
        announce(arena.pk)


def forget(slug: str) -> None:
    """Render the page anew when it is next asked for."""
    cache.delete(_key(slug))


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


def _latest_of(arena: Arena) -> Snapshot | None:
    leaderboard = Leaderboard.objects.filter(arena=arena, category="").select_related("latest").first()
    return None if leaderboard is None else leaderboard.latest


def _render(arena: Arena, snapshot: Snapshot | None) -> BoardPage:
    shown = {"slug": arena.slug, "name": arena.name, "description": arena.description, "id": arena.pk}
    board = show_board(arena, snapshot) if snapshot is not None and snapshot.standings["standings"] else None
    html = render_to_string("leaderboards/_standings.html", {"arena": shown, "board": board})
    return BoardPage(
        arena=shown,
        public=arena.visibility != Visibility.PRIVATE,
        snapshot="" if snapshot is None else str(snapshot.public_id),
        html=html,
    )


def _key(slug: str) -> str:
    return f"board-page:{slug}"
