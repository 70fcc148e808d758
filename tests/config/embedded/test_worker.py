"""The workers inside the serving process stop when they are told to; a task that goes on does not keep Podium alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from celery import Celery
from celery.worker import state

from config.celery import app
from config.embedded import worker
from config.embedded.worker import EmbeddedWorkers
from config.management.commands import up


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedWorkers]:
    monkeypatch.setattr(worker, "_STOP_SECONDS", 0.3)
    yield EmbeddedWorkers(app)
    state.should_stop = state.should_terminate = None


def test_threads_that_end_are_waited_for(workers: EmbeddedWorkers) -> None:
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait, args=[0.05], daemon=True)
    thread.start()
    workers._threads.append(thread)

    assert workers.stop()
    assert not thread.is_alive()


def test_one_that_goes_on_is_reported(workers: EmbeddedWorkers) -> None:
    finish = threading.Event()
    thread = threading.Thread(target=finish.wait, daemon=True)
    thread.start()
    workers._threads.append(thread)
    stopped = workers.stop()
    finish.set()

    assert not stopped


@pytest.fixture
def started(workers: EmbeddedWorkers, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Starts them on Redis, without anybody who answers there."""

    def start() -> list[Any]:
        monkeypatch.setattr(worker._Worker, "start", lambda self: self.ready.set())
        monkeypatch.setattr(worker, "EmbeddedService", lambda *_, **__: threading.Thread(target=lambda: None))
        workers._app = Celery(broker="redis://127.0.0.1:1/0")
        workers.start()
        return list(workers._workers)

    return start


def test_workers_share_no_event_loop_on_redis(started: Callable[[], list[Any]]) -> None:
    """kombu has one for a process; the workers would close it under each other, and queues be served by nobody."""
    assert [one.hub for one in started()] == [None, None, None]


@pytest.mark.parametrize("variable", ["MODERATION_CLASSIFIER", "MODERATION_PICTURES"])
def test_models_that_moderate_have_a_worker_of_their_own(
    started: Callable[[], list[Any]], settings: Any, variable: str
) -> None:
    setattr(settings, variable, "somebody/a-model")
    assert [one.hostname for one in started()] == [
        f"{queue}@embedded" for queue in ("default", "generation", "remote", "moderation")
    ]


@pytest.mark.parametrize(("ended", "exits"), [(True, []), (False, [0])])
def test_the_process_ends_without_waiting_for_a_task_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, ended: bool, exits: list[int]
) -> None:
    """Python waits at its end for the threads of a pool: a fit of minutes would keep the process after "Stopped."."""

    class Workers:
        def stop(self) -> bool:
            return ended

    seen: list[Any] = []
    monkeypatch.setattr(up.os, "_exit", seen.append)
    monkeypatch.setattr(up.Command, "_close_database", lambda self: seen.append("database"))
    command = up.Command(stdout=StringIO())
    command._workers = Workers()
    command._stop()

    assert seen == ["database", *exits]
