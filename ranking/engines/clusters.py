"""Intervals of the default engine that do not believe the model: the sandwich, over ballots or over voters.

With A the information of the posterior (H + I / s^2, and rows for the effects of covariates) at the mode, g_c the
score of cluster c and G clusters,

    covariance = A^-1 (G / (G - 1) sum_c g_c g_c^T + P) A^-1,    P the prior's part of A.

The prior belongs in the middle: it is a fact about contestants, not about ballots, and without it a contestant nobody
compared would seem to be known exactly. Where the model holds the middle is A on average, and the whole is A^-1.
"sandwich" takes ballots to be independent (weight w: w equal clusters), "clustered" voters: ballots of one voter may
say the same thing over and over. G / (G - 1) is the whole correction for few clusters; with fewer than `FEW` voters
intervals are still too narrow, and a warning says so. A learned prior adds what it adds to the model's posterior.

Sources: Huber 1967, White 1982, Liang and Zeger 1986; few clusters: Cameron and Miller 2015. Cost: a pass over the
ballots, then for each cluster the square of the number of contestants it touches.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ranking.engines import kernels
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.fit import apart, posterior_root, semidefinite_root

Floats = NDArray[np.float64]
Intervals = Literal["model", "sandwich", "clustered"]

INTERVALS = ("model", "sandwich", "clustered")
FEW = 30  # voters


def sandwich(
    evidence: Evidence,
    scores: Floats,
    extra: Floats,
    information: Floats,
    prior: Floats,
    *,
    by_voter: bool,
) -> Floats:
    """The covariance (P, P) above, strengths less their average, before any learned prior's part.

    `scores` (S) and `extra` (B, C) are the ballots' scores by strength and by other parameters; `information` (P, P)
    is that of the ballots alone, P = M + C, and `prior` (P) the precisions. Raises `FitError` below two clusters.
    """
    informative = np.flatnonzero(evidence.informative())
    cluster = voters(evidence) if by_voter else np.arange(len(evidence))
    chosen = informative[np.argsort(cluster[informative], kind="stable")]
    outer = np.zeros_like(information)
    found = kernels.cluster_outer(
        evidence.offsets, evidence.slots, scores, extra, evidence.weight, chosen, cluster, not by_voter, outer
    )
    count = float(found) if by_voter else float(evidence.weight[informative].sum())
    if count < 2:
        noun = "voter" if by_voter else "ballot"
        raise FitError(f"intervals over {noun}s need at least two {noun}s that rank something, there is {count:g}")
    root = posterior_root(information, prior)
    bread = apart(root, len(evidence.items)) @ root.T
    middle = np.column_stack([semidefinite_root(outer * (count / (count - 1))), np.diag(np.sqrt(prior))])
    half = bread @ middle
    return np.asarray(half @ half.T)


def voters(evidence: Evidence) -> NDArray[np.int64]:
    """int64[B]: a number for the voter of each ballot; a ballot that states no voter is a voter of its own."""
    found = evidence.voters.index.astype(np.int64)
    unstated = found == UNSTATED
    found[unstated] = len(evidence.voters.names) + np.arange(unstated.sum())
    return found


def voter_notes(evidence: Evidence) -> list[str]:
    """What to know about intervals by voter on this evidence."""
    index = evidence.voters.index[evidence.informative()]
    unstated = int((index == UNSTATED).sum())
    count = len(np.unique(index[index != UNSTATED])) + unstated
    found = []
    if unstated:
        found.append(f"{unstated} ballots state no voter; each counts as a voter of its own")
    if count < FEW:
        found.append(f"intervals by voter from only {count} voters are too narrow")
    return found
