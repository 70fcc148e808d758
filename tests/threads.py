"""Several requests at the same time, as several processes would make them. For tests with `transaction=True`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")
PATIENCE = 20.0  # seconds after which a test that waits for a thread gives up; never reached by a passing one


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Call all of them at the same moment, each in a thread with a database connection of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait(PATIENCE)
        return call()

    futures = [_begin(partial(run, call)) for call in calls]
    return [future.result(PATIENCE) for future in futures]


@contextmanager
def meanwhile(call: Callable[[], T]) -> Iterator[Future[T]]:
    """Run `call` in another thread while the body of the `with` runs; yields its future."""
    future = _begin(call)
    yield future
    future.exception(PATIENCE)


def _begin(call: Callable[[], T]) -> Future[T]:
    """A daemon: one that waits for ever, for a lock that the test itself holds, must not keep the test from failing."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:
            connections.close_all()
            future.set_exception(error)
        else:
            connections.close_all()
            future.set_result(result)

    threading.Thread(target=run, daemon=True).start()
    return future


def wait_until_somebody_waits_for_a_lock() -> None:
    """Return as soon as another connection to the test database stands behind a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")
