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
    digits = 0 if found["parameters"]["scale"] == "elo" else 3
    interval = f"{100 * found['parameters']['level']:g} % interval"
    cells = [("rank", "contestant", "rating", interval, "P(best)", "ballots")]
    cells += [_cells(row, digits) for row in found["standings"]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(_placed(row, widths)) for row in cells]
    end = "converged" if found["converged"] else "NOT CONVERGED"
    lines.append(f"{found['engine']}, {found['ballots']} ballots, {end} after {found['iterations']} iterations")
    lines += [f"note: {printable(warning)}" for warning in found["warnings"]]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any], digits: int) -> tuple[str, str, str, str, str, str]:
    place = str(row["rank"])
    if row["rank_low"] is not None:
        place += f" ({row['rank_low']}-{row['rank_high']})"
    interval = "" if row["low"] is None else f"{row['low']:.{digits}f} to {row['high']:.{digits}f}"
    best = "" if row["p_best"] is None else f"{row['p_best']:.3f}"
    return place, printable(row["item"]), f"{row['mean']:.{digits}f}", interval, best, str(row["ballots"])


def printable(text: str) -> str:
    """Escapes for line ends and control characters: names are anybody's, and terminals obey them."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _placed(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [
        cell.ljust(width) if column == 1 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
