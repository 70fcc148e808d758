"""How long the engines take and how much memory, beside other packages on the same ballots.

    python -m benchmarks.engines [--quick] [--sizes 1e4,1e5,1e6] [--contestants 50,200] [--repeats 5] [--limit 30]
                                 [--peers evalica,choix,arena-rank,openskill,trueskill | none]
                                 [--packages FOLDER] [--json OUT]

Every engine has a process of its own for each set of ballots. Their runs take turns, ours and each peer's in every
round, so that a machine that slows down does so for all; the ratio is the median over rounds of peer / ours. The first
run of each, which compiles what is compiled at first use, is not counted and printed by itself. A run that takes longer
than the limit is stopped and printed as "> limit", and larger ballots are then not tried. Peers that are not installed
are named and left out; `--packages` is a folder made by `pip install --target`, which only their processes see.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from benchmarks.contenders import CONTENDERS, Ballots, Contender

REPOSITORY = Path(__file__).resolve().parents[1]
PEERS = ("arena-rank", "evalica", "choix", "openskill", "trueskill")
REFERENCE = {2: "podium bradley-terry", 4: "podium plackett-luce of four"}
ONLINE = ("podium online update", "openskill PlackettLuce.rate", "trueskill rate")
COLD = (
    "podium bradley-terry", "podium plackett-luce of four", "arena-rank BradleyTerry", "evalica bradley_terry",
    "choix ilsr_pairwise_dense", "openskill PlackettLuce.rate",
)  # fmt: skip
PREPARATION = 900.0  # seconds to import and to bring a million ballots into the form an engine takes
ONLINE_BALLOTS, COLD_BALLOTS = 2000, 10_000


@dataclass
class Result:
    """One engine on one set of ballots. `seconds` are its counted runs; `ratios` go with the rounds of ours."""

    name: str
    package: str
    intervals: str
    ways: int
    contestants: int
    ballots: int
    first: float | None = None
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    above: int = 0  # bytes
    tau: float | None = None  # with the true strengths
    stopped: bool = False
    problem: str = ""

    @classmethod
    def of(cls, contender: Contender, ballots: int, contestants: int) -> Result:
        return cls(contender.name, contender.package, contender.intervals, contender.ways, contestants, ballots)


class Worker:
    """The process of one engine with its ballots in place."""

    def __init__(self, name: str, ballots: Path, packages: Path | None) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders", name, str(ballots)],
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


def versions(packages: Path | None) -> dict[str, str | None]:
    """Of the peers, as their processes find them."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.contenders"],
        cwd=REPOSITORY, env=surroundings("", packages), capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed: dict[str, str | None] = json.loads(found.stdout)
    return installed


@dataclass
class Bench:
    """What is compared and how long it may take."""

    packages: Path | None
    names: list[str]
    repeats: int
    limit: float
    folder: Path
    results: list[Result] = field(default_factory=list)

    def compare(self, names: list[str], reference: str, count: int, contestants: int) -> list[Result]:
        """All these engines on the same ballots, taking turns."""
        path, theta = self.ballots(count, contestants, CONTENDERS[reference].ways)
        found: dict[str, Result] = {}
        workers: dict[str, Worker] = {}
        for name in names:
            found[name] = Result.of(CONTENDERS[name], count, contestants)
            if any(r.stopped or r.problem for r in self.results if (r.name, r.contestants) == (name, contestants)):
                found[name].problem = "not run"
                continue
            workers[name] = Worker(name, path, self.packages)
            self.step(workers, found[name], theta, PREPARATION, counted=None)
            if name in workers:
                self.step(workers, found[name], theta, self.limit, counted=False)
        for _ in range(self.repeats):
            for name in list(workers):
                if sum(found[name].seconds) < self.limit:
                    self.step(workers, found[name], theta, self.limit, counted=True)
        for worker in workers.values():
            worker.stop()
        base = found[reference].seconds
        for result in found.values():
            result.ratios = [own / ours for own, ours in zip(result.seconds, base, strict=False)]
        path.unlink()
        self.results += found.values()
        return list(found.values())

    def step(
        self, workers: dict[str, Worker], result: Result, theta: np.ndarray, limit: float, *, counted: bool | None
    ) -> None:
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
                    result.first, result.tau = answer["seconds"], float(kendalltau(answer["scores"], theta)[0])
                result.above = answer["above"]
        if result.problem or result.stopped:
            workers.pop(result.name).stop()

    def cold(self, names: list[str]) -> dict[str, list[float]]:
        """Seconds from starting a process to its first answer, imports and ballots from disk included."""
        found: dict[str, list[float]] = {name: [] for name in names}
        paths = {ways: self.ballots(COLD_BALLOTS, 50, ways)[0] for ways in REFERENCE}
        for _ in range(self.repeats):
            for name in names:
                begin = time.perf_counter()
                worker = Worker(name, paths[CONTENDERS[name].ways], self.packages)
                if worker.answer(PREPARATION) is not None and worker.run(PREPARATION) is not None:
                    found[name].append(time.perf_counter() - begin)
                worker.stop()
        return found

    def ballots(self, count: int, contestants: int, ways: int) -> tuple[Path, np.ndarray]:
        path = self.folder / f"{ways}-{contestants}-{count}.npz"
        drawn, theta = Ballots.drawn(count, contestants, ways)
        np.savez(path, contestants=contestants, slots=drawn.slots, ranks=drawn.ranks)
        return path, theta


