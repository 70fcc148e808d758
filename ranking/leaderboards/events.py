"""The board follows the ballots: what happens when the arena says that they changed."""

from __future__ import annotations

from typing import Any

from arena.events import ballots_changed


def listen() -> None:
    ballots_changed.connect(on_ballots_changed, dispatch_uid="ranking.leaderboards")


def on_ballots_changed(sender: Any, arena_id: int, **kwargs: Any) -> None:
    from .tasks import request_refresh

    request_refresh(arena_id)
