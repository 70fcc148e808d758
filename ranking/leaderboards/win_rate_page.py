"""The page of win rates: computed when somebody asks for it, at most once for each snapshot, and kept in the cache."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.template.loader import render_to_string

from ranking.charts.figures import NO_BREAK_SPACE, rank_range
from ranking.engines.registry import engine_named

from .boards import BoardPage
from .models import Snapshot
from .presentation import percent
from .win_rates import board_with_posterior, win_rates_of

_LOCK_CLASS = 0x77696E72  # the first key of our advisory locks on win rates being computed; ASCII "winr"


@dataclass(frozen=True)
class WinRatePage:
    """The part of the page that depends on ballots. board: the state of the board's page beside which it is current."""

    board: str
    snapshot: str
    html: str


def win_rate_page(board: BoardPage) -> WinRatePage:
    """The cached win rates, computed now if the board has changed. Costs no query where it has not.

    One computes them at a time, in whatever process; others are shown the former ones, which say of which snapshot they
    are, and wait only where there are none.
    """
    page: WinRatePage | None = cache.get(_key(board))
    if page is not None and page.board == board.snapshot:
        return page
    return _page_now(board, page)


@transaction.atomic
def _page_now(board: BoardPage, former: WinRatePage | None) -> WinRatePage:
    if not _may_compute(board.arena["id"], wait=former is None):
        assert former is not None  # noqa: S101  (else we have waited)
        return former
    leaderboard = board_with_posterior(board.arena["id"])
    snapshot = None if leaderboard is None else leaderboard.latest
    snapshot_id = "" if snapshot is None else str(snapshot.public_id)
    page: WinRatePage | None = cache.get(_key(board))  # somebody may have computed them while we waited
    if page is None or page.snapshot != snapshot_id:
        found = None if leaderboard is None or snapshot is None else win_rates_of(leaderboard)
        context = {"rates": None if found is None or snapshot is None else show_win_rates(found, snapshot)}
        page = WinRatePage(board.snapshot, snapshot_id, render_to_string("leaderboards/_win_rates.html", context))
    page = replace(page, board=board.snapshot)
    cache.set(_key(board), page, None)
    return page


def _may_compute(arena_id: int, *, wait: bool) -> bool:
    """Whether this transaction is the one that computes; with `wait`, once the others have finished."""
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_LOCK_CLASS, arena_id])
        return wait or bool(cursor.fetchone()[0])


def show_win_rates(found: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """The context of `leaderboards/_win_rates.html`."""
    return {
        "snapshot_id": found["snapshot"],
        "published_at": snapshot.published_at,
        "engine_label": engine_named(found["engine"]).title,
        "ballots": found["ballots"],
        "without_battle": found["without_battle"],
        "clipped": found["clipped"],
        "clip_text": f"{found['clip']:g}",
        "warnings": found["warnings"],
        "rows": [_row(row) for row in found["win_rates"]],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["item"],
        "rate_text": _share(row["rate"]),
        "range_text": _range(row["low"], row["high"]),
        "as_shown_text": _share(row["as_shown"]),
        "model_text": _share(row["model"]),
        "model_range_text": _range(row["model_low"], row["model_high"]),
        "battles": row["battles"],
        "effective_text": f"{row['effective']:.0f}",
    }


def _share(share: float | None) -> str:
    return "" if share is None else percent(share).replace(" ", NO_BREAK_SPACE)


def _range(low: float | None, high: float | None) -> str:
    """`57–63 %`, rounded outwards: never narrower than it is."""
    if low is None or high is None:
        return ""
    return f"{rank_range(math.floor(100 * low + 1e-9), math.ceil(100 * high - 1e-9))}{NO_BREAK_SPACE}%"


def _key(board: BoardPage) -> str:
    return f"win-rates:{board.arena['id']}"
