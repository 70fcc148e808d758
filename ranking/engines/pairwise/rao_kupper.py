"""Rao-Kupper: Bradley-Terry with ties where the difference stays below a threshold.

Model. With pi = exp theta and a threshold Theta >= 1, P(a beats b) = pi_a / (pi_a + Theta pi_b), and a tie has what
both leave: (Theta^2 - 1) P(a beats b) P(b beats a). A voter who perceives the difference theta_a - theta_b with
logistic noise calls a tie when it lies within log Theta of zero. Two equals tie with probability
(Theta - 1) / (Theta + 1).
Strengths in logits, centred at zero; a probability of winning computed from this fit leaves the threshold out.

Longer ballots are broken into their observed pairs; equal ranks are ties.

Prior theta ~ N(0, s^2 I), s given or learned, and for Theta a prior worth one ballot between equals, half tied and half
decided (method "map", the default); or none (method "ml", refused where the estimate does not exist, see
`bradley_terry`; without any tie Theta = 1). `parameters` has Theta as `tie_parameter` with its standard deviation
(delta method from log Theta) and `tie_probability`, that of two equals.

Source: Rao and Kupper 1967, "Ties in paired-comparison experiments: a generalization of the Bradley-Terry model".
Intervals and errors: see `strengths`. Cost: that of `davidson`.
"""

from __future__ import annotations

import numpy as np

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.links import RaoKupper
from ranking.engines.pairwise.strengths import Options, fit_link

NAME = "rao-kupper"


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
    """Fit strengths and threshold; options and errors as in `bradley_terry.fit`."""
    options = Options(prior_sd, method, intervals, samples, rng, start)
    return fit_link(NAME, RaoKupper(), "logit", evidence, options)
