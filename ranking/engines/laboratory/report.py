"""The outcome of an experiment as an object for programs and as a table for people. The object: docs/reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ranking.engines.laboratory.findings import Crossing, Finding, Spread
from ranking.engines.laboratory.trial import Setup

VERSION = 1


@dataclass(frozen=True, eq=False)
class Run:
    """One line of the report; `tried` is how many setups it is the best of."""

    name: str
    setup: Setup
    finding: Finding
    tried: int = 1


def as_dict(runs: Sequence[Run], seeds: Sequence[int]) -> dict[str, Any]:
    setup = runs[0].setup
    return {
        "version": VERSION,
        "contestants": asdict(setup.contestants),
        "voters": asdict(setup.electorate),
        "ballots": setup.ballots,
        "seeds": list(seeds),
        "runs": [_run(run) for run in runs],
    }


def _run(run: Run) -> dict[str, Any]:
    setup = run.setup
    return {
        "name": run.name,
        "engine": str(setup.engine),
        "policy": str(setup.policy),
        "rules": {**asdict(setup.rules), "ceiling": _finite(setup.rules.ceiling)},
        "form": asdict(setup.form),
        "best_of": run.tried,
        **run.finding.as_dict(),
        "calls": _calls(run),
    }


def _calls(run: Run) -> dict[str, int | None]:
    """Outputs shown until the order is right for good: ballots times K, where every output is a call to a model."""
    exact, size = run.finding.until["exact"], run.setup.form.size
    quartiles = {"low": exact.low, "median": exact.median, "high": exact.high}
    return {name: None if value is None else value * size for name, value in quartiles.items()}


def _finite(value: float) -> float | None:
    return None if value == float("inf") else value


def table(runs: Sequence[Run], seeds: Sequence[int]) -> str:
    """Means at the end and, for ballots until something holds, the mean curve or the median and quartiles."""
    setup = runs[0].setup
    width = max(len(run.name) for run in runs)
    heads = ("K", "tau", "top 1", "top 5", "RMSE", "covered", "tau 0.9 from", "tau 0.95 from", "exact from (quartiles)")
    widths = (2, 6, 6, 6, 6, 8, 13, 14, 24)
    lines = [
        f"{setup.contestants.count} contestants ({setup.contestants.shape}, spread {setup.contestants.spread:g}),"
        f" {setup.electorate.kind} voters, {setup.ballots:,} ballots, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}",
        "",
        " " * width + _padded(heads, widths),
    ]
    for run in runs:
        final, until = run.finding.final, run.finding.until
        cells = (
            str(run.setup.form.size), _mean(final["tau"]), _mean(final["top_1"]), _mean(final["top_5"]),
            _mean(final["rmse"]), _mean(final["covered_ranks"]), _ballots(until["tau_0.9"].mean_curve),
            _ballots(until["tau_0.95"].mean_curve), _with_quartiles(until["exact"]),
        )  # fmt: skip
        lines.append(f"{run.name:<{width}}" + _padded(cells, widths))
        if run.finding.placed:
            errors = ", ".join(f"{error:.1f} after {count}" for count, error in run.finding.placed.items())
            lines.append(f"{'':<{width}}  newcomers, mean rank error by ballots with them: {errors}")
    return "\n".join(lines)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell:>{size + 1}}" for cell, size in zip(cells, widths, strict=True))


def _mean(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.mean:.3f}"


def _ballots(value: int | None) -> str:
    return "never" if value is None else f"{value:,}"


def _with_quartiles(crossing: Crossing) -> str:
    if crossing.median is None:
        return "never"
    return f"{_ballots(crossing.median)} ({_ballots(crossing.low)}-{_ballots(crossing.high)})"
