"""K-Sort: the rating update of K-Sort Arena, ballot by ballot.

Model. Contestant i has the capability theta_i ~ N(mu_i, sigma_i^2) and is perceived on a ballot at N(theta_i, beta^2).

variant="published" (default), equations 9 and 10 of the paper, all pairs of a ballot at once, from the beliefs before:

    mu_i      += sigma_i^2 (sum_{q below i} V(t_iq) / c_iq - sum_{q above i} V(t_qi) / c_iq)
    sigma_i^2 *= 1 - sigma_i^2 (sum_{q below i} W(t_iq) / c_iq^2 + sum_{q above i} W(t_qi) / c_iq^2)

with t_iq = (mu_i - mu_q) / c_iq, c_iq^2 = 2 beta^2 + sigma_i^2 + sigma_q^2, V = phi / Phi, W(t) = V(t) (V(t) + t).
It is the full-pair Thurstone-Mosteller update of Weng and Lin (2011) with their gamma at 1. Equation 10 is read as
summing where i is above q as equation 9 does; c is the sum over both contestants, as in the derivation of the paper's
appendix.

What differs from the paper, and what it leaves open:
- The factor of sigma^2 is negative when many pairs meet large sigma, on a first ballot of five already. It is kept at
  `least_factor` (default 0.1) or above, and `warnings` count how often.
- Ties are in neither sum, so they change nothing; they are counted in `warnings`. The same holds for unobserved pairs.
- No starting values are printed. They are those of TrueSkill, on whose scale the published boards are: mu = 25,
  sigma = 25/3, beta = 25/6; the options sigma and beta change them.

variant="deployed": the authors' later evaluation program (K-Sort Eval) reads the arena's board as TrueSkill beliefs and
updates them by TrueSkill's message passing with the defaults of the package `trueskill` (tau = 25/300, a tie
probability of 0.1); this variant does that for every ballot, see `trueskill`. The code behind the arena's own board was
not available to compare with.

The mean is mu, the covariance diag(sigma^2). The arena sorts by the conservative score mu - 3 sigma, which is in
`parameters`. The result depends on the order of the ballots.

Source: Li and others 2024, "K-Sort Arena: efficient and reliable benchmarking for generative models via K-wise human
preferences". Errors: `FitError` for senseless options and evidence without a ballot that ranks. Cost: 50 ns a pair.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise.pairs import observed
from ranking.engines.sequential import trueskill
from ranking.engines.sequential.schedule import DEPENDENCE, checked, schedule
from ranking.engines.sequential.trueskill import BETA, MU, SIGMA, Floats

NAME = "ksort"
VARIANTS = ("published", "deployed")
LEAST_FACTOR = 0.1  # our choice: a ballot shrinks sigma to a third at most
CONSERVATISM = 3.0  # eta of equation 3
DEPLOYED_TAU = MU / 300
DEPLOYED_DRAWS = 0.1


def fit(
    evidence: Evidence,
    *,
    variant: str = "published",
    sigma: float = SIGMA,
    beta: float = BETA,
    least_factor: float = LEAST_FACTOR,
) -> Fit:
    """The beliefs after all ballots, in the order given."""
    if variant not in VARIANTS:
        raise FitError(f"variant must be {' or '.join(VARIANTS)}, not {variant!r}")
    checked("sigma", sigma)
    checked("beta", beta)
    if not 0 < least_factor < 1:
        raise FitError(f"least_factor must lie between 0 and 1, not {least_factor}")
    if variant == "published":
        return _published(evidence, sigma, beta, least_factor)
    found = trueskill.fit(evidence, sigma=sigma, beta=beta, tau=DEPLOYED_TAU, draw_probability=DEPLOYED_DRAWS)
    if found.covariance is None:
        raise AssertionError("TrueSkill has a covariance")
    deviation = np.sqrt(np.diag(found.covariance))
    scores = _conservative(found.items, found.mean, deviation)
    parameters = {**found.parameters, "variant": variant, "conservative": scores}
    return replace(found, engine=NAME, parameters=parameters)


def _published(evidence: Evidence, sigma: float, beta: float, least_factor: float) -> Fit:
    from ranking.engines.sequential import loops

    order, amount = schedule(evidence)
    mean, variance = np.full(len(evidence.items), MU), np.full(len(evidence.items), sigma**2)
    clamped = loops.ksort(
        evidence.offsets, evidence.slots, evidence.ranks, order, amount, beta, least_factor, mean, variance
    )
    tally = observed(evidence).tally
    found = [DEPENDENCE]
    if clamped:
        found.append(
            f"{clamped} updates of a variance fell below {least_factor:g} of it and were kept there;"
            " the published formula can make it negative"
        )
    if tally.tied_pairs:
        found.append(f"{tally.tied_pairs} of {tally.pairs} observed pairs are ties; this update ignores them")
    if tally.hidden_pairs:
        found.append(f"{tally.hidden_pairs} pairs shown on ranked ballots have no observed order and count for nothing")
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=mean,
        covariance=np.diag(variance),
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters={
            "variant": "published",
            "sigma": sigma,
            "beta": beta,
            "least_factor": least_factor,
            "conservative": _conservative(evidence.items, mean, np.sqrt(variance)),
        },
        converged=True,
        iterations=len(order),
        warnings=(*found, *notes.general(evidence)),
        unit="score",
    )


def _conservative(items: tuple[str, ...], mean: Floats, deviation: Floats) -> dict[str, float]:
    return dict(zip(items, (mean - CONSERVATISM * deviation).tolist(), strict=True))
