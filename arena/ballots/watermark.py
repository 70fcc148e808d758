"""The evidence watermark: a ballot number below which nothing can appear any more.

Numbers are given when a ballot is inserted but become visible when its transaction commits, so the highest visible
number says nothing: a lower one may still be on its way. Writers therefore hold a shared advisory lock of their arena
until they commit, and a reader of the watermark takes the exclusive one for an instant: then no number is on its way,
and all later ones will be higher. Writers never wait for one another.
"""

from __future__ import annotations

from django.db import connection, models, transaction
from django.db.utils import OperationalError

from .models import Ballot

# The first of the two keys of PostgreSQL's advisory locks; it keeps ours apart from other uses. ASCII "ball".
_LOCK_CLASS = 0x62616C6C


class BallotsBeingWritten(Exception):
    """A long writer, such as an import, holds the arena; ask again later."""


def hold_for_writing(arena_id: int) -> None:
    """Call inside the transaction, before inserting ballots of this arena."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [_LOCK_CLASS, arena_id])


def evidence_watermark(arena_id: int, patience_ms: int = 250) -> int:
    """The number of the last ballot of this arena, with none below it still to come; 0 where there is none.

    Waits at most `patience_ms` for writers, since meanwhile new writers wait behind us.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience_ms}ms"])
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, arena_id])
            last = Ballot.objects.filter(arena_id=arena_id).aggregate(last=models.Max("pk"))["last"]
            return int(last or 0)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == "55P03":  # lock_not_available
            raise BallotsBeingWritten(f"ballots of arena {arena_id} are being written") from error
        raise
