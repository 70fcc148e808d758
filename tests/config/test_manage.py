"""`manage.py` as a program: how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.conftest import REPOSITORY

PUTTING_AWAY = """
import os, signal, sys, time
import manage
sys.unraisablehook = manage._once_more
class Object:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))
try:
    Object()
    time.sleep(20)
    print("lost")
except KeyboardInterrupt:
    print("heard")
"""


def test_ctrl_c_is_heard_even_while_python_puts_an_object_away() -> None:
    """Python itself prints such an interruption, with a traceback, and goes on."""
    done = subprocess.run(
        [sys.executable, "-c", PUTTING_AWAY],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.stdout, done.stderr) == ("heard\n", "")
