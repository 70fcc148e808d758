"""Reading arenas: the only way to reach one, knowing who may see it."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import Count

from arena.ballots.models import Ballot
from arena.refusals import NotFound

from .models import Arena, ArenaQuerySet

_COUNTS_KEY = "ballot-counts"
_COUNTS_SECONDS = 15


def get_arena_for(user: Any, slug: str, arenas: ArenaQuerySet | None = None) -> Arena:
    """`arenas` may ask for more about it."""
    arena = (arenas if arenas is not None else Arena.objects.all()).visible_to(user).filter(slug=slug).first()
    if arena is None:
        raise NotFound(f"There is no arena called {slug!r}. The front page lists them all.")
    return arena


def listed_arenas(user: Any) -> list[Arena]:
    """The arenas of the front page, each with `contestant_count` and `ballot_count`."""
    arenas = list(Arena.objects.visible_to(user).listed().with_counts())
    counts = ballot_counts()
    for arena in arenas:
        arena.ballot_count = counts.get(arena.pk, 0)  # type: ignore[attr-defined]
    return arenas


def ballot_counts() -> dict[int, int]:
    """Ballots for each arena. Counts every row, so the result is kept for a quarter of a minute."""

    def count() -> dict[int, int]:
        return dict(Ballot.objects.judgements().order_by().values_list("arena_id").annotate(count=Count("pk")))

    return cache.get_or_set(_COUNTS_KEY, count, _COUNTS_SECONDS) or {}
