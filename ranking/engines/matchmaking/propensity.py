"""Win rates that believe no model: each battle counts by how much rarer its choice was than a uniform one.

A policy that shows close contestants together makes plain win rates say more about the policy than about the
contestants. With p(b) the stored probability of the battle's set and u(b) that of a uniform choice at the same moment,
the weight w(b) = u(b) / p(b) undoes this: for any f, E[w(b) f(b) | all that happened before] is what f would be on
average under uniform choice, because every set the uniform choice can make has p > 0 through the audit share. With
y(b, i) the share of the others in the battle that i beat (ties half, unobserved pairs left out), the estimates are

    rate_i = sum_b w(b) y(b, i) / sum_b w(b)     over the battles that showed i               (Hajek, the default)
    rate_i = (1 / B) sum_b w(b) y(b, i) n / K    over all B battles, y = 0 where i was not     (Horvitz-Thompson)

The first has a small bias that vanishes with B and a far smaller variance; the second is unbiased. Weights above `clip`
are cut down to it, which trades a bias, towards the win rate as shown, for variance; how many were cut is reported.
The second needs every pair of every battle observed and the same n contestants eligible throughout. The standard error
is that of the weighted mean over battles (linearised for the ratio), battles being independent given the past.

Source: Horvitz and Thompson 1952; Hajek 1971; Swaminathan and Joachims 2015 for clipping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ranking.engines.evidence import Evidence
from ranking.engines.matchmaking import loops
from ranking.engines.matchmaking.loops import Array
from ranking.engines.matchmaking.policies import PolicyError
from ranking.engines.matchmaking.situation import Floats, Ints

CLIP = 10.0
ESTIMATORS = ("hajek", "horvitz-thompson")


@dataclass(frozen=True)
class WinRates:
    """By item: the estimate, its standard error (nan below two battles), and what it rests on.

    battles: int64[M] with an observed pair of the item. effective: float64[M], (sum w)^2 / sum w^2, the uniform battles
    that would tell as much. clipped: battles whose weight was cut.
    """

    items: tuple[str, ...]
    rate: Floats
    error: Floats
    battles: Ints
    effective: Floats
    clipped: int


def win_rates(
    evidence: Evidence, probability: Floats, uniform: Floats, *, estimator: str = "hajek", clip: float = CLIP
) -> WinRates:
    """Estimates for all items of the evidence; nan for one without an observed pair. Ballot weights multiply.

    probability, uniform: float64[B], as stored with the battles of the ballots. Raises `PolicyError` for values that
    are no probabilities, other lengths, an unknown estimator and a clip below 1. Cost: one pass over all pairs.
    """
    if estimator not in ESTIMATORS:
        raise PolicyError(f"estimator must be {' or '.join(ESTIMATORS)}, not {estimator!r}")
    if not clip >= 1:
        raise PolicyError(f"clip must be at least 1 (infinite for none), not {clip}")
    for name, values in (("probability", probability), ("uniform", uniform)):
        if values.shape != (len(evidence),):
            raise PolicyError(f"{name} has shape {values.shape} for {len(evidence)} ballots")
        wrong = np.flatnonzero(~((values > 0) & (values <= 1)))
        if len(wrong):
            raise PolicyError(f"{name} of ballot {wrong[0]} must lie above 0 and at most at 1, not {values[wrong[0]]}")
    raw = uniform / probability
    weight = np.minimum(raw, clip) * evidence.weight
    share = np.empty(len(evidence.slots))
    loops.shares_beaten(evidence.offsets, evidence.ranks, share)
    sizes = np.diff(evidence.offsets)
    owner = np.repeat(np.arange(len(evidence)), sizes)
    seen = ~np.isnan(share)
    item, amount, value = evidence.slots[seen], weight[owner[seen]], share[seen]
    count = len(evidence.items)
    battles = np.asarray(np.bincount(item, minlength=count), np.int64)
    total, squares = _sums(item, amount, count), _sums(item, amount**2, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = np.where(battles > 0, total**2 / squares, 0.0)
        if estimator == "hajek":
            rate = _sums(item, amount * value, count) / total
            spread = _sums(item, (amount * (value - rate[item])) ** 2, count)
            error = np.sqrt(spread * battles / (battles - 1)) / total
        else:
            scaled = amount * value * count / sizes[owner[seen]]
            rate = np.where(battles > 0, _sums(item, scaled, count) / len(evidence), np.nan)
            spread = _sums(item, scaled**2, count) / len(evidence) - rate**2
            error = np.sqrt(spread / (len(evidence) - 1))
    error[battles < 2] = np.nan
    return WinRates(evidence.items, rate, error, battles, effective, int(np.count_nonzero(raw > clip)))


def _sums(item: Array, amount: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(item, amount, count), np.float64)
