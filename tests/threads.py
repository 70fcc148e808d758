"""Several requests at the same time, as several processes would make them. For tests with `transaction=True`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection, connections

T = TypeVar("T")
PATIENCE = 20.0  # seconds after which a test that waits for a thread gives up; never reached by a passing one


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Call all of them at the same moment, each in a thread with a database connection of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(_own_connection, run, call) for call in calls]]


@contextmanager
def meanwhile(call: Callable[[], T]) -> Any:
    """Run `call` in another thread while the body of the `with` runs; yields its future."""
    with ThreadPoolExecutor(1) as pool:
        future: Future[T] = pool.submit(_own_connection, call)
        yield future
        future.exception(PATIENCE)


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


def _own_connection(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return function(*arguments)
    finally:
        connections.close_all()
