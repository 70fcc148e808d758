"""How far the generation queue has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from .models import Candidate, CandidateState

# The pace is that of the latest outputs, so that it follows a worker that joins, and forgets a pause.
_PACE_OF = 200
_PACE_WINDOW = timedelta(minutes=10)
_PACE_LEAST = 10  # fewer tell too little: the first ones include loading the contestant
_ONE_BATCH = timedelta(seconds=1)  # a worker stores the outputs of one batch within this time


@dataclass(frozen=True)
class Supply:
    """An arena's candidates: how many are ready, of how many asked for, and when the rest will be."""

    ready: int
    failed: int
    total: int
    per_minute: float | None  # None while too little was made to tell

    @property
    def left(self) -> int:
        return self.total - self.ready - self.failed

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all; failed ones count as done, since no waiting will bring them."""
        return 100 if self.total == 0 else (self.ready + self.failed) * 100 // self.total

    @property
    def eta_text(self) -> str:
        if self.left <= 0 or self.per_minute is None:
            return ""
        return time_left(self.left / self.per_minute)


def supply_of(arena_id: int) -> Supply:
    """One query over the arena's candidates; while some are to be made, one more for the pace."""
    row = (
        Candidate.objects.of_arena(arena_id)
        .exclude(state=CandidateState.WITHDRAWN)
        .aggregate(
            total=Count("pk"),
            ready=Count("pk", filter=Q(state=CandidateState.READY)),
            failed=Count("pk", filter=Q(state=CandidateState.FAILED)),
        )
    )
    supply = Supply(row["ready"], row["failed"], row["total"], None)
    if not supply.left:
        return supply
    now = timezone.now()
    finished = (
        Candidate.objects.of_arena(arena_id)
        .filter(state__in=[CandidateState.READY, CandidateState.FAILED], finished_at__gt=now - _PACE_WINDOW)
        .order_by("-finished_at")
        .values_list("finished_at", flat=True)
    )
    latest = [at for at in finished[:_PACE_OF] if at is not None]
    return Supply(supply.ready, supply.failed, supply.total, pace(latest, now))


def pace(finished: Sequence[datetime], now: datetime) -> float | None:
    """Outputs a minute, from the times at which they were finished; None where those are too few.

    Counted are those that came after the first batch, over the time since it: when the first one was begun nobody
    knows, and it may have waited for a worker to start.
    """
    if not finished:
        return None
    first = min(finished)
    counted = sum(at > first + _ONE_BATCH for at in finished)
    return counted / ((now - first) / timedelta(minutes=1)) if counted >= _PACE_LEAST else None


def time_left(minutes: float) -> str:
    """In words, no finer than the pace is known."""
    if minutes < 1:
        return "under a minute left"
    if minutes < 9.5:
        return f"about {minutes:.0f} min left"
    if minutes < 57.5:
        return f"about {5 * round(minutes / 5)} min left"
    if minutes < 90:
        return "about an hour left"
    hours = minutes / 60
    return f"about {hours:.0f} hours left" if hours < 36 else f"about {hours / 24:.0f} days left"
