"""What unreliable voters do to a board, and what knowing about them repairs.

    python -m benchmarks.reliability [--seeds 24] [--json]

4,000 four-way rankings of 50 contestants in a close field (strengths with sd 0.5 logits), random battles, 200 voters
with 20 ballots each (for the last row 800 with 5). Every engine sees the same ballots; the oracle is plackett-luce
without the unreliable voters. Prints, as mean and standard error over seeds,

- Kendall's tau with the truth, and the coverage of the 95 % intervals of strengths;
- for blocs, by how many ranks the favourite (any contestant, at random) stands higher than if its fans had been honest,
  each engine against itself on the honest ballots.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.registry import engine_named
from tests.ranking.engines.reliability.electorates import Electorate, electorate

ENGINES = ("elo", "bradley-terry", "plackett-luce", "annotator-aware")
ORACLE = "oracle"
BOARDS = (("clean", "random", 0.0), ("10 % random", "random", 0.1), ("20 % random", "random", 0.2),
          ("10 % reversed", "reversed", 0.1))  # fmt: skip
BLOCS = (("5 % bloc, 20 ballots a voter", 200, 20), ("5 % bloc, 5 ballots a voter", 800, 5))


@dataclass(frozen=True)
class Row:
    """One figure: `mean` over seeds and its standard error, which takes two of them."""

    table: str
    case: str
    engine: str
    mean: float
    error: float

    @classmethod
    def of(cls, table: str, case: str, engine: str, values: list[float]) -> Row:
        return cls(table, case, engine, float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def fitted(engine: str, case: Electorate) -> Fit:
    if engine != ORACLE:
        return engine_named(engine).fit(case.evidence)
    return engine_named("plackett-luce").fit(case.evidence.take(~case.odd[case.evidence.voters.index]))


def board_rows(seeds: int, say: Callable[[str], None]) -> list[Row]:
    rows = []
    for name, kind, share in BOARDS:
        say(name)
        tau: dict[str, list[float]] = {engine: [] for engine in (*ENGINES, ORACLE)}
        covered: dict[str, list[float]] = {}
        for seed in range(seeds):
            case = electorate(kind, share, seed)
            for engine, found in tau.items():
                fit = fitted(engine, case)
                found.append(float(kendalltau(fit.mean, case.theta)[0]))
                if fit.covariance is not None and engine not in ("elo", "bradley-terry"):
                    z = (fit.mean - case.theta) / np.sqrt(np.diag(fit.covariance))
                    covered.setdefault(engine, []).append(float((np.abs(z) < 1.96).mean()))
        rows += [Row.of("tau", name, engine, values) for engine, values in tau.items()]
        rows += [Row.of("coverage", name, engine, values) for engine, values in covered.items()]
    return rows


def bloc_rows(seeds: int, say: Callable[[str], None]) -> list[Row]:
    rows = []
    for name, voters, each in BLOCS:
        say(name)
        lift: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        for seed in range(seeds):
            case = electorate("bloc", 0.05, seed, voters=voters, each=each)
            for engine, found in lift.items():
                found.append(float(place(engine, case.honest, case.favourite)
                                   - place(engine, case.evidence, case.favourite)))  # fmt: skip
        rows += [Row.of("lift in ranks", name, engine, values) for engine, values in lift.items()]
    return rows


def place(engine: str, evidence: Evidence, item: int) -> int:
    mean = engine_named(engine).fit(evidence).mean
    return int((mean > mean[item]).sum())


def table(rows: list[Row]) -> str:
    lines = []
    for name in dict.fromkeys(row.table for row in rows):
        chosen = [row for row in rows if row.table == name]
        engines = list(dict.fromkeys(row.engine for row in chosen))
        digits = 1 if name.startswith("lift") else 3
        lines += ["", f"{name:<30}" + "".join(f"{engine:>18}" for engine in engines)]
        for case in dict.fromkeys(row.case for row in chosen):
            found = {row.engine: row for row in chosen if row.case == case}
            cells = (f"{found[engine].mean:.{digits}f} ± {found[engine].error:.{digits}f}" for engine in engines)
            lines.append(f"{case:<30}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines[1:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=24, help="simulations of each row (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds must be at least 2, for a standard error, not {options.seeds}")
    begin = time.perf_counter()

    def say(case: str) -> None:
        print(f"{time.perf_counter() - begin:6.1f} s  {case}", file=sys.stderr)

    rows = board_rows(options.seeds, say) + bloc_rows(options.seeds, say)
    if options.json:
        print(json.dumps({"seeds": options.seeds, "rows": [vars(row) for row in rows]}))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
