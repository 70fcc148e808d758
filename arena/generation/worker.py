"""A worker's station: a device with the contestants it has loaded, a batch of work, and lanes for people who wait.

What a Celery task repeats, and what `manage.py generate --here` does in a process of its own.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DataError, IntegrityError, connection

from arena.catalogue.models import ContestantRevision

from .actions import LEASE, Claim, claim_batch, extend_lease, fail_candidates, finish_candidate, put_back
from .backends.batching import run
from .backends.devices import best_device, memory_for_contestants, share_cores
from .backends.protocol import (
    QUIET,
    GenerationError,
    Media,
    Outcome,
    Request,
    SettingsError,
    TooLarge,
    Watch,
)
from .lanes import LOOK, Lanes
from .models import Candidate
from .queries import awaited_revisions, next_work, patience_for, places_of
from .room import Kept, NoRoom, Place, Room

log = logging.getLogger(__name__)

# A contestant stays while loading it has cost more than this share of the time it has worked since, so that others wait
# for some minutes where loading takes long. Those that load within a second take turns.
LOADING_SHARE = 0.05
QUICK_LOAD = 1.0
_HEARTBEAT = 10.0  # seconds between extensions of the lease of a batch that is being made
_FAILED_LOAD = 50  # candidates that fail with a contestant which cannot be loaded; the rest at the next turn

Listener = Callable[[Candidate, str], None]


@dataclass
class Station:
    """A device, or the outside world for remote backends, with the contestants loaded there, least used first.

    device: of torch; memory: bytes that loaded contestants may hold together; arena: the one it works for, all if none;
    listen: told of every piece of text of a candidate that somebody waits for, from the thread that makes it;
    head_start: seconds for which other workers may take what people wait for before this one opens lanes for it.
    """

    device: str
    memory: int
    remote: bool = False
    arena: int | None = None
    listen: Listener | None = None
    head_start: float = 0.0
    _room: Room = field(init=False)
    _staying: tuple[int, float] | None = field(default=None, init=False)  # the revision worked on, and since when

    def __post_init__(self) -> None:
        self._room = Room(self.device, self.memory)

    def work(self, *, only_awaited: bool = False) -> int:
        """Work off one batch, and meanwhile what people wait for in lanes beside it.

        Returns how many candidates were taken from the queue, at least 1 where there was something to do, and 0 where
        there was nothing. only_awaited: nothing but what people wait for.
        """
        wanted = next_work(
            remote=self.remote,
            arena=self.arena,
            loaded=self._room.loaded(),
            staying=self._stay(),
            only_awaited=only_awaited,
        )
        if wanted is None:
            return 0
        awaited = wanted.priority < 0
        lanes = Lanes(self._room, self._look, self._serve_in_lane)
        with lanes, self._room.place(wanted.revision_id) as place:
            if not self.remote:
                lanes.open(self.head_start if awaited else LOOK)
            made = self._serve(wanted.revision, place, awaited=awaited)
        return max(1, made + lanes.made)

    def make(self, revision: ContestantRevision, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of a batch that is in no queue. Raises `GenerationError` if the contestant cannot be loaded."""
        with self._room.place(revision.pk) as place:
            try:
                kept = self._room.load(revision, place)
            except SettingsError as error:
                raise GenerationError(f"the settings are refused: {error}", permanent=True) from error
            return self._run(kept, requests, QUIET)[0]

    def _look(self, without: Collection[int]) -> list[ContestantRevision]:
        return awaited_revisions(arena=self.arena, without=without)

    def _serve_in_lane(self, revision: ContestantRevision, place: Place) -> int:
        return self._serve(revision, place, awaited=True, in_lane=True)

    def _serve(self, revision: ContestantRevision, place: Place, *, awaited: bool, in_lane: bool = False) -> int:
        """Make a batch of a contestant; returns how many candidates were taken from the queue."""
        try:
            kept = self._room.load(revision, place)
        except NoRoom:
            log.info("%s is left for later: it does not fit beside others on %s", revision, self.device)
            return 0
        except SettingsError as error:
            return self._give_up(revision, f"The settings of {revision} are refused: {error}", permanent=True)
        except GenerationError as error:
            return self._give_up(revision, error.message, permanent=error.permanent)
        except (
            Exception
        ) as error:  # a defect in a backend must not stop the queue; its cause is kept with the candidate
            log.exception("%s could not be loaded", revision)
            return self._give_up(revision, f"{type(error).__name__}: {error}", permanent=False)
        claim = claim_batch(
            most=kept.size,
            revision=revision.pk,
            places=places_of(revision, awaited=awaited) if self.remote else None,
            only_awaited=awaited,
        )
        if claim is None:
            return 0  # somebody else was quicker; there may be more to do
        if not in_lane:
            self._turn_to(revision.pk)
        self._make(claim, kept, place, in_lane=in_lane)
        return len(claim.candidates)

    def _run(self, kept: Kept, requests: Sequence[Request], watch: Watch) -> tuple[list[Outcome], int]:
        outcomes, size = run(kept.loaded, requests, watch)
        if size == 0 and self._room.make_room():  # too much for what the others left free
            outcomes, size = run(kept.loaded, requests, watch)
        return outcomes, size

    def _make(self, claim: Claim, kept: Kept, place: Place, *, in_lane: bool) -> None:
        requests, readable = [], []
        for candidate in claim.candidates:
            try:
                requests.append(request_for(candidate))
                readable.append(candidate)
            except Exception as error:
                log.exception("the prompt of candidate %s could not be read", candidate.pk)
                message = f"The prompt could not be read: {type(error).__name__}: {error}"
                fail_candidates(candidates=[candidate], lease=claim.lease, message=message, permanent=False)
        if not requests:
            return
        desk = _Desk(Claim(claim.lease, claim.revision, readable), self.listen, is_shared=in_lane)
        try:
            with every(_HEARTBEAT, desk.keep):
                outcomes, size = self._run(kept, requests, desk)
                crowded = place.crowded
                too_tight = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, TooLarge) and crowded]
                for index, outcome in enumerate(outcomes):
                    if index not in too_tight:
                        desk.done(index, outcome)
        except Exception as error:
            log.exception("%s failed", claim.revision)
            desk.give_back(f"{type(error).__name__}: {error}")
            return
        if too_tight:
            log.warning("%s: %d requests wait until it has %s alone", claim.revision, len(too_tight), self.device)
            self._room.too_tight(claim.revision.pk)
            desk.put_back(too_tight)
        elif not crowded:
            self._room.went_well(claim.revision.pk)
            if 0 < size < len(requests):
                log.warning("%s: batches of %d are too large for %s", claim.revision, len(requests), self.device)
                kept.size = size

    def _stay(self) -> int | None:
        if self._staying is None:
            return None
        revision, since = self._staying
        kept = self._room.find(revision)
        if kept is None or kept.load_seconds <= max(QUICK_LOAD, LOADING_SHARE * (time.monotonic() - since)):
            return None
        return revision

    def _turn_to(self, revision: int) -> None:
        if self._staying is None or self._staying[0] != revision:
            self._staying = (revision, time.monotonic())

    def _give_up(self, revision: ContestantRevision, message: str, *, permanent: bool) -> int:
        claim = claim_batch(most=_FAILED_LOAD, revision=revision.pk)
        if claim is None:
            return 0
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message=message, permanent=permanent)
        return len(claim.candidates)


