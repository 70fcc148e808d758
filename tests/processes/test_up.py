"""`manage.py up` from the outside: what it prints, what a second start changes, what is left after it was stopped."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.running import REPOSITORY, free_port, own_database, own_environment, start, stop, wait_until_painted

pytestmark = pytest.mark.embedded


def children_of_nobody(var: Path) -> list[str]:
    """Processes that still work on a data folder."""
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and any(str(var) in word for word in process.info["cmdline"])
    ]


def test_the_first_start_shows_the_login_and_the_second_changes_nothing(var: Path) -> None:
    with own_database(own_environment(var)) as environment:
        first = start(var, environment)
        wait_until_painted(first)
        printed = stop(first)
        login = re.search(r"Admin login: admin / (\S+)", printed)
        assert login is not None
        assert "http://localhost:" in printed
        assert (var / "admin-login.txt").read_text() == f"admin\n{login[1]}\n"
        assert (var / "admin-login.txt").stat().st_mode & 0o077 == 0
        assert children_of_nobody(var) == []  # the database was stopped with it
        assert "cannot be read" in first.command("import_ballots", "studio", "/nonexistent").stderr
        before = first.command("shell", "--no-imports", "-c", EVERYTHING).stdout
        assert "'Contestant': 0" not in before

        second = start(var, environment)
        printed = stop(second)
        assert "Admin login" not in printed
        assert "queued" not in printed
        assert "Traceback" not in printed
        assert second.command("shell", "--no-imports", "-c", EVERYTHING).stdout == before
        assert children_of_nobody(var) == []


# Everything but the pictures that went on being painted meanwhile.
EVERYTHING = """
from arena.models import Arena, Candidate, Contestant, ContestantRevision, Prompt, User
for model in (Arena, Contestant, ContestantRevision, Prompt, User):
    print({model.__name__: model.objects.count()}, list(model.objects.order_by("pk").values()))
print(list(Candidate.objects.order_by("pk").values("public_id", "seed")))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_database_included(var: Path, number: signal.Signals) -> None:
    running = start(var, own_environment(var), "--no-demo")
    running.process.send_signal(number)
    assert running.process.wait(30) == 0
    assert children_of_nobody(var) == []
    assert (var / "server.log").read_text().rstrip().endswith("Stopped.")


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_interrupted_while_it_starts_it_ends_quietly_and_starts_whole_later(var: Path, seconds: float) -> None:
    """Pressed three times, as impatient people do; wherever it was, nothing half made may remain."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", "--port", str(free_port())],
        cwd=REPOSITORY,
        env=own_environment(var),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # As from a terminal; a test run in the background is told to ignore Ctrl-C, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(seconds)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    printed, _ = process.communicate(timeout=60)
    assert "Traceback" not in printed
    # Before our own code runs, Python is ended by the signal itself.
    assert process.returncode in {0, 128 + signal.SIGINT, -signal.SIGINT}
    deadline = time.monotonic() + 10  # what was interrupted in making a database ends a moment after its parent
    while children_of_nobody(var) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children_of_nobody(var) == []

    stop(start(var, own_environment(var), "--no-demo"))
    assert (var / "server.log").read_text().rstrip().endswith("Stopped.")


def test_it_starts_again_after_it_was_killed(var: Path) -> None:
    running = start(var, own_environment(var), "--no-demo")
    running.process.kill()
    running.process.wait(30)
    assert children_of_nobody(var) != []  # nobody was left to stop the database

    running = start(var, own_environment(var), "--no-demo")
    stop(running)
    assert children_of_nobody(var) == []


def test_a_port_that_is_taken_is_one_clear_line(var: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=REPOSITORY,
            env=own_environment(var),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert answer.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (var / "postgres").exists()  # nothing was started or made
