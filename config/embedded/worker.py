"""Celery workers and the clock in threads of the serving process, on the memory transport.

One worker for each queue: generation makes its threads nicer than the rest (see `arena.generation.tasks`), and a board
must not wait behind a picture. That of moderation is there if models moderate: nothing else comes into its queue.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService, Scheduler
from celery.worker import WorkController, state
from django.conf import settings

from arena.live.moderation import needs_worker

_STOP_SECONDS = 10.0


class _Worker(WorkController):
    """A worker that says when it is ready."""

    def __init__(self, **options: Any) -> None:
        self.ready = threading.Event()
        super().__init__(**options)

    def on_consumer_ready(self, consumer: Any) -> None:
        self.ready.set()


class EmbeddedWorkers:
    """Starts and stops everything that services would run beside the web process."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._workers: list[_Worker] = []
        self._threads: list[threading.Thread] = []
        self._clock: Any = None

    def start(self) -> None:
        state.should_stop = state.should_terminate = None
        self._app.loader.import_default_modules()
        self._start_worker("default", threads=2)
        self._start_worker("generation", threads=settings.GENERATION_WORKERS)
        self._start_worker("remote", threads=settings.GENERATION_REMOTE_WORKERS)
        if needs_worker():
            self._start_worker("moderation", threads=1)
        self._clock = EmbeddedService(self._app, thread=True, scheduler_cls=Scheduler)
        self._clock.daemon = True
        self._clock.start()

    def stop(self) -> bool:
        """Let tasks end, at most ten seconds; says whether all have.

        One that has not goes on in its thread until the process ends, and is done again after the next start.
        """
        if self._clock is not None:
            self._clock.stop()
        state.should_stop = 0
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _start_worker(self, queue: str, threads: int) -> None:
        worker = _Worker(
            app=self._app,
            hostname=f"{queue}@embedded",
            queues=[queue],
            pool="threads",
            concurrency=threads,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            # On Redis, workers would run kombu's event loop, of which a process has one: three of them close it
            # under each other, and a queue is served by nobody from then on.
            use_eventloop=False,
            # Without that loop a worker that is full looks for messages every other second: it takes some more instead.
            prefetch_multiplier=16,
            loglevel="WARNING",
        )
        thread = threading.Thread(target=worker.start, name=f"worker-{queue}", daemon=True)
        thread.start()
        self._workers.append(worker)
        self._threads.append(thread)
        worker.ready.wait(_STOP_SECONDS)
