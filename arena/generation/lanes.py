"""Several contestants at once in one worker, for people who wait: lanes beside the batch that the worker makes.

Whoever asks a prompt gets the answers of several contestants, and none is shown before all have begun. So while a
worker makes a batch, be it backfill or the first of these answers, an usher looks for what people wait for and opens a
lane, a thread, for each of those contestants that has room beside the ones at work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType

from django.db import connection

from arena.catalogue.models import ContestantRevision

from .room import Place, Room

log = logging.getLogger(__name__)

LOOK = 0.1  # seconds between two looks: a tenth of the second within which a first word should come
MOST_LANES = 8  # the largest battle; more would share the device without being sooner done
# After the first batch lanes are opened for so long. Then the worker's task ends, so that the worker can be stopped and
# other tasks of its queue get their turn.
OPEN_SECONDS = 180.0

Look = Callable[[Collection[int]], Sequence[ContestantRevision]]
Serve = Callable[[ContestantRevision, Place], int]


class Lanes:
    """Beside the batch that is made in the body of a `with`, and beyond it: leaving waits until all lanes have ended.

    look: the contestants that people wait for, in their order, but for those named; serve: makes a batch of one and
    returns how many candidates that took from the queue; made: how many all lanes have taken.
    """

    def __init__(self, room: Room, look: Look, serve: Serve) -> None:
        self.made = 0
        self._room = room
        self._look = look
        self._serve = serve
        self._guard = threading.Lock()
        self._stir = threading.Event()  # the first batch or a lane has ended
        self._running = 0
        self._broken: set[int] = set()  # revisions whose lanes broke off: not again before the next turn
        self._closing: float | None = None  # from when on no lane is opened any more
        self._shut = False  # since somebody needs more room than there is beside others
        self._usher: threading.Thread | None = None

    def open(self, first_look: float) -> None:
        """Let the usher look, after so many seconds first. Whoever makes the batch of the body has a place by now."""
        self._usher = threading.Thread(target=self._usher_in, args=(first_look,), name="usher", daemon=True)
        self._usher.start()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing = time.monotonic() + (OPEN_SECONDS if kind is None else 0.0)
        self._stir.set()
        if self._usher is not None:
            self._usher.join()

    def _usher_in(self, wait: float) -> None:
        while True:
            self._stir.wait(wait)
            self._stir.clear()
            wait = LOOK
            closing = self._closing
            with self._guard:
                running = self._running
            if closing is not None and not running:
                return
            if closing is None or (time.monotonic() < closing and not self._shut):
                try:
                    waits = self._open_lanes(MOST_LANES - running)
                    # Once the first batch is made, whoever needs more room is not kept waiting by newcomers.
                    self._shut = waits and closing is not None
                except Exception:  # the database is away for a moment: the next look may reach it
                    log.exception("a look for people who wait failed")
                finally:
                    connection.close()

    def _open_lanes(self, free: int) -> bool:
        """Up to so many; whether somebody found no room in spite of that."""
        if not free:
            return False
        waits = False
        for revision in self._look({*self._room.at_work(), *self._broken}):
            place = self._room.enter(revision.pk)
            if place is None:
                waits = True
                continue
            with self._guard:
                self._running += 1
            lane = threading.Thread(target=self._lane, args=(revision, place), name="lane", daemon=True)
            lane.start()
            free -= 1
            if not free:
                break
        return waits

    def _lane(self, revision: ContestantRevision, place: Place) -> None:
        made = 0
        try:
            made = self._serve(revision, place)
        except Exception:  # such as a database that is away; the heartbeat has ended, so the lease will
            log.exception("the lane of %s broke off", revision)
            self._broken.add(revision.pk)
        finally:
            connection.close()
            self._room.leave(revision.pk)
            with self._guard:
                self.made += made
                self._running -= 1
            self._stir.set()
