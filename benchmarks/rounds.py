"""Rounds of runs: every engine in a process of its own, taking turns on the same ballots."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.ballots import Ballots
from benchmarks.contenders import CONTENDERS, REFERENCE, Contender

REPOSITORY = Path(__file__).resolve().parents[1]
PREPARATION = 900.0  # seconds to import and to bring a million ballots into the form an engine takes
COLD_BALLOTS, COLD_CONTESTANTS = 10_000, 50
NOT_INSTALLED = "not installed"


@dataclass
class Result:
    """One engine on one set of ballots. `seconds` on the clock and `cpu` on the processor are those of counted runs;
    `ratios` and `cpu_ratios` divide them by ours in the same round."""

    name: str
    package: str
    ways: int
    contestants: int
    ballots: int
    first: float | None = None  # seconds of the first run, which is not counted
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    cpu_ratios: list[float] = field(default_factory=list)
    peak: int = 0  # bytes, of the process
    above: int = 0  # bytes, of them during the runs
    scores: list[float] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)  # logits
    stopped: bool = False  # a run took longer than the limit, here or with fewer ballots
    problem: str = ""

    @property
    def contender(self) -> Contender:
        return CONTENDERS[self.name]


class Worker:
    """The process of one engine with its ballots in place."""

    def __init__(self, name: str, ballots: Path, packages: Path | None) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(ballots)],
            cwd=REPOSITORY,
            env=surroundings(name, packages),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def answer(self, limit: float) -> dict[str, Any] | None:
        """The next line; None when it is not there in time. Raises `ChildProcessError` for a process that ended."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], limit)[0]:
            return None
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            said = self.log.read().decode(errors="replace").strip().splitlines()
            raise ChildProcessError(said[-1] if said else f"ended with status {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def run(self, limit: float) -> dict[str, Any] | None:
        assert self.process.stdin is not None
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self.answer(limit)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.log.close()


def surroundings(name: str, packages: Path | None) -> dict[str, str]:
    """The environment of an engine's process: only peers see the folder of their packages.

    All have one thread for OpenBLAS (numpy, scipy), unless the caller says otherwise: matrices are small, and on a busy
    machine two threads that wait for each other were measured to take up to 60 times as long as one.
    """
    found = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
    ours = name in CONTENDERS and CONTENDERS[name].package == "podium"
    return found if packages is None or ours else {**found, "PYTHONPATH": str(packages)}


def children() -> float:
    """Seconds that ended processes of this one have had on the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def versions(packages: Path | None) -> dict[str, str | None]:
    """Of Podium and the peers, as their processes find them; None for one that is not installed."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker"],
        cwd=REPOSITORY, env=surroundings("", packages), capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed: dict[str, str | None] = json.loads(found.stdout)
    return installed


@dataclass
class Bench:
    """What is compared and how long it may take. `installed` has the version of each package, or None."""

    packages: Path | None
    installed: Mapping[str, str | None]
    repeats: int
    limit: float
    folder: Path
    results: list[Result] = field(default_factory=list)

    def compare(self, names: list[str], reference: str, count: int, contestants: int) -> list[Result]:
        """All these engines on the same ballots, taking turns; ratios are to the runs of `reference`."""
        path, truth = self.ballots(count, contestants, CONTENDERS[reference].ways)
        found: dict[str, Result] = {}
        workers: dict[str, Worker] = {}
        for name in names:
            one = CONTENDERS[name]
            found[name] = Result(name, one.package, one.ways, contestants, count, truth=truth)
            if self.refused(found[name]):
                continue
            workers[name] = Worker(name, path, self.packages)
            self.step(workers, found[name], PREPARATION, counted=None)
            if name in workers:
                self.step(workers, found[name], PREPARATION if one.compiles else self.limit, counted=False)
        for _ in range(self.repeats):
            for name in list(workers):
                if sum(found[name].seconds) < self.limit:
                    self.step(workers, found[name], self.limit, counted=True)
        for worker in workers.values():
            worker.stop()
        base = found[reference]
        for result in found.values():
            result.ratios = [own / ours for own, ours in zip(result.seconds, base.seconds, strict=False)]
            result.cpu_ratios = [own / ours for own, ours in zip(result.cpu, base.cpu, strict=False)]
        path.unlink()
        self.results += found.values()
        return list(found.values())

    def refused(self, result: Result) -> bool:
        """Whether there is nothing to run: not installed, or too slow or failed with fewer ballots."""
        if self.installed[result.package] is None:
            result.problem = NOT_INSTALLED
        for earlier in self.results:
            same = (earlier.name, earlier.contestants) == (result.name, result.contestants)
            if same and earlier.ballots <= result.ballots:
                result.stopped = result.stopped or earlier.stopped
                result.problem = result.problem or earlier.problem
        return result.stopped or bool(result.problem)

    def step(self, workers: dict[str, Worker], result: Result, limit: float, *, counted: bool | None) -> None:
        """One answer of a worker: that it is ready (`counted` is None), its first run, or one that counts."""
        worker = workers[result.name]
        try:
            answer = worker.answer(limit) if counted is None else worker.run(limit)
        except (ChildProcessError, BrokenPipeError) as error:
            result.problem = f"failed: {error}"
        else:
            result.stopped = answer is None
            if answer is not None and counted is not None:
                if counted:
                    result.seconds.append(answer["seconds"])
                    result.cpu.append(answer["cpu"])
                else:
                    result.first, result.scores = answer["seconds"], answer["scores"]
                result.peak, result.above = answer["peak"], answer["above"]
        if result.problem or result.stopped:
            workers.pop(result.name).stop()

    def cold(self, names: list[str]) -> dict[str, list[tuple[float, float]]]:
        """Seconds from starting a process to its first answer, imports and ballots from disk included: on the clock and
        on the processor.

        The lists are empty for what is not installed. Raises `ChildProcessError` for a process that ended.
        """
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        paths = {ways: self.ballots(COLD_BALLOTS, COLD_CONTESTANTS, ways)[0] for ways in REFERENCE}
        for _ in range(self.repeats):
            for name in names:
                if self.installed[CONTENDERS[name].package] is None:
                    continue
                begin, before = time.perf_counter(), children()
                worker = Worker(name, paths[CONTENDERS[name].ways], self.packages)
                answered = worker.answer(PREPARATION) is not None and worker.run(PREPARATION) is not None
                took = time.perf_counter() - begin
                worker.stop()
                if answered:
                    found[name].append((took, children() - before))
        return found

    def ballots(self, count: int, contestants: int, ways: int) -> tuple[Path, list[float]]:
        """The file with so many ballots, and the strengths behind them."""
        path = self.folder / f"{ways}-{contestants}-{count}.npz"
        drawn, truth = Ballots.drawn(count, contestants, ways)
        drawn.save(path)
        return path, truth.tolist()
