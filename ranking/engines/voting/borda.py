"""Borda: the average share of the other contestants on a ballot that one is placed above.

score_a = sum over ballots with a of w (above + (tied + not observed) / 2) / (K - 1), divided by the sum of w. An order
that was not observed is averaged over: every order it may have is as likely as any other, which is half a point each.
So a score is a share in [0, 1], ballots of every length count alike, and where all rank everybody it is the Borda
count divided by its maximum. All-bad ballots and ballots that rank nothing give no points.

Intervals, Gaussian with full covariance: "ballots" (default), taken as independent, or "voters", whose ballots are not:

    covariance = N^-1 (G / (G - 1) sum_c r_c r_c^T + D) N^-1,

with r_c the summed differences of shares from scores in cluster c, G clusters, N = diag(weight + 2) and
D = diag(score^2 + (1 - score)^2): as if two more ballots, a first and a last place, had been cast, so that a
contestant that came first on its only ballots is not taken to be sure of it (compare Agresti and Coull 1998). A ballot
of weight w is w ballots.

Sources: Borda 1784; averaging over unobserved orders: Emerson 2013 discusses the alternatives. Cost: K^2 a ballot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.fit import Fit

Floats = NDArray[np.float64]

NAME = "borda"
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
    points = np.bincount(evidence.slots, given * shares, count)
    mean = np.divide(points, weight, out=np.full(count, 0.5), where=weight > 0)
    covariance = None
    if intervals != "none":
        residual = shares - mean[evidence.slots]
        covariance = _covariance(evidence, residual, weight, mean, by_voter=intervals == "voters")
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
        unit="score",
    )


def _covariance(evidence: Evidence, residual: Floats, weight: Floats, mean: Floats, *, by_voter: bool) -> Floats:
    from ranking.engines.voting import loops

    cluster = np.arange(len(evidence), dtype=np.int64)
    if by_voter:
        stated = evidence.voters.index != UNSTATED
        cluster = np.where(stated, evidence.voters.index, len(evidence.voters.names) + cluster)
    ranked = np.flatnonzero(evidence.informative())
    chosen = ranked[np.argsort(cluster[ranked], kind="stable")]
    outer = np.zeros((len(mean), len(mean)))
    clusters = loops.residual_outer(
        evidence.offsets, evidence.slots, residual, evidence.weight, chosen, cluster, not by_voter, outer
    )
    units = float(clusters) if by_voter else float(evidence.weight[ranked].sum())
    if units > 1:
        outer *= units / (units - 1)
    outer[np.diag_indices_from(outer)] += mean**2 + (1 - mean) ** 2
    return np.asarray(outer / np.outer(weight + 2, weight + 2))


def _warnings(evidence: Evidence, weight: Floats, hidden: int) -> list[str]:
    found = []
    alone = np.flatnonzero(weight == 0).tolist()
    if alone:
        found.append(f"{notes.names(evidence.items, alone)}: on no ballot that ranks, shown with a score of one half")
    if hidden:
        found.append(f"{hidden} pairs shown on ranked ballots have no observed order and count half a point each way")
    return [*found, *notes.general(evidence)]