def figure(result: Result, limit: float, repeats: int) -> str:
    """A cell: median seconds, ratio to ours, memory; or why there is none."""
    if result.stopped and not result.seconds:
        return f"> {limit:g} s"
    if not result.seconds:
        return result.problem
    parts = [seconds(statistics.median(result.seconds))]
    if result.ratios:
        parts.append(f"{statistics.median(result.ratios):.3g} ×")
    parts.append(f"{result.above / 1e6:.0f} MB")
    runs = len(result.seconds)
    return ", ".join(parts) + (f" ({runs} run{'s' if runs > 1 else ''})" if runs < repeats else "")


def seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def rows(cells: list[list[str]]) -> list[str]:
    head, *body = ("| " + " | ".join(line) + " |" for line in cells)
    return [head, "|" + "---|" * len(cells[0]), *body, ""]


def comparison(results: list[Result], sizes: list[int], limit: float, repeats: int) -> list[str]:
    """The table of one kind of ballot and one number of contestants."""
    cells = [["engine", "intervals", *(f"{size:,} ballots" for size in sizes), "first run", "tau"]]
    for name in dict.fromkeys(result.name for result in results):
        own = [result for result in results if result.name == name]
        last = next((result for result in reversed(own) if result.first is not None), own[0])
        cells.append(
            [
                name.removesuffix(" of four"),
                own[0].intervals,
                *(figure(result, limit, repeats) for result in own),
                "" if last.first is None else seconds(last.first),
                "" if last.tau is None else f"{last.tau:.3f}",
            ]
        )
    return rows(cells)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, {platform.system()}"


