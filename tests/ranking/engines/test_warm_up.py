"""After warming up there is nothing left to compile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

# A loop that only other loops of its module call is compiled into them, and has nothing to show when these are read
# from disk; the others are called from Python and must have been.
SCRIPT = """
import pkgutil
from importlib import import_module
import ranking.engines as engines
from ranking.engines.warm_up import warm_up

warm_up()
seen = 0
for module in pkgutil.walk_packages(engines.__path__, "ranking.engines."):
    if module.name.endswith("__main__") or "laboratory" in module.name:
        continue
    loaded = import_module(module.name)
    loops = {name: loop for name, loop in vars(loaded).items()
             if hasattr(loop, "py_func") and loop.py_func.__module__ == module.name}
    called = {name for loop in loops.values() for name in loop.py_func.__code__.co_names}
    for name, loop in loops.items():
        seen += 1
        if name not in called and not loop.signatures:
            print(f"{module.name}.{name}")
assert seen > 60, seen
"""


def test_every_loop_of_the_engines_and_of_matchmaking_is_compiled() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
