"""The board follows the ballots: what happens when the arena says that they changed."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_save

from arena.events import ballots_changed


def listen() -> None:
    ballots_changed.connect(on_ballots_changed, dispatch_uid="ranking.leaderboards")
    pre_save.connect(on_arena_being_saved, sender="arena.Arena", dispatch_uid="ranking.leaderboards")
    post_save.connect(on_arena_saved, sender="arena.Arena", dispatch_uid="ranking.leaderboards")


def on_ballots_changed(sender: Any, arena_id: int, **kwargs: Any) -> None:
    from .tasks import request_refresh

    request_refresh(arena_id)


def on_arena_being_saved(sender: Any, instance: Any, **kwargs: Any) -> None:
    """An arena that moves to another address leaves no page behind under the old one."""
    for slug in sender.objects.filter(pk=instance.pk).exclude(slug=instance.slug).values_list("slug", flat=True):
        _show_again(instance.pk, slug)


def on_arena_saved(sender: Any, instance: Any, created: bool, **kwargs: Any) -> None:
    """The page kept in the cache shows the arena's name and knows whether strangers may see it."""
    if not created:
        from .goals import forget_other_goals

        forget_other_goals(instance)
        _show_again(instance.pk, instance.slug)


def _show_again(arena_id: int, slug: str) -> None:
    from .boards import forget, show_changed_arena

    forget(slug)
    # Once more: until the change is committed, another reader can put the old page back. Robust: a cache that is away
    # must not turn a change that is committed into an error.
    transaction.on_commit(partial(show_changed_arena, arena_id, slug), robust=True)
