"""How far the generation queue has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from .models import Candidate, CandidateState

_RATE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True)
class Supply:
    """An arena's candidates: how many are ready, of how many asked for, and when the rest will be."""

    ready: int
    failed: int
    total: int
    per_minute: float

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all; failed ones count as done, since no waiting will bring them."""
        return 100 if self.total == 0 else (self.ready + self.failed) * 100 // self.total

    @property
    def eta_text(self) -> str:
        left = self.total - self.ready - self.failed
        if left <= 0 or self.per_minute <= 0:
            return ""
        minutes = left / self.per_minute
        return "under a minute left" if minutes < 1 else f"about {minutes:.0f} min left"


def supply_of(arena_id: int) -> Supply:
    """One query over the arena's candidates."""
    since = timezone.now() - _RATE_WINDOW
    row = (
        Candidate.objects.of_arena(arena_id)
        .exclude(state=CandidateState.WITHDRAWN)
        .aggregate(
            total=Count("pk"),
            ready=Count("pk", filter=Q(state=CandidateState.READY)),
            failed=Count("pk", filter=Q(state=CandidateState.FAILED)),
            recent=Count("pk", filter=Q(state=CandidateState.READY, finished_at__gt=since)),
        )
    )
    return Supply(row["ready"], row["failed"], row["total"], row["recent"] / (_RATE_WINDOW.total_seconds() / 60))
