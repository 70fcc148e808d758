"""Thurstone, case V: normal perceptions with equal spread.

Model. Each time contestant i is looked at it makes an impression N(theta_i, 1/2), independent of all others, and the
stronger impression wins: P(a beats b) = Phi(theta_a - theta_b). Strengths are in probits (units of the standard
deviation of a difference of impressions, about 0.6 of a logit), centred at zero; there is no Elo scale for them.

A tie is half a win each way; longer ballots are broken into their observed pairs. Prior theta ~ N(0, s^2 I), s (in
probits) given or learned (method "map", the default), or none (method "ml", which exists exactly where the estimate of
`bradley_terry` does).

Source: Thurstone 1927, "A law of comparative judgment"; maximum likelihood instead of averaged normal quantiles.
Intervals and errors: see `strengths`. Cost: that of `bradley_terry`.
"""

from __future__ import annotations

import numpy as np

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.links import Probit
from ranking.engines.pairwise.strengths import Options, fit_link

NAME = "thurstone"


def fit(
    evidence: Evidence,
    *,
    prior_sd: float | None = None,
    method: str = "map",
    intervals: str = "model",
    samples: int = resampling.SAMPLES,
    rng: np.random.Generator | int | None = None,
    start: Fit | None = None,
) -> Fit:
    """Fit strengths in probits; options and errors as in `bradley_terry.fit`."""
    options = Options(prior_sd, method, intervals, samples, rng, start)
    return fit_link(NAME, Probit(), "score", evidence, options)
