"""Bradley-Terry: the logistic model of pairs.

Model. P(a beats b) = exp theta_a / (exp theta_a + exp theta_b). A tie is half a win each way; longer ballots are
broken into their observed pairs. Strengths are in logits, centred at zero: theta (M), covariance (M, M).

Prior theta ~ N(0, s^2 I), s given or learned (method "map", the default), or none (method "ml"). The maximum-likelihood
estimate is finite if and only if, for every division of the contestants in two groups, somebody of each group once did
not lose to somebody of the other (Ford 1957); where it is not, "ml" is refused and "map" says so.

Intervals and errors: see `strengths`. On pair ballots with its default options the result is that of `plackett_luce`.

Sources: Zermelo 1929, Bradley and Terry 1952, Ford 1957; half wins for ties as in Springall 1973. Cost: one pass over
the pairs to count them, then a few passes over at most M (M - 1) / 2 counts and one M x M decomposition an iteration.
"""

from __future__ import annotations

import numpy as np

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.links import Logistic
from ranking.engines.pairwise.strengths import Options, fit_link

NAME = "bradley-terry"


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
    """Fit by "map" or "ml"; `rng` (a generator or a seed) and `samples` are for the bootstraps, `start` saves time.

    Raises `FitError` for options out of range, evidence without items, and "ml" without a finite estimate.
    """
    options = Options(prior_sd, method, intervals, samples, rng, start)
    return fit_link(NAME, Logistic(), "logit", evidence, options)
