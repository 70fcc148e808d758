"""TrueSkill for single players: Gaussian beliefs about skills, updated ballot by ballot by message passing.

Model. Contestant i has the skill s_i ~ N(mu_i, sigma_i^2), at the start N(25, sigma^2), and performs on a ballot at
N(s_i, beta^2). Neighbours on a ballot tie when their performances are within epsilon, otherwise the better one is ahead
by more than that; epsilon = Phi^-1((1 + d) / 2) sqrt(2) beta for a probability d of a tie between equals. A chain of
neighbours is all a ranking says; an unknown contestant lies below the last of the top and above the first of the
bottom, so that best-of-K is K - 1 comparisons with the winner. A tie of three is a chain of two ties, in the order of
the ballot's slots.

The belief after a ballot is the Gaussian that expectation propagation finds, kept as a mean and a variance for each
contestant. Correlations are forgotten: reported is a diagonal covariance, and intervals of differences are too wide or
too narrow accordingly. Before each ballot skills may drift by N(0, tau^2); the default is none, contestants do not
change. The result depends on the order of the ballots, much less than Elo's.

Options: sigma, beta, tau in points; `draw_probability` d, by default the share of ties among neighbours. A ballot of
weight w counts w times in a row, a fraction with its message to that power. Scores are points, `unit` "score".

Source: Herbrich, Minka and Graepel 2007, "TrueSkill: a Bayesian skill rating system", whose scale (25, 25/3, 25/6) is
the default. Errors: `FitError` for senseless options, ties with d = 0, no ballot that ranks. Cost: two seconds for a
million four-way ballots.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.ranges import between
from ranking.engines.sequential.schedule import DEPENDENCE, checked, schedule

Floats = NDArray[np.float64]

NAME = "trueskill"
MU = 25.0  # points; any number, differences alone matter
SIGMA = MU / 3
BETA = MU / 6
LEAST_CHANCE = 1e-6  # of a tie, where there are ties: below, the inverse normal has no digits left
TOLERANCE = 1e-9  # points, of the difference of two performances in one sweep


def fit(
    evidence: Evidence,
    *,
    sigma: float = SIGMA,
    beta: float = BETA,
    tau: float = 0.0,
    draw_probability: float | None = None,
) -> Fit:
    """The beliefs after all ballots, in the order given."""
    from ranking.engines.sequential import loops

    checked("sigma", sigma)
    checked("beta", beta)
    checked("tau", tau, zero=True)
    order, amount = schedule(evidence)
    tied, every = loops.count_constraints(evidence.offsets, evidence.ranks, evidence.weight)
    chance = tied / every if draw_probability is None else _given_chance(draw_probability)
    margin = _margin(chance, beta, tied)
    mean, variance = np.full(len(evidence.items), MU), np.full(len(evidence.items), sigma**2)
    unsettled = loops.trueskill(
        evidence.offsets, evidence.slots, evidence.ranks, order, amount, beta, tau, margin, TOLERANCE, mean, variance
    )
    found = [DEPENDENCE]
    if unsettled:
        found.append(f"message passing did not converge on {unsettled} of {len(order)} updates")
    alone = np.flatnonzero(np.bincount(evidence.slots[_known(evidence)], minlength=len(mean)) == 0).tolist()
    if alone:
        found.append(f"{notes.names(evidence.items, alone)}: on no ballot that ranks, shown as at the start")
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=np.diag(variance),
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={"sigma": sigma, "beta": beta, "tau": tau, "draw_probability": float(chance)},
        converged=not unsettled,
        iterations=len(order),
        warnings=(*found, *notes.general(evidence)),
        unit="score",
    )


def _known(evidence: Evidence) -> NDArray[np.bool_]:
    """Places on ballots that rank something."""
    return np.repeat(evidence.informative(), np.diff(evidence.offsets))


def _given_chance(chance: float) -> float:
    return 0.0 if chance == 0 else between("draw_probability, if not 0,", chance, (LEAST_CHANCE, 1.0))


def _margin(chance: float, beta: float, tied: float) -> float:
    if chance == 0 and tied:
        raise FitError("there are ties, so draw_probability must be above 0")
    least = LEAST_CHANCE if tied else 0.0
    inner = min(max(chance, least), 1 - LEAST_CHANCE)  # the margin of a certain tie is infinite, of none at all 0
    return NormalDist().inv_cdf((1 + inner) / 2) * math.sqrt(2) * beta
