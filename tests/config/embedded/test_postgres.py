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


def test_a_folder_whose_making_was_interrupted_is_made_anew(data: Path) -> None:
    """PostgreSQL takes a folder for a whole one from the first file in it, and then misses its own databases."""
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    data.with_name("postgres.unfinished").touch()
    user = user_of(data)
    assert is_running(data)
    assert not data.with_name("postgres.unfinished").exists()
    leave(user)


def test_a_whole_folder_is_never_made_anew(data: Path) -> None:
    leave(user_of(data))
    made = (data / "PG_VERSION").stat().st_mtime_ns
    leave(user_of(data))
    assert (data / "PG_VERSION").stat().st_mtime_ns == made


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root does PostgreSQL run under another account")
def test_the_folders_above_it_can_be_passed_but_not_listed_by_others(tmp_path: Path) -> None:
    above = tmp_path / "private"
    above.mkdir(mode=0o700)
    leave(user_of(above / "postgres"))
    assert above.stat().st_mode & 0o777 == 0o711


STOPPED = """
import sys
from pathlib import Path
from config.embedded.postgres import release, running_server
data = Path(sys.argv[1])
running_server(data)
release(data, for_good=True)
try:
    running_server(data)
except RuntimeError as error:
    print(error)
"""


def test_a_thread_that_comes_too_late_does_not_start_it_anew(data: Path) -> None:
    """Podium is stopping, and a task that goes on wants another connection."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(data)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "Podium is stopping and opens no further connection to its database\n"
    assert not is_running(data)
