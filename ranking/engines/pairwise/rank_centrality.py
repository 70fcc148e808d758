"""Rank centrality: how often a walker who moves to winners is found at each contestant.

Model. With a_ab = (wins of b over a + r) / (comparisons of a with b + 2 r) for each pair that was compared, a tie half
a win each way, the walker at a goes to b with probability a_ab / d, where d is the largest number of opponents that
anybody has, and otherwise stays. The stationary share pi estimates exp theta of Bradley-Terry up to a factor; reported
is log pi centred at zero, in logits. `pseudo` r (default 1) adds r wins each way to every compared pair, which pulls
pairs with few comparisons together; with r = 0 it is the original, which needs everybody to reach everybody by wins.

Refused where contestants or groups of them were never compared: no walk leads from one group to another. Stationary
shares are found by elimination without subtraction, so that tiny ones have full relative precision.

Intervals: "model" (default; each pair's share from its Beta posterior with r, or 1/2 where r = 0, wins each way before
the data), "bootstrap" over ballots, "clustered-bootstrap" over voters, "none"; see `resampling`.

Source: Negahban, Oh and Shah 2017, "Rank centrality: ranking from pairwise comparisons"; Grassmann, Taksar and Heyman
1985 (elimination). Cost: M^3 / 3 operations, and as much again for each of `samples` draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.pairs import Pairs, pair_notes, required
from ranking.engines.pairwise.solver import existence
from ranking.engines.ranges import between

Floats = NDArray[np.float64]

NAME = "rank-centrality"
PSEUDO = (1e-6, 1e6)  # wins, besides 0


def fit(
    evidence: Evidence,
    *,
    pseudo: float = 1.0,
    intervals: str = "model",
    samples: int = resampling.SAMPLES,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """The log stationary shares. Raises `FitError` for senseless options and evidence that no walk connects."""
    if pseudo != 0:
        pseudo = between("pseudo", pseudo, PSEUDO)
    pairs = required(evidence, NAME)
    missing = notes.links(evidence.items, pairs.terms())
    if missing:
        raise FitError(f"no walk connects the contestants: {missing[0].split(';')[0]}")
    reason = existence(evidence.items, pairs) if pseudo == 0 else None
    if reason is not None:
        raise FitError(f"the walk does not return everywhere ({reason}); use pseudo above 0")
    mean = log_shares(pairs, pseudo)
    dependence = "these intervals treat them as if they were; a bootstrap does not" if intervals == "model" else None
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=None,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"pseudo": pseudo, "intervals": intervals},
        converged=True,
        iterations=0,
        warnings=(
            *resampling.unused(intervals, samples, rng, drawn=intervals != "none"),
            *pair_notes(evidence, pairs, ties="count as half a win each way", dependence=dependence),
        ),
        draws=_draws(evidence, pseudo, intervals, samples, rng),
        unit="logit",
    )


def _draws(
    evidence: Evidence, pseudo: float, intervals: str, samples: int, rng: np.random.Generator | int | None
) -> Floats | None:
    """A Beta posterior has the pseudo wins in it already, a bootstrap replicate has not."""
    added = 0.0 if intervals == "model" else pseudo
    return resampling.draws(
        evidence,
        lambda drawn: log_shares(drawn, added),
        intervals=intervals,
        samples=samples,
        rng=rng,
        prior=pseudo or resampling.JEFFREYS,
    )


def log_shares(pairs: Pairs, pseudo: float) -> Floats:
    """log pi, centred; every item must be reachable from every other. Raises `FitError` where only just."""
    played = pairs.played
    rate = np.divide(pairs.halved.T + pseudo, played + 2 * pseudo, out=np.zeros_like(played), where=played > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.log(stationary(rate))
    if not np.isfinite(shares).all():
        raise FitError("some steps of the walk, or of a draw of it, are too rare to compute with; use a larger pseudo")
    return np.asarray(shares - shares.mean())


def stationary(rate: Floats) -> Floats:
    """Stationary shares of the chain that moves from a to b at `rate[a, b]`; the diagonal plays no role.

    States are removed one after the other, last first; a walk through a removed state becomes a direct one.
    """
    left = rate.copy()
    count = len(left)
    out = np.empty(count)
    for state in range(count - 1, 0, -1):
        out[state] = left[state, :state].sum()
        left[:state, :state] += np.outer(left[:state, state], left[state, :state] / out[state])
    shares = np.ones(count)
    for state in range(1, count):
        shares[state] = shares[:state] @ left[:state, state] / out[state]
        shares[: state + 1] /= shares[: state + 1].sum()
    return shares
