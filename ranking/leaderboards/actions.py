"""Publishing a leaderboard: fit the engine on the ballots and write an immutable snapshot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from arena.ballots.watermark import evidence_watermark
from ranking.engines.fit import Fit
from ranking.engines.registry import engine_named
from ranking.engines.report import report
from ranking.engines.standings import standings as standings_of

from .beliefs import pack_posterior
from .evidence import BoardEvidence, read_evidence
from .models import Leaderboard, Snapshot

LEVEL = 0.95  # of every interval on a board
# The first keys of our advisory locks on leaderboards: while a snapshot is written, and while one is being fitted.
_LOCK_CLASS = 0x626F6172  # ASCII "boar"
_FITTING_CLASS = 0x66697474  # ASCII "fitt"


class BeingPublished(Exception):
    """Another process or thread is fitting this leaderboard just now."""


@contextmanager
def only_publisher(leaderboard: Leaderboard) -> Iterator[None]:
    """Raise `BeingPublished` if the board is being fitted elsewhere, else keep others from it meanwhile.

    The database holds the lock for this connection, so that one held by a process that dies is free at once.
    """
    key = [_FITTING_CLASS, leaderboard.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise BeingPublished(f"{leaderboard} is being fitted")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def publish(leaderboard: Leaderboard, *, patience_ms: int = 250) -> Snapshot | None:
    """The snapshot of the ballots as they are now: the latest one if nothing was added since, else a new one.

    None while no ballot was ever recorded; where none counts, all being retracted or by machines, the snapshot is
    empty and says so. Raises `BallotsBeingWritten` when a long writer holds the arena for longer than `patience_ms`.
    The fit runs outside any transaction; two publishers at once are put in order when they write, and the older
    evidence gives way.
    """
    watermark = evidence_watermark(leaderboard.arena_id, patience_ms)
    latest = leaderboard.latest
    if latest is not None and latest.watermark >= watermark:
        return latest
    if watermark == 0:
        return None
    board = read_evidence(leaderboard.arena_id, watermark, leaderboard.category)
    notes = [f"{board.by_judges} ballots by machine judges are left out"] if board.by_judges else []
    if len(board.evidence):
        result = engine_named(leaderboard.engine).fit(board.evidence, **leaderboard.parameters)
        rows = standings_of(result)
    else:
        result, rows = _fit_of_nothing(leaderboard.engine), []
    standings = report(result, rows, LEVEL, "natural", notes)
    return _write(leaderboard, board, result, standings)


@transaction.atomic
def _write(leaderboard: Leaderboard, board: BoardEvidence, result: Fit, standings: dict[str, Any]) -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, leaderboard.pk])
    leaderboard.refresh_from_db(fields=["latest"])
    if leaderboard.latest is not None and leaderboard.latest.watermark >= board.watermark:
        return leaderboard.latest
    evidence = board.evidence
    snapshot = Snapshot.objects.create(
        leaderboard=leaderboard,
        engine=result.engine,
        parameters=standings["parameters"],
        watermark=board.watermark,
        ballots=len(evidence),
        voters=len(evidence.voters.names),
        all_bad=int(np.count_nonzero(evidence.all_bad)),
        standings=standings,
        checksum=checksum(standings),
        code_version=settings.PODIUM_VERSION,
    )
    leaderboard.latest = snapshot
    if result.covariance is None or result.unit != "logit":
        leaderboard.posterior = None  # no Gaussian over log-strengths, and the former one would not do
    else:
        leaderboard.posterior = pack_posterior(
            board.contestants, result.mean, result.covariance, result.shown, result.parameters.get("prior_sd", 1.0)
        )
    leaderboard.save(update_fields=["latest", "posterior"])
    return snapshot


def _fit_of_nothing(engine: str) -> Fit:
    return Fit(
        engine=engine,
        items=(),
        mean=np.zeros(0),
        covariance=np.zeros((0, 0)),
        shown=np.zeros(0, np.int64),
        ballots=0,
        parameters={},
        converged=True,
        iterations=0,
        warnings=("no ballot counts",),
    )


def checksum(standings: dict[str, Any]) -> str:
    canonical = json.dumps(standings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
