"""Other people's ways to rank, as they would be run: engine, policy and ballot together.

elo            Elo on random pairs, at the best of `K_FACTORS`
bradley-terry  a batch fit of random pairs
ksort          K-Sort as printed: its update, its policy, rankings of K; the best of both ways to choose a pivot, which
               the paper leaves open
ksort-deployed K-Sort with the update of its evaluation program, the same
ksort-tuned    K-Sort as printed at its best beta, which the paper leaves open too, with random pivots
openskill, trueskill   the packages at their defaults, on random sets of K

Best is who stays at tau 0.9 first, else the highest tau at the end, judged by the same trials that are reported: in the
peer's favour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ranking.engines.laboratory.ballots import Form
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.findings import Finding
from ranking.engines.laboratory.naming import Named
from ranking.engines.laboratory.trial import Setup
from ranking.engines.matchmaking.choosing import NO_RULES
from ranking.engines.sequential.trueskill import BETA

K_FACTORS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # points
BETAS = tuple(BETA * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0))  # points
_UNIFORM = (Named("uniform"),)
_KSORT = tuple(Named("ksort", (("pivot", pivot),)) for pivot in ("least-shown", "random"))
_ON_SETS = {
    "ksort": ((Named("ksort"),), _KSORT),
    "ksort-deployed": ((Named("ksort-deployed"),), _KSORT),
    "ksort-tuned": (tuple(Named("ksort", (("beta", beta),)) for beta in BETAS), _KSORT[1:]),
    "openskill": ((Named("openskill-package"),), _UNIFORM),
    "trueskill": ((Named("trueskill-package"),), _UNIFORM),
}
PEERS = ("elo", "bradley-terry", *_ON_SETS)


def setups(name: str, like: Setup) -> list[Setup]:
    """The setups of a peer for the contestants and voters of another one: several stand for the best of them."""
    if name not in PEERS:
        raise LaboratoryError(f"there is no peer {name!r}; there are: {', '.join(PEERS)}")
    if name in _ON_SETS:
        engines, policies = _ON_SETS[name]
        return [
            replace(like, engine=engine, policy=policy, rules=NO_RULES) for engine in engines for policy in policies
        ]
    form = Form("ties" if like.form.name == "ties" else "pair", 2, like.form.threshold)
    pairs = replace(like, form=form, policy=_UNIFORM[0], rules=NO_RULES)
    if name == "bradley-terry":
        return [replace(pairs, engine=Named("bradley-terry"), step=max(like.step, 1.1))]
    return [replace(pairs, engine=Named("elo", (("k_factor", factor),))) for factor in K_FACTORS]


def best(findings: Sequence[Finding], level: str = "tau_0.9") -> int:
    """The index of the one whose mean curve stays above `level` first, else has the highest mean tau at the end."""

    def worth(index: int) -> tuple[float, float]:
        reached = findings[index].until[level].mean_curve
        return (float("-inf") if reached is None else -reached, float(findings[index].tau["mean"][-1]))

    return max(range(len(findings)), key=worth)


def said(setups: Sequence[Setup], index: int) -> str:
    """One of the setups of a peer in words: what it does not share with all the others."""
    chosen = setups[index]
    parts = [str(chosen.engine)] if len({setup.engine for setup in setups}) > 1 else []
    if len({setup.policy for setup in setups}) > 1:
        parts.append(str(chosen.policy))
    return " / ".join(parts)
