#!/usr/bin/env python
"""Podium's command line: `manage.py up` serves everything; `manage.py help` lists the rest."""

import os
import signal
import sys
import threading
from typing import Any


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.unraisablehook = _once_more
    try:
        _execute()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed again it would print a traceback
        print("Interrupted.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


def _once_more(unraisable: Any) -> None:
    """Ctrl-C while Python puts an object away is printed and lost; here it is pressed again a moment later."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _execute() -> None:
    from django.core.management import execute_from_command_line

    from config.environment import EnvironmentProblem

    try:
        execute_from_command_line(sys.argv)
    except EnvironmentProblem as problem:
        sys.exit(f"Podium cannot start: {problem}")


if __name__ == "__main__":
    main()
