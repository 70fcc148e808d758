"""The posterior averaged over the prior's width, each width to the second order of Laplace's approximation.

Laplace's approximation takes the posterior for a given s to be the Gaussian at its mode, and `laplace` takes the s of
the highest evidence. With few ballots both lean to narrow fields: the evidence forgets that the posterior is skewed and
has thick tails, the mode lies nearer to the middle than the mean, and one s is not all that are possible.

For each s on a grid let S = (H + I / s^2)^-1 = R R, R symmetric, and T_abc and F_abcd the third and fourth derivatives
of the log-posterior along the columns of R. Summed over repeated indices,

    log evidence += F_aabb / 8 + T_aab T_ccb / 8 + T_abc T_abc / 12
    mean         = mode + R t / 2,                               t_a = T_abb
    covariance   = R (I + P) R,    P_ab = F_abcc / 2 + T_acd T_bcd / 2 + T_abc t_c / 2,

a negative direction p of P counting as 1 / (1 - p), so that the covariance stays positive. Then all s are averaged with
the weights that evidence and prior give them: the covariance is the average of all plus that of the means.

The series is one in the width of the posterior, so it fails where the ballots say next to nothing. Beyond the s where P
would change a variance by more than `TRUSTED`, what is added to the log evidence goes on as a straight line in log s,
and t and P stay what they were.

It is used where it matters: while the strengths depend on s (`laplace.LOOSE`; with 50 contestants up to some forty
ballots of four on each), and for at most `MOST` contestants. Derivatives are differences of the information, for any
likelihood that has one. Cost: nothing with many ballots; else two evaluations for each contestant and each s, about
ten, and M^4 operations: 0.1 s with 50 contestants.

Sources: Shun and McCullagh 1995, and Tierney and Kadane 1986 (second order); Rue, Martino and Chopin 2009 (grid of s).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.climbing import Climb, Likelihood
from ranking.engines.fit import apart
from ranking.engines.laplace import Mode, widest_view

Floats = NDArray[np.float64]

MOST = 100  # contestants
TRUSTED = 0.3  # of a variance, the change by the second order
STEP = 0.01  # logits, of the differences
NEGLIGIBLE = 7.0  # of log evidence below the highest, e^-7 is a thousandth


@dataclass(frozen=True, eq=False, slots=True)
class Averaged:
    """The posterior of strengths less their average, whatever s is; M items.

    mean, covariance   of the average over s
    between            the part of the covariance that comes from not knowing s
    prior_sd           exp of the mean of log s
    """

    mean: Floats
    covariance: Floats
    between: Floats
    prior_sd: float


@dataclass(frozen=True, eq=False, slots=True)
class _Corrections:
    """Of one s: `evidence` to add to its log, t, and P of the module."""

    evidence: float
    shift: Floats
    bubble: Floats


def learned(terms: Likelihood, mode: Mode, *, average: bool) -> tuple[Mode, Averaged | None]:
    """The highest mode for any s from that for one; with `average` the posterior of the module too, if it matters."""
    close = average and len(mode.theta) <= MOST
    mode, tops = widest_view(terms, mode, close=close)
    return mode, averaged(terms, tops) if close and tops else None


def averaged(terms: Likelihood, tops: list[Climb]) -> Averaged:
    """The posterior of the module from the climbs of a close `laplace.widest_view`."""
    psi = np.log([top.variance for top in tops])
    heights = np.array([top.log_evidence() for top in tops])
    width = np.convolve(np.diff(psi), [0.5, 0.5])  # trapezoids
    kept = np.flatnonzero(heights > heights.max() - NEGLIGIBLE)
    chosen = [tops[index] for index in kept]
    found, lifts = _corrected(terms, chosen, psi[kept])
    logs = heights[kept] + lifts + np.log(width[kept])
    share = np.exp(logs - logs.max())
    share /= share.sum()
    return _combined(chosen, found, share, float(share @ psi[kept]))


def _corrected(terms: Likelihood, tops: list[Climb], psi: Floats) -> tuple[list[_Corrections], Floats]:
    """The corrections of each s, and what each adds to the log evidence; as they stand beyond those to be trusted."""
    count = len(tops[0].theta)
    last = _Corrections(0.0, np.zeros(count), np.zeros((count, count)))
    found: list[_Corrections] = []
    lifts = np.zeros(len(tops))
    trusted = 0
    for top in tops:
        if trusted == len(found):
            here = _corrections(terms, top)
            if np.abs(np.linalg.eigvalsh(here.bubble)).max() <= TRUSTED:
                last, trusted = here, trusted + 1
        found.append(last)
    lifts[:trusted] = [here.evidence for here in found[:trusted]]
    if trusted >= 2:
        slope = (lifts[trusted - 1] - lifts[trusted - 2]) / (psi[trusted - 1] - psi[trusted - 2])
        lifts[trusted:] = lifts[trusted - 1] + slope * (psi[trusted:] - psi[trusted - 1])
    else:
        lifts[trusted:] = lifts[trusted - 1] if trusted else 0.0
    return found, lifts


def _corrections(terms: Likelihood, top: Climb) -> _Corrections:
    root = _root(top)
    count = len(root)
    third, fourth = np.empty((count, count, count)), np.zeros((count, count))
    for place, column in enumerate(root.T):
        step = STEP / float(np.abs(column).max())
        ahead = terms.evaluate(top.theta + step * column)[2]
        behind = terms.evaluate(top.theta - step * column)[2]
        third[place] = (behind - ahead) / (2 * step)
        fourth += (2 * top.information - ahead - behind) / step**2
    third, fourth = root @ third @ root, root @ fourth @ root
    flat = third.reshape(count, -1)
    shift = np.einsum("abb->a", third)
    bubble = (fourth + flat @ flat.T + np.tensordot(shift, third, 1)) / 2
    evidence = np.trace(fourth) / 8 + shift @ shift / 8 + np.sum(flat**2) / 12
    return _Corrections(float(evidence), shift, (bubble + bubble.T) / 2)


def _root(top: Climb) -> Floats:
    """The symmetric root of the covariance: it turns with the items, whatever their order."""
    result: Floats = (top.vectors / np.sqrt(top.values + 1 / top.variance)) @ top.vectors.T
    return result


def _combined(tops: list[Climb], found: list[_Corrections], share: Floats, psi: float) -> Averaged:
    count = len(tops[0].theta)
    means, within = np.empty((len(tops), count)), np.zeros((count, count))
    for place, (top, here) in enumerate(zip(tops, found, strict=True)):
        root = _root(top)
        means[place] = top.theta + root @ here.shift / 2
        values, vectors = np.linalg.eigh(here.bubble)
        scale = np.sqrt(np.where(values > 0, 1 + values, 1 / (1 - np.minimum(values, 0.0))))
        inner = apart(root @ (vectors * scale))
        within += share[place] * (inner @ inner.T)
    means -= means.mean(axis=1, keepdims=True)
    mean = share @ means
    off = (means - mean) * np.sqrt(share)[:, None]
    between = off.T @ off
    return Averaged(mean, within + between, between, math.exp(psi / 2))
