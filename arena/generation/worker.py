"""A worker's station: a device with the contestants it has loaded, and one batch of work at a time.

What a Celery task repeats, and what `manage.py generate --here` does in a process of its own.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection

from arena.catalogue.models import ContestantRevision

from .access import access
from .actions import LEASE, Claim, claim_batch, extend_lease, fail_candidates, finish_candidate
from .backends.batching import free_memory, run
from .backends.devices import best_device, memory_for_contestants, share_cores
from .backends.protocol import (
    QUIET,
    Access,
    GenerationError,
    Loaded,
    Media,
    Outcome,
    OutOfMemory,
    Request,
    SettingsError,
    Watch,
)
from .backends.registry import get_backend
from .models import Candidate
from .queries import next_work, patience_for, places_of

log = logging.getLogger(__name__)

# A contestant stays while loading it has cost more than this share of the time it has worked since, so that others wait
# for some minutes where loading takes long. Those that load within a second take turns.
LOADING_SHARE = 0.05
QUICK_LOAD = 1.0
_HEARTBEAT = 10.0  # seconds between extensions of the lease of a batch that is being made
_FAILED_LOAD = 50  # candidates that fail with a contestant which cannot be loaded; the rest at the next turn

Listener = Callable[[Candidate, str], None]


@dataclass
class _Kept:
    """A loaded contestant, what it may reach, the largest batch it has memory for, and what loading it has cost."""

    loaded: Loaded
    access: Access
    size: int
    load_seconds: float


@dataclass
class Station:
    """A device, or the outside world for remote backends, with the contestants loaded there, least used first.

    device: of torch; memory: bytes that loaded contestants may hold together; arena: the one it works for, all if none;
    listen: told of every piece of text of a
    candidate that somebody waits for. Not to be shared between threads.
    """

    device: str
    memory: int
    remote: bool = False
    arena: int | None = None
    listen: Listener | None = None
    _kept: OrderedDict[int, _Kept] = field(default_factory=OrderedDict)
    _staying: tuple[int, float] | None = None  # the revision worked on, and since when

    def work(self, *, only_awaited: bool = False) -> int:
        """Work off one batch; returns how many candidates were taken from the queue, 0 when there is nothing to do.

        only_awaited: nothing but what people wait for.
        """
        wanted = next_work(
            remote=self.remote,
            arena=self.arena,
            loaded=list(self._kept),
            staying=self._stay(),
            only_awaited=only_awaited,
        )
        if wanted is None:
            return 0
        revision = wanted.revision
        try:
            kept = self._load(revision)
        except SettingsError as error:
            return self._give_up(revision, f"The settings of {revision} are refused: {error}", permanent=True)
        except GenerationError as error:
            return self._give_up(revision, error.message, permanent=error.permanent)
        except (
            Exception
        ) as error:  # a defect in a backend must not stop the queue; its cause is kept with the candidate
            log.exception("%s could not be loaded", revision)
            return self._give_up(revision, f"{type(error).__name__}: {error}", permanent=False)
        awaited = wanted.priority < 0
        claim = claim_batch(
            most=kept.size,
            revision=revision.pk,
            places=places_of(revision, awaited=awaited) if self.remote else None,
            only_awaited=awaited,
        )
        if claim is None:
            return 1  # somebody else was quicker; there may be more to do
        self._turn_to(revision.pk)
        self._make(claim, kept)
        return len(claim.candidates)

    def make(self, revision: ContestantRevision, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of a batch that is in no queue. Raises `GenerationError` if the contestant cannot be loaded."""
        try:
            kept = self._load(revision)
        except SettingsError as error:
            raise GenerationError(f"the settings are refused: {error}", permanent=True) from error
        return self._run(kept, revision, requests, QUIET)[0]

    def _run(
        self, kept: _Kept, revision: ContestantRevision, requests: Sequence[Request], watch: Watch
    ) -> tuple[list[Outcome], int]:
        outcomes, size = run(kept.loaded, requests, watch)
        if size == 0 and len(self._kept) > 1:  # too much for what the others leave free
            self._evict(keep=revision.pk)
            outcomes, size = run(kept.loaded, requests, watch)
        return outcomes, size

    def _make(self, claim: Claim, kept: _Kept) -> None:
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
        desk = _Desk(Claim(claim.lease, claim.revision, readable), self.listen)
        try:
            with every(_HEARTBEAT, desk.keep):
                outcomes, size = self._run(kept, claim.revision, requests, desk)
                for index, outcome in enumerate(outcomes):
                    desk.done(index, outcome)
        except Exception as error:
            log.exception("%s failed", claim.revision)
            desk.give_back(f"{type(error).__name__}: {error}")
            return
        if 0 < size < len(requests):
            log.warning("%s: batches of %d are too large for %s", claim.revision, len(requests), self.device)
            kept.size = size

    def _load(self, revision: ContestantRevision) -> _Kept:
        """The loaded contestant; others make room for it, least used first."""
        allowed = access()
        kept = self._kept.get(revision.pk)
        if kept is not None and kept.access == allowed:
            self._kept.move_to_end(revision.pk)
            return kept
        self._kept.pop(revision.pk, None)  # a host or secret was added or withdrawn since it was loaded
        backend = get_backend(revision.backend)
        form: Any = backend.validate(revision.settings)
        began = time.monotonic()
        try:
            loaded = backend.load(form, self.device, allowed)
        except OutOfMemory as error:
            if not self._kept:
                raise GenerationError(error.message, permanent=True) from error
            error.__traceback__ = None
            self._evict()
            loaded = backend.load(form, self.device, allowed)
        kept = _Kept(loaded, allowed, max(1, loaded.batch_size), time.monotonic() - began)
        self._kept[revision.pk] = kept
        while len(self._kept) > 1 and sum(each.loaded.memory_bytes for each in self._kept.values()) > self.memory:
            self._kept.popitem(last=False)
            free_memory()
        return kept

    def _evict(self, keep: int | None = None) -> None:
        for revision in [revision for revision in self._kept if revision != keep]:
            del self._kept[revision]
        free_memory()

    def _stay(self) -> int | None:
        if self._staying is None:
            return None
        revision, since = self._staying
        kept = self._kept.get(revision)
        if kept is None or kept.load_seconds <= max(QUICK_LOAD, LOADING_SHARE * (time.monotonic() - since)):
            return None
        return revision

    def _turn_to(self, revision: int) -> None:
        if self._staying is None or self._staying[0] != revision:
            self._staying = (revision, time.monotonic())

    def _give_up(self, revision: ContestantRevision, message: str, *, permanent: bool) -> int:
        claim = claim_batch(most=_FAILED_LOAD, revision=revision.pk)
        if claim is None:
            return 1
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message=message, permanent=permanent)
        return len(claim.candidates)


