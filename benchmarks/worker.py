"""The process that runs one engine on one set of ballots, for `benchmarks.engines`.

    python -m benchmarks.worker NAME BALLOTS.npz
    python -m benchmarks.worker                    the versions of the packages, as JSON

It prints one line of JSON when its ballots are in place, then one for each line it reads: how long a run took on the
clock and on the processor, the peak of its memory, how far that lies above what was in use before, and the scores.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ballots import Ballots
from benchmarks.contenders import CONTENDERS, version


def resident() -> int:
    """Bytes in use now, after setting back the peak where the system can do that; else the peak so far."""
    gc.collect()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most bytes in use so far.

    Linux's ru_maxrss also counts what the parent used before this process became its own, so its VmHWM is read instead.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def main(name: str, path: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints must not mix with the answers

    def say(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    run = CONTENDERS[name].made(Ballots.load(Path(path)))
    before = resident()
    say(ready=True)
    for _ in sys.stdin:
        begin, cpu = time.perf_counter(), time.process_time()
        scores = run()
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
        most = peak()
        say(
            seconds=seconds, cpu=cpu_seconds, peak=most, above=max(most - before, 0),
            scores=[float(score) for score in scores],
        )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:]:
        main(*sys.argv[1:])
    else:
        print(json.dumps({package: version(package) for package in sorted({c.package for c in CONTENDERS.values()})}))
