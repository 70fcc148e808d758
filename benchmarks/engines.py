"""How long the engines take and how much memory, beside other packages on the same ballots.

    python -m benchmarks.engines [--quick] [--sizes 1e4,1e5,1e6] [--contestants 50,200] [--repeats 5] [--limit 30]
                                 [--peers arena-rank,evalica,choix,openskill,trueskill | none]
                                 [--packages FOLDER] [--json OUT]

Every engine has a process of its own for each set of ballots, and is given them there in its own form before the clock
starts. Their runs take turns, ours and each peer's in every round, so that a machine that slows down does so for all;
the ratio is the median over rounds of theirs / ours. The first run of each, which compiles what is compiled at first
use, is not counted and printed by itself. A run that takes longer than the limit (but for the first of arena-rank) is
stopped and printed as "over" it, and larger ballots are then not tried; rounds end for an engine when its runs have
together taken the limit. Memory is the peak of the process while it fits. Peers that are not installed are named;
`--packages` is a folder made by `pip install --target`, which only their processes see.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.contenders import CONTENDERS, FOURS, ONLINE, PAIRS, PEERS, REFERENCE
from benchmarks.goals import goal_rows, goals
from benchmarks.rounds import Bench, versions
from benchmarks.tables import comparison, forms, fresh, one_by_one, rows

KINDS = {2: "Pairs", 4: "Four-way rankings"}
SINGLE = (ONLINE, "openskill PlackettLuce.rate of four", "trueskill rate of four")
COLD = (
    PAIRS, FOURS, "arena-rank BradleyTerry", "evalica bradley_terry", "choix ilsr_pairwise_dense",
    "openskill PlackettLuce.rate of four",
)  # fmt: skip
SINGLE_BALLOTS = 2000


def report(bench: Bench, peers: list[str], sizes: list[int], counts: list[int]) -> Iterator[list[str]]:
    """Run everything; the lines of each part of the report as soon as there are any, the goals last."""
    begin, loads = time.perf_counter(), []

    def say(what: str) -> None:
        loads.append(os.getloadavg()[0])
        print(f"{time.perf_counter() - begin:6.1f} s  load {loads[-1]:.1f}  {what}", file=sys.stderr, flush=True)

    names = [name for name, one in CONTENDERS.items() if one.package in ("podium", *peers)]
    yield heading(bench, peers)
    for ways, kind in KINDS.items():
        chosen = [name for name in names if CONTENDERS[name].ways == ways and name != ONLINE]
        for contestants in counts:
            yield [f"### {kind}, {contestants} contestants", "", *batch(bench, chosen, sizes, contestants, say)]
    single = {}
    for contestants in counts:
        say(f"one ballot at a time, {contestants} contestants")
        chosen = [name for name in SINGLE if name in names]
        single[contestants] = bench.compare(chosen, ONLINE, SINGLE_BALLOTS, contestants)
    yield ["### One four-way ranking after another", "", *one_by_one(single, bench.limit)]
    say("fresh processes")
    cold = bench.cold([name for name in COLD if name in names])
    yield ["### From starting Python to the answer", "", *fresh(cold)]
    yield ["### What each is given", "", *forms(names)]
    say("done")
    took = f"{(time.perf_counter() - begin) / 60:.1f} minutes, load average {min(loads):.1f} to {max(loads):.1f}."
    yield ["### Goals", "", *rows(goal_rows(goals(bench.results, cold))), took]


def batch(bench: Bench, names: list[str], sizes: list[int], contestants: int, say: Callable[[str], None]) -> list[str]:
    """All engines for one kind of ballots, at every size."""
    ways = CONTENDERS[names[0]].ways
    found = []
    for size in sizes:
        say(f"{size:,} {KINDS[ways].lower()} of {contestants} contestants")
        found += bench.compare(names, REFERENCE[ways], size, contestants)
    return comparison(found, sizes, bench.limit, bench.repeats)


def heading(bench: Bench, peers: list[str]) -> list[str]:
    """Date, machine, versions, and how it is measured."""
    there = ", ".join(f"{peer} {bench.installed[peer]}" for peer in peers if bench.installed[peer])
    missing = ", ".join(peer for peer in peers if not bench.installed[peer])
    return [
        f"{time.strftime('%Y-%m-%d', time.gmtime())}; {machine()}; Python {platform.python_version()},"
        f" numpy {np.__version__}. Peers: {there or 'none'}{f'; not installed: {missing}' if missing else ''}."
        f" Medians of {bench.repeats} runs, limit {bench.limit:g} s a run.",
        "",
    ]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, {platform.system()}"


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
    repeats = options.repeats or (2 if options.quick else 5)
    packages = None if options.packages is None else options.packages.resolve()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(packages, versions(packages), repeats, options.limit, Path(folder))
        for lines in report(bench, peers, sizes, counts):
            print("\n".join(lines), flush=True)
            if options.json:
                found = {"peers": bench.installed, "results": [asdict(result) for result in bench.results]}
                options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
