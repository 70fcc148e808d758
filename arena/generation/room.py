"""The memory of a device: the contestants that are loaded there, which of them are worked on now, and who gets in.

Threads of one worker share it (see `lanes`). What is worked on is never evicted; whatever else is loaded makes room,
least used first.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from arena.catalogue.models import ContestantRevision

from .access import access
from .backends.batching import free_memory
from .backends.protocol import Access, GenerationError, Loaded, OutOfMemory
from .backends.registry import get_backend


class NoRoom(Exception):
    """A contestant does not fit beside those that are worked on. Its turn comes when it can have the device alone."""


@dataclass
class Kept:
    """A loaded contestant, what it may reach, the largest batch it has memory for, and what loading it has cost."""

    loaded: Loaded
    access: Access
    size: int
    load_seconds: float


@dataclass
class Place:
    """Of a contestant that is worked on. crowded: at some time meanwhile another one was worked on as well."""

    crowded: bool


class Room:
    """device: of torch; memory: bytes that loaded contestants may hold together.

    A contestant that is alone may hold more. How much one needs is known once it has been loaded; before that it is
    let in where there is any room, and turned out if it turns out to be too large.
    """

    def __init__(self, device: str, memory: int) -> None:
        self.device = device
        self._memory = memory
        self._guard = threading.Lock()
        self._kept: OrderedDict[int, Kept] = OrderedDict()  # the one used last at the end
        self._places: dict[int, Place] = {}
        self._needs: dict[int, int] = {}  # bytes, of all that were ever loaded here
        self._solitary: set[int] = set()  # memory was too little for them beside others, whatever their needs say

    def loaded(self) -> list[int]:
        with self._guard:
            return list(self._kept)

    def at_work(self) -> list[int]:
        with self._guard:
            return list(self._places)

    def find(self, revision: int) -> Kept | None:
        with self._guard:
            return self._kept.get(revision)

    @contextmanager
    def place(self, revision: int) -> Iterator[Place]:
        """A place for as long as the body runs. Raises `NoRoom`."""
        place = self.enter(revision)
        if place is None:
            raise NoRoom
        try:
            yield place
        finally:
            self.leave(revision)

    def enter(self, revision: int) -> Place | None:
        """A place, if there is one. Who is first always gets it; nobody gets two at once."""
        with self._guard:
            if self._places and not self._fits(revision):
                return None
            for other in self._places.values():
                other.crowded = True
            place = self._places[revision] = Place(crowded=bool(self._places))
            return place

    def leave(self, revision: int) -> None:
        with self._guard:
            del self._places[revision]

    def _fits(self, revision: int) -> bool:
        together = {*self._places, revision}
        if revision in self._places or together & self._solitary:
            return False
        return sum(self._needs.get(each, 0) for each in together) <= self._memory

    def load(self, revision: ContestantRevision, place: Place) -> Kept:
        """The loaded contestant; others make room for it. Raises `NoRoom`, or what its backend raises."""
        allowed = access()
        with self._guard:
            kept = self._kept.get(revision.pk)
            if kept is not None and kept.access == allowed:
                self._kept.move_to_end(revision.pk)
                return kept
            self._kept.pop(revision.pk, None)  # a host or secret was added or withdrawn since it was loaded
        del kept
        backend = get_backend(revision.backend)
        form: Any = backend.validate(revision.settings)
        began = time.monotonic()
        loaded = self._loaded(lambda: backend.load(form, self.device, allowed), revision.pk, place)
        kept = Kept(loaded, allowed, max(1, loaded.batch_size), time.monotonic() - began)
        del loaded
        with self._guard:
            self._needs[revision.pk] = kept.loaded.memory_bytes
            self._kept[revision.pk] = kept
            evicted = self._evict_idle(until_it_fits=True)
            turned_out = self._held() > self._memory and len(self._places) > 1
            if turned_out:
                del self._kept[revision.pk], kept
        if evicted or turned_out:
            free_memory()
        if turned_out:
            raise NoRoom
        return kept

    def _loaded(self, load: Callable[[], Loaded], revision: int, place: Place) -> Loaded:
        try:
            return load()
        except OutOfMemory as error:
            message = error.message
        # Outside of the clause: the error holds what did fit.
        evicted = self.make_room()
        if evicted:
            try:
                return load()
            except OutOfMemory as error:
                message = error.message
        if place.crowded:
            self.too_tight(revision)
            free_memory()
            raise NoRoom
        raise GenerationError(message, permanent=not evicted)

    def make_room(self) -> bool:
        """Evict what nobody works on; whether there was anything."""
        with self._guard:
            evicted = self._evict_idle()
        if evicted:
            free_memory()
        return evicted

    def too_tight(self, revision: int) -> None:
        """Note that memory was too little for it beside others: it works alone until that has gone well."""
        with self._guard:
            self._solitary.add(revision)

    def went_well(self, revision: int) -> None:
        with self._guard:
            self._solitary.discard(revision)

    def _held(self) -> int:
        return sum(each.loaded.memory_bytes for each in self._kept.values())

    def _evict_idle(self, *, until_it_fits: bool = False) -> bool:
        evicted = False
        for revision in [revision for revision in self._kept if revision not in self._places]:
            if until_it_fits and self._held() <= self._memory:
                break
            del self._kept[revision]
            evicted = True
        return evicted
