"""Davidson: Bradley-Terry with ties, whose chance is highest between equals.

Model. With pi = exp theta and a tie prevalence nu >= 0, P(a beats b) : P(b beats a) : P(tie) = pi_a : pi_b :
nu sqrt(pi_a pi_b). Two equals tie with probability nu / (2 + nu). Given that a ballot is decided it is Bradley-Terry,
and that is what a probability of winning computed from this fit means. Strengths in logits, centred at zero.

Longer ballots are broken into their observed pairs; equal ranks are ties. For balanced designs the order is that of
two points for a win and one for a tie.

Prior theta ~ N(0, s^2 I), s given or learned, and for nu a prior worth one ballot between equals, half tied and half
decided (method "map", the default); or none (method "ml", refused where the estimate does not exist, see
`bradley_terry`; without any tie nu = 0). `parameters` has nu as `tie_parameter` with its standard deviation (delta
method from log nu) and `tie_probability`, that of two equals.

Source: Davidson 1970, "On extending the Bradley-Terry model to accommodate ties in paired comparison experiments".
Intervals and errors: see `strengths`. Cost: that of `bradley_terry` times the some five steps in which nu is found.
"""

from __future__ import annotations

import numpy as np

from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.links import Davidson
from ranking.engines.pairwise.strengths import Options, fit_link

NAME = "davidson"


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
    """Fit strengths and tie prevalence; options and errors as in `bradley_terry.fit`."""
    options = Options(prior_sd, method, intervals, samples, rng, start)
    return fit_link(NAME, Davidson(), "logit", evidence, options)
