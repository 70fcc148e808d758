"""Intervals that do not believe the model: the sandwich, over ballots or over voters.

With S the posterior covariance (H + I / s^2)^-1 of strengths and tie parameter at the mode, g_c the score of cluster
c (the sum over its observed pairs) and G clusters,

    covariance = S (G / (G - 1) sum_c g_c g_c^T + I / s^2) S.

The prior term belongs in the middle: the prior is a fact about contestants, not about ballots, and without it a
contestant that was never compared would seem to be known exactly. Where the model holds the middle is H + I / s^2 and
the whole is S. A ballot of weight w is w clusters of one ballot; with voters, its weight adds up within the voter.

Sources: Huber 1967, White 1982; Liang and Zeger 1986 (clusters). Cost: one pass over the pairs plus K^2 a ballot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.fit import apart, posterior_root, semidefinite_root
from ranking.engines.pairwise.likelihood import PairLikelihood

Floats = NDArray[np.float64]


def middle(
    evidence: Evidence, likelihood: PairLikelihood, theta: Floats, tau: float, *, by_voter: bool
) -> tuple[Floats, float]:
    """The sum over clusters of g g^T, (M + 1, M + 1) with the tie parameter last, and the number of clusters."""
    from ranking.engines.pairwise import loops

    count = len(theta)
    eta = theta[:, None] - theta[None, :]
    win = likelihood.link.win(eta, tau)
    tie = likelihood.link.tie(eta, tau) if likelihood.any_ties else win  # not read without ties
    outer = np.zeros((count + 1, count + 1))
    informative = np.flatnonzero(evidence.informative())
    if by_voter:
        cluster = evidence.voters.index.astype(np.int64)
        unstated = cluster == UNSTATED
        cluster[unstated] = -1 - np.arange(unstated.sum())
    else:
        cluster = np.arange(len(evidence), dtype=np.int64)
    chosen = informative[np.argsort(cluster[informative], kind="stable")]
    clusters = loops.score_outer(
        evidence.offsets, evidence.slots, evidence.ranks, evidence.weight, chosen, cluster, not by_voter,
        win.eta, tie.eta, win.tau, tie.tau, np.zeros(count + 1), outer,
    )  # fmt: skip
    units = float(clusters) if by_voter else float(evidence.weight[informative].sum())
    noun = "voter" if by_voter else "ballot"
    if units < 2:
        raise FitError(f"intervals over {noun}s need at least two {noun}s that rank something, there is {units:g}")
    return outer, units


def sandwich(information: Floats, precision: float, outer: Floats, clusters: float) -> Floats:
    """The covariance (M, M) of the strengths; `information` and `outer` are (M + 1, M + 1) with the tie parameter last.

    A tie parameter that is fixed has a zero row in both. Strengths are taken less their average; with precision 0 they
    are known up to a constant.
    """
    count = len(information) - 1
    bread = information.copy()
    if bread[-1, -1] == 0:
        bread[-1, -1] = 1.0
    if precision == 0:
        bread[:count, :count] += 1.0 / count
        half = apart(np.asarray(np.linalg.inv(bread), np.float64)[:count])
    else:
        own = bread[-1, -1] / 2  # stands for a prior of the tie parameter, as a unit to measure it in
        bread[-1, -1] -= own
        root = posterior_root(bread, np.append(np.full(count, precision), own))
        half = apart(root[:count]) @ root.T
    scores = semidefinite_root(outer * (clusters / (clusters - 1)))
    prior = np.diag(np.sqrt(np.append(np.full(count, precision), 0.0)))
    both = half @ np.column_stack([scores, prior])
    return np.asarray(both @ both.T)
