"""Many trials: every setup with every seed, on one core or several. The result does not depend on how many.

Linear algebra is held to one thread (`one_thread`), before numpy is loaded: matrices here are small, threads that wait
for each other make them thirty times slower on a busy machine, and a sum split otherwise rounds otherwise.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING

from ranking.engines.laboratory.errors import LaboratoryError

if TYPE_CHECKING:
    from ranking.engines.laboratory.trial import Setup, Trial

MOST_JOBS = 256
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """Ask the linear algebra library for one thread. Does nothing once numpy is loaded."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))


def run_all(
    setups: Sequence[Setup], seeds: Sequence[int], *, jobs: int = 1, done: Callable[[int, int], None] | None = None
) -> list[list[Trial]]:
    """Trials of each setup, in the order of the seeds. `done` hears how many of how many are finished."""
    tasks = [(setup, seed) for setup in setups for seed in seeds]
    with _mapped(tasks, jobs) as results:
        found = []
        for trial in results:
            found.append(trial)
            if done is not None:
                done(len(found), len(tasks))
    return [found[start : start + len(seeds)] for start in range(0, len(found), len(seeds))]


@contextmanager
def _mapped(tasks: Sequence[tuple[Setup, int]], jobs: int) -> Iterator[Iterator[Trial]]:
    if jobs == 1:
        yield map(_run, tasks)
        return
    one_thread()  # the workers, which load numpy themselves
    before = set(active_children())
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _end_quietly)
    try:
        yield pool.map(_run, tasks)
    except BrokenProcessPool:
        raise LaboratoryError("a process that ran trials was ended from outside; try fewer --jobs") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - before:  # those in the middle of a trial that nobody waits for
            child.terminate()


def _end_quietly() -> None:
    """On Ctrl-C a worker ends like any program; the parent says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run(task: tuple[Setup, int]) -> Trial:
    from ranking.engines.laboratory.trial import run

    return run(*task)
