"""Reading leaderboards and snapshots."""

from __future__ import annotations

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena

from .models import Leaderboard, Snapshot


def leaderboard_of(arena_id: int, category: str = "") -> Leaderboard:
    """The arena's leaderboard, or that of one category; made when first asked for."""
    return (
        Leaderboard.objects.select_related("arena", "latest")
        .defer("posterior")
        .get_or_create(arena_id=arena_id, category=category)[0]
    )


def latest_snapshot(arena_id: int, category: str = "") -> Snapshot | None:
    return Snapshot.objects.filter(leaderboard__arena_id=arena_id, leaderboard__category=category).last()


def boards_behind() -> list[int]:
    """Arenas that have ballots which their board has not taken into account.

    One query, one look into the index ballot_evidence for each arena.
    """
    last = Ballot.objects.filter(arena=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    seen = Leaderboard.objects.filter(arena=OuterRef("pk"), category="").values("latest__watermark")[:1]
    arenas = Arena.objects.annotate(last=Subquery(last), seen=Coalesce(Subquery(seen), 0))
    return list(arenas.filter(last__gt=F("seen")).values_list("pk", flat=True))
