"""A demo server of its own, in a temporary folder and on a free port, stopped like a person stops it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ARENA = "studio"
START_SECONDS = 120  # a cold machine migrates, seeds and compiles first
STOP_SECONDS = 40
# An installation named in the environment is somebody's own: the pictures never touch it.
NOT_OURS = ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "SECRET_KEY", "SECRET_KEY_FILE")


@contextmanager
def demo_server() -> Iterator[str]:
    """The address of a running demo."""
    with tempfile.TemporaryDirectory(prefix="podium-pictures-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "server.log")
        environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        environment |= {"PODIUM_VAR": str(Path(folder, "var")), "PYTHONUNBUFFERED": "1"}
        port = _free_port()
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port)],
                cwd=REPOSITORY,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this script alone, which then stops the server
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(process, url, log)
            _show_every_prompt_alike(environment)
            yield url
        finally:
            _stop(process, log)


def _show_every_prompt_alike(environment: dict[str, str]) -> None:
    """By default the least judged prompts come first, and the one that is photographed might not come again."""
    change = f"from arena.models import Arena; Arena.objects.filter(slug={ARENA!r}).update(prompt_choice='even')"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", change]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)


def wait_for_pictures(url: str, wanted: int, patience: float) -> int:
    """Wait until `wanted` pictures of the arena are painted; returns how many are."""
    deadline = time.monotonic() + patience
    while True:
        ready, total, failed = _supply(url)
        if failed:
            raise SystemExit(f"{failed} of {total} pictures could not be made; no screenshots of a broken demo.")
        if ready >= min(wanted, total):
            return ready
        if time.monotonic() > deadline:
            raise SystemExit(f"Only {ready} of {wanted} pictures were ready after {patience:.0f} seconds.")
        time.sleep(2)


def _supply(url: str) -> tuple[int, int, int]:
    """Ready, total, failed, as the arena's page says."""
    with urllib.request.urlopen(f"{url}/arenas/{ARENA}/supply/") as response:
        words = re.sub(r"<[^>]+>", "", response.read().decode())
    if (some := re.search(r"(\d+) of (\d+) outputs are ready", words)) is not None:
        failed = re.search(r"(\d+) could not be made", words)
        return int(some[1]), int(some[2]), int(failed[1]) if failed else 0
    if (every := re.search(r"All (\d+) outputs are ready", words)) is not None:
        return int(every[1]), int(every[1]), 0
    raise SystemExit(f"The arena's page no longer says how many outputs are ready: {' '.join(words.split())!r}")


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
        else:
            return
    raise SystemExit(f"The demo did not start. It said:\n{log.read_text(encoding='utf-8')}")


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SystemExit(f"The demo did not stop on Ctrl-C. It said:\n{log.read_text(encoding='utf-8')}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