def station_for(*, remote: bool = False, arena: int | None = None, listen: Listener | None = None) -> Station:
    """A station on the device of this process, or for what is made elsewhere, which loads no torch."""
    if remote:
        return Station("", 0, remote=True, arena=arena, listen=listen)
    device = settings.GENERATION_DEVICE or best_device()
    share_cores(settings.GENERATION_WORKERS)
    memory = settings.GENERATION_MEMORY or memory_for_contestants(device, settings.GENERATION_WORKERS)
    return Station(device, memory, arena=arena, listen=listen)


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
    """Takes the outcomes of a batch as they come, each once, and keeps its lease while it is being made."""

    def __init__(self, claim: Claim, listen: Listener | None) -> None:
        self._claim = claim
        self._listen = listen
        self._open = set(range(len(claim.candidates)))
        self._progress = time.monotonic()
        self._patience = patience_for(claim.revision).total_seconds()

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

    def keep(self) -> bool:
        """Extend the lease; False when it was taken away, or when nothing has come for longer than can be."""
        silent = time.monotonic() - self._progress
        if silent > self._patience:
            log.error("%s has said nothing for %.0f s; its batch goes to others", self._claim.revision, silent)
            return False
        return extend_lease(self._claim.lease, LEASE) > 0

    def _store(self, candidate: Candidate, lease: uuid.UUID, outcome: Outcome) -> None:
        if isinstance(outcome, GenerationError):
            fail_candidates(candidates=[candidate], lease=lease, message=outcome.message, permanent=outcome.permanent)
        elif not finish_candidate(candidate=candidate, lease=lease, result=outcome):
            log.warning("the result for candidate %s was not stored: late, or not fit to be shown", candidate.pk)

    def give_back(self, message: str) -> None:
        """The batch broke off: what is not done yet can be tried again."""
        rest = [self._claim.candidates[index] for index in sorted(self._open)]
        fail_candidates(candidates=rest, lease=self._claim.lease, message=message, permanent=False)
        self._open.clear()


def request_for(candidate: Candidate) -> Request:
    """What a backend is asked for: the prompt with its media, and the seed."""
    prompt = candidate.prompt
    media = None
    if prompt.media:
        with prompt.media.open("rb") as file:
            media = Media(file.read(), prompt.media_type)
    return Request(prompt=prompt.text, seed=candidate.seed, media=media)