def load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def report(bench: Bench, sizes: list[int], counts: list[int], installed: dict[str, str | None]) -> list[str]:
    """Run everything; the lines of the report."""
    begin, before = time.perf_counter(), load()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - begin:6.1f} s  {what}", file=sys.stderr, flush=True)

    lines: list[str] = []
    for ways, kind in ((2, "Pairs"), (4, "Four-way rankings")):
        names = [name for name in bench.names if CONTENDERS[name].ways == ways and name != ONLINE[0]]
        for contestants in counts:
            found = []
            for size in sizes:
                say(f"{size:,} {kind.lower()} of {contestants} contestants")
                found += bench.compare(names, REFERENCE[ways], size, contestants)
            lines += [f"### {kind}, {contestants} contestants", ""]
            lines += comparison(found, sizes, bench.limit, bench.repeats)
    cells = [["engine", "knows of the others", *(f"{count} contestants" for count in counts)]]
    online = {}
    for contestants in counts:
        say(f"one ballot at a time, {contestants} contestants")
        names = [name for name in ONLINE if name in bench.names]
        online[contestants] = {r.name: r for r in bench.compare(names, ONLINE[0], ONLINE_BALLOTS, contestants)}
    for name in (name for name in ONLINE if name in bench.names):
        known = "full covariance" if name == ONLINE[0] else "nothing"
        cells.append([name, known, *(each(online[contestants][name], bench.limit) for contestants in counts)])
    lines += ["### One four-way ballot after another", "", *rows(cells)]
    say("fresh processes")
    cells = [["engine", f"from starting Python to the answer, {COLD_BALLOTS:,} ballots"]]
    for name, took in bench.cold([name for name in COLD if name in bench.names]).items():
        cells.append([name.removesuffix(" of four"), seconds(statistics.median(took))])
    lines += ["### First fit of a fresh process", "", *rows(cells)]
    found = ", ".join(f"{package} {installed[package]}" for package in PEERS if installed[package])
    missing = ", ".join(package for package in PEERS if not installed[package])
    head = [
        f"{time.strftime('%Y-%m-%d', time.gmtime())}; {machine()}; Python {platform.python_version()},"
        f" numpy {np.__version__}. Peers: {found or 'none'}{f'; not installed: {missing}' if missing else ''}.",
        f"Medians of {bench.repeats} runs, limit {bench.limit:g} s a run; load {before} before and {load()} after;"
        f" {(time.perf_counter() - begin) / 60:.1f} minutes in all.",
        "",
    ]
    return [*head, *lines]


def each(result: Result, limit: float) -> str:
    """A cell of the table of single ballots."""
    if not result.seconds:
        return f"> {1e6 * limit / result.ballots:.0f} µs" if result.stopped else result.problem
    return f"{1e6 * statistics.median(result.seconds) / result.ballots:.3g} µs"


def numbers(text: str) -> list[int]:
    """Whole numbers separated by commas, also as 1e6. Raises `ValueError`."""
    found = [float(word) for word in text.split(",")]
    if any(number != int(number) or number < 10 for number in found):
        raise ValueError(text)
    return sorted(int(number) for number in found)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__.split("\n")[0])
    found.add_argument("--quick", action="store_true", help="tiny ballots, two runs: shows that everything works")
    found.add_argument("--sizes", type=numbers, help="ballots (default: 1e4,1e5,1e6)")
    found.add_argument("--contestants", type=numbers, help="(default: 50,200)")
    found.add_argument("--repeats", type=int, help="counted runs of each (default: 5)")
    found.add_argument("--limit", type=float, default=30.0, help="seconds a run may take (default: %(default)g)")
    found.add_argument("--peers", default=",".join(PEERS), help="packages, or none (default: %(default)s)")
    found.add_argument("--packages", type=Path, help="folder of the peers, made by pip install --target")
    found.add_argument("--json", type=Path, metavar="OUT", help="write every run to this file too")
    return found


def main() -> None:
    arguments = parser()
    options = arguments.parse_args()
    peers = [] if options.peers == "none" else options.peers.split(",")
    unknown = [peer for peer in peers if peer not in PEERS]
    if unknown:
        arguments.error(f"unknown peer {', '.join(unknown)}; there are {', '.join(PEERS)}, or none")
    if options.packages is not None and not options.packages.is_dir():
        arguments.error(f"--packages: there is no folder {options.packages}")
    if options.repeats is not None and options.repeats < 1:
        arguments.error(f"--repeats must be at least 1, not {options.repeats}")
    sizes = options.sizes or ([500] if options.quick else [10_000, 100_000, 1_000_000])
    counts = options.contestants or ([10] if options.quick else [50, 200])
    packages = None if options.packages is None else options.packages.resolve()
    installed = {package: found if package in peers else None for package, found in versions(packages).items()}
    names = [name for name, one in CONTENDERS.items() if one.package == "podium" or installed[one.package]]
    with tempfile.TemporaryDirectory() as folder:
        repeats = options.repeats or (2 if options.quick else 5)
        bench = Bench(packages, names, repeats, options.limit, Path(folder))
        print("\n".join(report(bench, sizes, counts, installed)))
    if options.json:
        options.json.write_text(json.dumps({"peers": installed, "results": [asdict(r) for r in bench.results]}) + "\n")


if __name__ == "__main__":
    main()