def station_for(*, remote: bool = False, arena: int | None = None, listen: Listener | None = None) -> Station:
    """A station on the device of this process, or for what is made elsewhere, which loads no torch."""
    if remote:
        return Station("", 0, remote=True, arena=arena, listen=listen)
    device = settings.GENERATION_DEVICE or best_device()
    share_cores(settings.GENERATION_WORKERS)
    memory = settings.GENERATION_MEMORY or memory_for_contestants(device, settings.GENERATION_WORKERS)
    head_start = LOOK if settings.GENERATION_WORKERS > 1 else 0.0
    return Station(device, memory, arena=arena, listen=listen, head_start=head_start)


@contextmanager
def every(seconds: float, call: Callable[[], bool]) -> Iterator[None]:
    """While the body runs, `call` is called in a thread of its own at this interval, until it returns False."""
    over = threading.Event()

    def beat() -> None:
        going = True
        while going and not over.wait(seconds):
            try:
                going = call()
            except Exception:  # the database is away for a moment: the next beat may reach it
                log.exception("a heartbeat failed")
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(seconds)


class _Desk(Watch):
    """Takes the outcomes of a batch as they come, each once, and keeps its lease while it is being made.

    is_shared: connections to the database are for more threads than there may be connections, so that this one holds
    one only while it needs it.
    """

    def __init__(self, claim: Claim, listen: Listener | None, *, is_shared: bool = False) -> None:
        self._claim = claim
        self._listen = listen
        self._is_shared = is_shared
        self._open = set(range(len(claim.candidates)))
        self._progress = time.monotonic()
        self._patience = patience_for(claim.revision).total_seconds()
        self._release()

    def delta(self, index: int, text: str) -> None:
        self._progress = time.monotonic()
        candidate = self._claim.candidates[index]
        if self._listen is not None and candidate.priority < 0:
            self._listen(candidate, text)

    def done(self, index: int, outcome: Outcome) -> None:
        if index not in self._open:
            return
        self._open.discard(index)
        self._progress = time.monotonic()
        candidate, lease = self._claim.candidates[index], self._claim.lease
        try:
            self._store(candidate, lease, outcome)
        except Exception as error:  # a full disk, a value that no column takes: the rest of the batch goes on
            log.exception("the result for candidate %s could not be stored", candidate.pk)
            message = f"The output could not be stored: {type(error).__name__}: {error}"
            unfit = isinstance(error, DataError | IntegrityError)
            fail_candidates(candidates=[candidate], lease=lease, message=message, permanent=unfit)
        finally:
            self._release()

    def keep(self) -> bool:
        """Extend the lease; False when it was taken away, or when nothing has come for longer than can be."""
        silent = time.monotonic() - self._progress
        if silent > self._patience:
            log.error("%s has said nothing for %.0f s; its batch goes to others", self._claim.revision, silent)
            return False
        return extend_lease(self._claim.lease, LEASE) > 0

    def _store(self, candidate: Candidate, lease: uuid.UUID, outcome: Outcome) -> None:
        if isinstance(outcome, GenerationError):
            fail_candidates(
                candidates=[candidate],
                lease=lease,
                message=outcome.message,
                permanent=outcome.permanent,
                wait=outcome.wait,
            )
        elif not finish_candidate(candidate=candidate, lease=lease, result=outcome):
            log.warning("the result for candidate %s was not stored: late, or not fit to be shown", candidate.pk)

    def give_back(self, message: str) -> None:
        """The batch broke off: what is not done yet can be tried again."""
        rest = [self._claim.candidates[index] for index in sorted(self._open)]
        fail_candidates(candidates=rest, lease=self._claim.lease, message=message, permanent=False)
        self._open.clear()

    def put_back(self, indices: Collection[int]) -> None:
        """These could not be tried beside other contestants; the try does not count."""
        put_back(candidates=[self._claim.candidates[index] for index in indices], lease=self._claim.lease)
        self._open.difference_update(indices)

    def _release(self) -> None:
        if self._is_shared:
            connection.close()


def request_for(candidate: Candidate) -> Request:
    """What a backend is asked for: the prompt with its media, and the seed."""
    prompt = candidate.prompt
    media = None
    if prompt.media:
        with prompt.media.open("rb") as file:
            media = Media(file.read(), prompt.media_type)
    return Request(prompt=prompt.text, seed=candidate.seed, media=media)
