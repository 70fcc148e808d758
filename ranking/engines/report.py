"""The standings object that programs read, and the same as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ranking.engines.fit import Fit
from ranking.engines.standings import Standing


def report(fit: Fit, rows: Sequence[Standing], level: float, scale: str, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Engine, parameters, standings best first and warnings, as plain JSON values.

    Its keys are a contract with other programs: `fit --json` and `manage.py leaderboard --json` print it.
    """
    return {
        "engine": fit.engine,
        "parameters": {**fit.parameters, "level": level, "scale": scale},
        "converged": fit.converged,
        "iterations": fit.iterations,
        "ballots": fit.ballots,
        "standings": [row.as_dict() for row in rows],
        "warnings": [*fit.warnings, *notes],
    }


def table(found: Mapping[str, Any]) -> str:
    """A report as text. The rank interval comes first: it is the calibrated one."""
    rows = found["standings"]
    level = found["parameters"]["level"]
    digits = 0 if found["parameters"]["scale"] == "elo" else 3
    width = max(10, *(len(row["item"]) for row in rows))
    interval = f"{100 * level:g} % interval"
    lines = [f"{'rank':>9}  {'contestant':<{width}}  {'rating':>8}  {interval:>19}  {'P(best)':>7}  {'ballots':>8}"]
    lines += [_line(row, width, digits) for row in rows]
    end = "converged" if found["converged"] else "NOT CONVERGED"
    lines.append(f"{found['engine']}, {found['ballots']} ballots, {end} after {found['iterations']} iterations")
    lines += [f"note: {warning}" for warning in found["warnings"]]
    return "\n".join(lines)


def _line(row: Mapping[str, Any], width: int, digits: int) -> str:
    place = str(row["rank"])
    if row["rank_low"] is not None:
        place += f" ({row['rank_low']}-{row['rank_high']})"
    interval = "" if row["low"] is None else f"{row['low']:.{digits}f} to {row['high']:.{digits}f}"
    best = "" if row["p_best"] is None else f"{row['p_best']:.3f}"
    return (
        f"{place:>9}  {row['item']:<{width}}  {row['mean']:>8.{digits}f}  {interval:>19}  {best:>7}  {row['ballots']:>8}"
    )
