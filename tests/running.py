"""A Podium in a process of its own: `manage.py up` as people run it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
START_SECONDS = 120  # a cold machine migrates, seeds and compiles first
BATTLE_SECONDS = 120


@dataclass(frozen=True)
class Podium:
    """A running `manage.py up`, with the demo, in a folder of its own."""

    url: str
    var: Path
    process: subprocess.Popen[str]
    environment: dict[str, str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the server, as an operator would."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def start(var: Path, environment: dict[str, str], *arguments: str) -> Podium:
    port = free_port()
    log = open(var / "server.log", "w", encoding="utf-8")  # noqa: SIM115  (the process keeps it)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port), *arguments],
        cwd=REPOSITORY,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = Podium(f"http://127.0.0.1:{port}", var, process, environment)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(running.url, timeout=5).close()  # noqa: S310  (our own server)
            return running
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"the server did not answer:\n{(var / 'server.log').read_text()}")


def stop(running: Podium) -> str:
    """Ctrl-C, as a person stops it; returns what it printed."""
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
        try:
            running.process.wait(60)
        except subprocess.TimeoutExpired:
            running.process.kill()
            pytest.fail("the server did not stop within a minute of Ctrl-C")
    return (running.var / "server.log").read_text()


def wait_until_painted(running: Podium) -> None:
    deadline = time.monotonic() + BATTLE_SECONDS
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{running.url}/arenas/studio/vote/", timeout=30) as answer:  # noqa: S310
            if b'name="rank_a"' in answer.read():
                return
        time.sleep(0.5)
    pytest.fail(f"no battle was ready in {BATTLE_SECONDS} s:\n{(running.var / 'server.log').read_text()}")


def own_environment(var: Path) -> dict[str, str]:
    """This process's environment with another data folder."""
    environment = os.environ | {"PODIUM_VAR": str(var), "PYTHONUNBUFFERED": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return environment


class own_database:  # noqa: N801  (used like a function)
    """With DATABASE_URL: a fresh database on that server, dropped afterwards. Embedded: nothing to do."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = dict(environment)
        self.url = environment.get("DATABASE_URL", "")

    def __enter__(self) -> dict[str, str]:
        if not self.url:
            return self.environment
        self.name = f"podium_browser_{os.getpid()}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        parts = urlsplit(self.url)
        return self.environment | {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{self.name}"))}

    def __exit__(self, *error: Any) -> None:
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
