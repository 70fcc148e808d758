"""What to know before believing a leaderboard: links, calibration, who decides first place, cycles.

One fit of the default engine, then `connections`, `held_out`, `influence` and `cycles`, each documented in its module.
What cannot be judged on these ballots says so instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ranking.engines import plackett_luce
from ranking.engines.connections import connections
from ranking.engines.cycles import REPLICATES, Cycles, cycles
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.held_out import HeldOut, held_out
from ranking.engines.influence import Influence, influence


def diagnose(
    evidence: Evidence, *, prior_sd: float | None = None, replicates: int = REPLICATES, unit: str = "voter"
) -> dict[str, Any]:
    """Everything as plain JSON values; a part that cannot be judged is `{"refused": why}`.

    `unit` is what cross-validation keeps together, `replicates` those of the test for cycles. The same evidence gives
    the same answer. Raises `FitError` for evidence without items and options out of range.
    """
    fit = plackett_luce.fit(evidence, prior_sd=prior_sd)
    options = {"prior_sd": prior_sd}
    return {
        "engine": fit.engine,
        "ballots": len(evidence),
        "contestants": len(evidence.items),
        "log_likelihood": fit.parameters["log_likelihood"],
        "connections": connections(evidence).as_dict(),
        "held_out": _asked(lambda: held_out(evidence, fit.engine, unit=unit, options=options)),
        "influence": {
            "drop": _asked(lambda: influence(evidence, fit, how="drop")),
            "reverse": _asked(lambda: influence(evidence, fit, how="reverse")),
        },
        "cycles": _asked(lambda: cycles(evidence, fit, replicates=replicates)),
        "warnings": list(fit.warnings),
    }


def _asked(question: Callable[[], HeldOut | Influence | Cycles]) -> dict[str, Any]:
    try:
        return question().as_dict()
    except FitError as refusal:
        return {"refused": str(refusal)}


def text(found: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [f"{found['engine']} on {found['ballots']} ballots of {found['contestants']} contestants", "", "Links"]
    lines += [f"  {sentence}" for sentence in found["connections"]["sentences"]]
    lines += ["", "Held-out ballots", *_held_out(found["held_out"]), "", "First place"]
    lines += [f"  {part.get('sentence') or part['refused']}" for part in found["influence"].values()]
    lines += ["", "Cycles", *_cycles(found["cycles"])]
    if found["warnings"]:
        lines += ["", *(f"note: {warning}" for warning in found["warnings"])]
    return "\n".join(lines)


def _held_out(part: Mapping[str, Any]) -> list[str]:
    if "refused" in part:
        return [f"  {part['refused']}"]
    brier, logs, accuracy = (part[name] for name in ("brier", "log_score", "accuracy"))
    lines = [
        f"  {part['folds']} folds by {part['unit']}, {part['pairs']:g} pairs",
        f"  Brier score {brier['value']:.4f} ± {brier['error']:.4f} (a coin 0.2500),"
        f" log score {logs['value']:.4f} ± {logs['error']:.4f} (a coin 0.6931),"
        f" right {100 * accuracy['value']:.1f} ± {100 * accuracy['error']:.1f} %",
        "  favourite given   predicted   won    95 % interval    pairs",
    ]
    for row in part["bins"]:
        off = not row["observed_low"] <= row["predicted"] <= row["observed_high"]
        lines.append(
            f"  {row['low']:.2f} to {row['high']:.2f}       {row['predicted']:.3f}     {row['observed']:.3f}"
            f"  {row['observed_low']:.3f} to {row['observed_high']:.3f}  {row['pairs']:g}{'  off' if off else ''}"
        )
    return lines


def _cycles(part: Mapping[str, Any]) -> list[str]:
    if "refused" in part:
        return [f"  {part['refused']}"]
    lines = [f"  {part['sentence']}"]
    for triad in part["worst"][:3]:
        shares = ", ".join(
            f"{observed:.2f} ({expected:.2f} expected)"
            for observed, expected in zip(triad["observed"], triad["expected"], strict=True)
        )
        p = "" if triad["p_value"] is None else f", p = {triad['p_value']:.3g}"
        lines.append(f"  {' over '.join((*triad['items'], triad['items'][0]))}: won {shares}{p}")
    return lines
