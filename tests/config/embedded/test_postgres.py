"""The PostgreSQL that starts itself also stops, whatever became of those who used it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config.embedded.postgres import _forget_dead_users
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.embedded

USE = """
import sys
from pathlib import Path
from config.embedded.postgres import release, running_server
running_server(Path(sys.argv[1]))
print("running", flush=True)
sys.stdin.readline()
release(Path(sys.argv[1]))
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


def user_of(data: Path) -> subprocess.Popen[str]:
    """A process that uses the server until it is told to go; returns when the server runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(data)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)
    assert process.returncode == 0


def is_running(data: Path) -> bool:
    file = data / "postmaster.pid"
    return file.exists() and psutil.pid_exists(int(file.read_text().split()[0]))


def test_the_last_to_leave_stops_it(data: Path) -> None:
    first, second = user_of(data), user_of(data)
    leave(first)
    assert is_running(data)
    leave(second)
    assert not is_running(data)


def test_it_does_not_outlive_a_user_that_was_killed(data: Path) -> None:
    killed = user_of(data)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    leave(user_of(data))

    assert not is_running(data)


def test_the_dead_are_struck_off_the_register_and_the_living_kept(tmp_path: Path) -> None:
    register = tmp_path / "pids.json"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    register.write_text(json.dumps([os.getpid(), gone.pid]))
    _forget_dead_users(register)

    assert json.loads(register.read_text()) == [os.getpid()]


def test_a_register_that_is_empty_or_missing_is_no_trouble(tmp_path: Path) -> None:
    register = tmp_path / "pids.json"
    _forget_dead_users(register)
    assert not register.exists()
    register.write_text("")
    _forget_dead_users(register)
    assert json.loads(register.read_text()) == []
