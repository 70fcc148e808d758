"""Borda: the average share of the other contestants on a ballot that one is placed above.

score_a = sum over ballots with a of w (above + (tied + not observed) / 2) / (K - 1), divided by the sum of w. An order
that was not observed is averaged over: every order it may have is as likely as any other, which is half a point each.
So a score is a share in [0, 1], ballots of every length count alike, and where all rank everybody it is the Borda
count divided by its maximum. All-bad ballots and ballots that rank nothing give no points.

Intervals: "ballots" (default), taken as independent, "voters", whose ballots are not, or "none". They are those of the
Bayesian bootstrap (Rubin 1981) over ballots, or over voters, with two more ballots (of the weight of a typical voter)
in which each contestant is once first and once last: a contestant that came first on its only ballot may still be no
better than the others. So the centre m of an interval is the score drawn towards one half, and

    V_ab = sum_c r_ca r_cb / sqrt(N_a (N_a + 1) N_b (N_b + 1)),

with r_c the summed differences of shares from m in cluster c, the two more included, and N = weight + 2 (all in units
of one ballot or typical voter). Draws have Beta margins with mean m and variance V, so they stay in [0, 1], and the
correlations of V by a Gaussian copula: the shares of a pair always add up to one. For two contestants and n ballots of
which one won k the draws are exactly those of Beta(k + 1, n - k + 1). A score of 0 or 1 is an end that no interval
reaches. A ballot of weight w is w ballots.

Sources: Borda 1784; averaging over unobserved orders: Emerson 2013 discusses the alternatives. Cost: K^2 a
ballot, M^3 and a microsecond a draw of a contestant (`SAMPLES` draws).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.fit import Fit, semidefinite_root

Floats = NDArray[np.float64]

NAME = "borda"
SAMPLES = 2_048  # a power of two: a Sobol sequence is then even in every direction, and a pair's draws all but exact
SEED = 20_020
LEAST = 2.0  # ballots that a margin is worth: those of the two more alone, also where one voter cast most of all
GAUSSIAN = 1e5  # from as many wins and losses on, a Beta distribution is a Gaussian to a three-hundredth of its sd
INTERVALS = ("ballots", "voters", "none")


def fit(evidence: Evidence, *, intervals: str = "ballots") -> Fit:
    """The scores. Raises `FitError` for unknown intervals and evidence in which no ballot ranks anything."""
    from ranking.engines.voting import loops

    if intervals not in INTERVALS:
        raise FitError(f"intervals must be one of {', '.join(INTERVALS)}, not {intervals!r}")
    ranked = evidence.informative()
    if not ranked.any():
        raise FitError(f"{NAME} needs a ballot that ranks something; none of {len(evidence)} does")
    shares = np.zeros(len(evidence.slots))
    hidden = int(loops.borda_shares(evidence.offsets, evidence.ranks, shares))
    sizes = np.diff(evidence.offsets)
    given = np.repeat(np.where(ranked, evidence.weight, 0.0), sizes)
    count = len(evidence.items)
    weight: Floats = np.bincount(evidence.slots, given, count).astype(np.float64)
    points: Floats = np.bincount(evidence.slots, given * shares, count).astype(np.float64)
    mean = np.divide(points, weight, out=np.full(count, 0.5), where=weight > 0)
    covariance = draws = None
    if intervals != "none":
        centre, covariance = _posterior(evidence, shares, points, weight, by_voter=intervals == "voters")
        draws = _draws(centre, covariance)
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=covariance,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"intervals": intervals},
        converged=True,
        iterations=0,
        warnings=tuple(_warnings(evidence, weight, hidden)),
        draws=draws,
        unit="score",
    )


def _posterior(
    evidence: Evidence, shares: Floats, points: Floats, weight: Floats, *, by_voter: bool
) -> tuple[Floats, Floats]:
    """The centre m (M) and the covariance V (M, M)."""
    from ranking.engines.voting import loops

    cluster = np.arange(len(evidence), dtype=np.int64)
    if by_voter:
        stated = evidence.voters.index != UNSTATED
        cluster = np.where(stated, evidence.voters.index, len(evidence.voters.names) + cluster)
    ranked = np.flatnonzero(evidence.informative())
    chosen = ranked[np.argsort(cluster[ranked], kind="stable")]
    unit = float(evidence.weight[ranked].sum()) / len(np.unique(cluster[ranked])) if by_voter else 1.0
    total = weight / unit + 2
    centre = (points / unit + 1) / total
    residual = shares - centre[evidence.slots]
    outer = _two_more(centre)
    loops.residual_outer(
        evidence.offsets, evidence.slots, residual, evidence.weight / unit, chosen, cluster, not by_voter, outer
    )
    scale = np.sqrt(total * (total + 1))
    return centre, np.asarray(outer / np.outer(scale, scale))


def _two_more(centre: Floats) -> Floats:
    """What a first and a last place for each add to the sums: 2 ((1/2 - m) (1/2 - m)^T + C); the rows of C sum to 0."""
    count = len(centre)
    spread = np.full((count, count), -0.25 / max(count - 1, 1))
    spread[np.diag_indices(count)] = 0.25
    return np.asarray(2 * (np.outer(0.5 - centre, 0.5 - centre) + spread))


def _draws(centre: Floats, covariance: Floats) -> Floats:
    """float64[SAMPLES, M]: Beta margins of these means and variances, joined by a Gaussian copula."""
    from scipy.stats.qmc import Sobol  # takes half a second to load

    variance = np.diag(covariance)
    sd = np.sqrt(variance)
    root = semidefinite_root(covariance / np.outer(sd, sd))
    even = Sobol(len(centre), rng=SEED).random(SAMPLES)
    normal = ndtri(even) @ root.T
    counts = np.maximum(centre * (1 - centre) / variance - 1, LEAST)
    above, below = centre * counts, (1 - centre) * counts
    found = np.clip(centre + sd * normal, 0.0, 1.0)
    curved = np.minimum(above, below) < GAUSSIAN
    found[:, curved] = betaincinv(above[curved], below[curved], ndtr(normal[:, curved]))
    return np.asarray(found)


def _warnings(evidence: Evidence, weight: Floats, hidden: int) -> list[str]:
    found = []
    alone = np.flatnonzero(weight == 0).tolist()
    if alone:
        found.append(f"{notes.names(evidence.items, alone)}: on no ballot that ranks, shown with a score of one half")
    if hidden:
        found.append(f"{hidden} pairs shown on ranked ballots have no observed order and count half a point each way")
    return [*found, *notes.general(evidence)]
