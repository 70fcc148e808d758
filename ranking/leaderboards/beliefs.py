"""What the boards say about strengths, for matchmaking and the reveal (the arena's belief port).

The posterior behind the latest snapshot, and every ballot since taken into it one by one (`ranking.engines.online`): a
board may take seconds to fit, a battle is chosen on what was known a moment ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from numpy.typing import NDArray

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena
from arena.matchmaking.beliefs import Beliefs
from ranking.engines.online import assimilate_all

from .models import Leaderboard

_FLOAT = np.dtype("<f8")
_ID = np.dtype("<i8")
_FORMAT = b"Podium.1"  # eight bytes, like every number after it
# Ballots after the snapshot that are taken in at most: the newest, so that beliefs move on where a board lags behind.
# What lies between is known again with the next snapshot.
SINCE = 2000


def pack_posterior(
    contestants: Sequence[int],
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    ballots: NDArray[np.int64],
    prior_sd: float,
) -> bytes:
    """Format, prior, ids, ballots, means and covariance (row by row) as little-endian 64-bit numbers.

    16 + 8 m (m + 3) bytes for m contestants.
    """
    return (
        _FORMAT
        + np.asarray(prior_sd, dtype=_FLOAT).tobytes()
        + np.asarray(contestants, dtype=_ID).tobytes()
        + np.asarray(ballots, dtype=_ID).tobytes()
        + np.asarray(mean, dtype=_FLOAT).tobytes()
        + np.asarray(covariance, dtype=_FLOAT).tobytes()
    )


def unpack_posterior(packed: bytes) -> Beliefs:
    """Raises `ValueError` for bytes that `pack_posterior` has not written."""
    # m (m + 3) numbers after the first two, so (2 m + 3)² = 4 numbers + 9
    count = round(((4 * (len(packed) / 8 - 2) + 9) ** 0.5 - 3) / 2) if len(packed) >= 16 else 0
    if packed[:8] != _FORMAT or len(packed) != 16 + 8 * count * (count + 3):
        raise ValueError("this is no posterior of a leaderboard")
    ids = np.frombuffer(packed, dtype=_ID, offset=16, count=2 * count)
    numbers = np.frombuffer(packed, dtype=_FLOAT, offset=16 + 16 * count)
    return Beliefs(
        contestants=ids[:count],
        mean=numbers[:count],
        covariance=numbers[count:].reshape(count, count),
        ballots=ids[count:],
        prior_sd=float(np.frombuffer(packed, dtype=_FLOAT, offset=8, count=1)[0]),
    )


class PublishedBeliefs:
    """The latest snapshot's posterior with the ballots since."""

    def columns(self, before: int | None = None) -> Mapping[str, Any]:
        board = Leaderboard.objects.filter(arena=OuterRef("pk"), category="")
        seen = Leaderboard.objects.filter(arena=OuterRef(OuterRef("pk")), category="").values("latest__watermark")
        # What takes another ballot back comes along, so that `read` can leave both out.
        since = (
            Ballot.objects.filter(arena=OuterRef("pk"), pk__gt=Coalesce(Subquery(seen), Value(0)))
            .by_humans()
            .order_by("-pk")
        )
        if before is not None:
            since = since.filter(pk__lt=before)
        return {
            "believed": Subquery(board.values("posterior")),
            "judged_since": ArraySubquery(
                since.values(
                    row=JSONObject(id="pk", who="contestants", ranks="ranks", weight="weight", other="supersedes_id")
                )[:SINCE]
            ),
        }

    def read(self, arena: Any) -> Beliefs:
        packed: bytes | None = arena.believed
        beliefs = Beliefs() if packed is None else unpack_posterior(bytes(packed))
        since = sorted(arena.judged_since, key=lambda ballot: ballot["id"])
        replaced = {ballot["other"] for ballot in since}
        told = [
            ballot
            for ballot in since
            if ballot["id"] not in replaced and ballot["other"] is None and any(ballot["ranks"])
        ]
        return _with(beliefs, told)

    def beliefs(self, arena_id: int, before: int | None = None) -> Beliefs:
        arena = Arena.objects.filter(pk=arena_id).annotate(**self.columns(before)).only("pk").first()
        return Beliefs() if arena is None else self.read(arena)


def _with(beliefs: Beliefs, ballots: Sequence[Mapping[str, Any]]) -> Beliefs:
    """Beliefs after more ballots, contestants that were not known before included."""
    if not ballots:
        return beliefs
    known = beliefs.contestants.tolist()
    new = sorted({who for ballot in ballots for who in ballot["who"]} - set(known))
    wider = beliefs.of([*known, *new])
    place = {contestant: at for at, contestant in enumerate([*known, *new])}
    told = [([place[who] for who in ballot["who"]], ballot["ranks"], ballot["weight"]) for ballot in ballots]
    mean, covariance = assimilate_all(wider.mean, wider.covariance, told)
    count = wider.ballots + np.bincount([slot for slots, _, _ in told for slot in slots], minlength=len(place))
    return Beliefs(wider.contestants, mean - mean.mean(), covariance, count, beliefs.prior_sd)
