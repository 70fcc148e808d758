"""What a worker should turn to next, and how far the generation queue has come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q
from django.utils import timezone

from arena.catalogue.models import ContestantRevision

from .backends.protocol import GenerationError, SettingsError
from .backends.registry import get_backend, remote_backend_names
from .models import Candidate, CandidateState, is_wanted

# The pace is that of the latest outputs, so that it follows a worker that joins, and forgets a pause.
_PACE_OF = 200
_PACE_WINDOW = timedelta(minutes=10)
_PACE_LEAST = 10  # fewer tell too little: the first ones include loading the contestant
_ONE_BATCH = timedelta(seconds=1)  # a worker stores the outputs of one batch within this time

_LOOK_AT = 100  # rows of what people wait for; those behind them come to the front as these are claimed

# A worker whose batch brings nothing for so many times what batches of the contestant took lately is taken for hung:
# its lease is extended no more.
_PATIENCE_FACTOR = 5
_PATIENCE_LEAST = timedelta(hours=1)
_PATIENCE_MOST = timedelta(days=1)  # and while nothing is known of a contestant
_PATIENCE_OF = 20  # outputs that tell how long a batch takes


def next_work(
    *,
    remote: bool = False,
    arena: int | None = None,
    loaded: Collection[int] = (),
    staying: int | None = None,
    only_awaited: bool = False,
) -> Candidate | None:
    """The queued candidate whose revision a worker should turn to; None while there is nothing for it.

    remote: whether the worker is for backends that need no device; loaded: revisions it has in memory; staying: the one
    among them whose loading has not been paid off yet; only_awaited: leave the backfill to others. People who wait come
    first, in their order, those for what is loaded before the rest; then `staying`; then the most urgent, what is
    loaded first among equals. A contestant elsewhere that has its share of workers, or whose server is asked as much
    as it may be, is passed over.
    """
    names = remote_backend_names()
    mine = Q(revision__backend__in=names)
    queue = (
        Candidate.objects.claimable().filter(mine if remote else ~mine).select_related("revision__contestant__arena")
    )
    if arena is not None:
        queue = queue.of_arena(arena)
    if only_awaited:
        queue = queue.filter(priority__lt=0)
    first = queue.first()
    if first is not None and remote:
        full, filled = _at_their_limit(names)
        if full or filled:
            queue = queue.exclude(revision__in=full).exclude(priority__gte=0, revision__in=filled)
            first = queue.first()
    if first is None:
        return None
    if first.priority >= 0 and staying is not None and (same := queue.filter(revision=staying).first()) is not None:
        return same
    at_hand = queue.filter(revision__in=loaded)
    equal = at_hand.filter(priority__lt=0) if first.priority < 0 else at_hand.filter(priority__lte=first.priority)
    return equal.first() or first


def awaited_revisions(*, arena: int | None = None, without: Collection[int] = ()) -> list[ContestantRevision]:
    """Those made on devices that people wait for, in the order in which they were asked. One query."""
    queue = Candidate.objects.claimable().filter(~Q(revision__backend__in=remote_backend_names()), priority__lt=0)
    if arena is not None:
        queue = queue.of_arena(arena)
    rows = queue.exclude(revision__in=without).select_related("revision__contestant__arena")[:_LOOK_AT]
    return list({candidate.revision_id: candidate.revision for candidate in rows}.values())


def _at_their_limit(backends: Sequence[str]) -> tuple[list[int], list[int]]:
    """Revisions that nobody else may ask now, and those that may not be asked for the backfill. One query."""
    workers = settings.GENERATION_REMOTE_WORKERS
    full, filled = [], []
    asked = ContestantRevision.objects.filter(backend__in=backends, candidates__state=CandidateState.CLAIMED).annotate(
        held=Count("candidates"), batches=Count("candidates__lease", distinct=True)
    )
    for revision in asked.select_related("contestant__arena"):
        places = places_of(revision, awaited=True)
        if revision.batches >= max(2, workers - 1) or (places is not None and revision.held >= places):
            full.append(revision.pk)
            continue
        places = places_of(revision, awaited=False)
        if revision.batches >= max(1, workers // 2) or (places is not None and revision.held >= places):
            filled.append(revision.pk)
    return full, filled


def places_of(revision: ContestantRevision, *, awaited: bool) -> int | None:
    """How many candidates all workers together may claim of a contestant: its `concurrency`, None for any number.

    Of several places the backfill leaves one to people who wait, in arenas where they may ask.
    """
    try:
        places: int | None = getattr(get_backend(revision.backend).validate(revision.settings), "concurrency", None)
    except (SettingsError, GenerationError):
        return None  # it cannot be loaded, which the worker finds out
    if places is None or awaited or not revision.contestant.arena.live_prompts:
        return places
    return max(1, places - 1)


def patience_for(revision: ContestantRevision) -> timedelta:
    """How long a batch of this revision may bring nothing, by what its batches took lately."""
    latest = Candidate.objects.ready().filter(revision=revision, latency_ms__isnull=False).order_by("-finished_at")
    longest = Candidate.objects.filter(pk__in=latest.values("pk")[:_PATIENCE_OF]).aggregate(Max("latency_ms"))
    known = longest["latency_ms__max"]
    if known is None:
        return _PATIENCE_MOST
    return min(max(_PATIENCE_LEAST, timedelta(milliseconds=known) * _PATIENCE_FACTOR), _PATIENCE_MOST)


@dataclass(frozen=True)
class Failures:
    """A cause of failure, of which contestant and how often."""

    contestant: str
    cause: str
    count: int


def failures_of(arena_id: int) -> list[Failures]:
    """Why candidates of an arena failed that can be tried again, the most frequent causes first. One query."""
    rows = (
        Candidate.objects.of_arena(arena_id)
        .filter(is_wanted(), state=CandidateState.FAILED, priority__gte=0)
        .order_by()
        .values_list("revision__contestant__name", "failure")
        .annotate(count=Count("pk"))
        .order_by("-count", "revision__contestant__name", "failure")
    )
    return [Failures(*row) for row in rows]


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
        .filter(priority__gte=0)  # what people wait for is theirs and never joins the others
        .filter(Q(state=CandidateState.READY) | is_wanted())
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
