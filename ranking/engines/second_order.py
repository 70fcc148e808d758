"""The posterior averaged over the prior's width, each width to the second order of Laplace's approximation.

Laplace's approximation takes the posterior for a given s to be the Gaussian at its mode, and `laplace` takes the s of
the highest evidence. With few ballots both lean to narrow fields: the evidence forgets that the posterior is skewed and
has thick tails, the mode lies nearer to the middle than the mean, and one s is not all that are possible.

For each s on a grid let S = (H + I / s^2)^-1 = R R, R symmetric, and T_abc and F_abcd the third and fourth derivatives
of the log-posterior along the columns of R. Summed over repeated indices,

    log evidence += F_aabb / 8 + T_aab T_ccb / 8 + T_abc T_abc / 12
    mean         = mode + R t / 2,                               t_a = T_abb
    covariance   = R (I + P) R,    P_ab = F_abcc / 2 + T_acd T_bcd / 2 + T_abc t_c / 2,

a negative direction p of P counting as 1 / (1 - p), so that the covariance stays positive, and no variance larger than
s^2, which a concave log-likelihood cannot add to (Brascamp and Lieb). Then all s are averaged with the weights that
evidence and prior give them: the covariance is the average of all plus that of the means.

Above `MOST` contestants the sums over b, c and d run over `MOST` orthonormal directions instead of all, chosen at
random with a fixed seed and scaled up. With 101 contestants one direction is left out, so hardly anything jumps there.

The series is one in the width of the posterior, so it fails where the ballots say next to nothing. Beyond the s where P
would change a variance by more than `TRUSTED`, what is added to the log evidence goes on as a straight line in log s,
and t and P stay what they were.

It is used where it matters: while the strengths depend on s, whole from a looseness (`Climb`) of `FULL` upwards and
fading into the mode down to `LOOSE`, so that no ballot makes a rating jump. Cost: nothing with many ballots; else a
pass over the choices for each contestant or direction and each s, about ten, and M^4 operations, M^2 above `MOST`:
0.03 s with 50 contestants.

Mean and covariance are all this gives. What hangs on the shape of the posterior, ranks above all, is drawn from it by
`mixture`, which begins here.

Sources: Shun and McCullagh 1995, and Tierney and Kadane 1986 (second order); Rue, Martino and Chopin 2009 (grid of s);
Brascamp and Lieb 1976.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.engines.climbing import Climb, Likelihood
from ranking.engines.fit import apart
from ranking.engines.laplace import LOOSE, Mode, widest_view

Floats = NDArray[np.float64]

MOST = 100  # directions
SEED = 20_021  # of the choice of directions
TRUSTED = 0.3  # of a variance, the change by the second order
FULL = 0.1  # looseness
NEGLIGIBLE = 7.0  # of log evidence below the highest, e^-7 is a thousandth


class Bending(Likelihood, Protocol):
    """A likelihood with higher derivatives, such as `Terms`."""

    def bend(self, theta: Floats, information: Floats, direction: Floats) -> tuple[Floats, Floats]:
        """The third and the fourth derivatives (M x M) at `theta`, once and twice along `direction`."""


@dataclass(frozen=True, eq=False, slots=True)
class Averaged:
    """The posterior of strengths less their average, whatever s is; M items.

    mean, covariance   of the average over s
    between            the part of the average's covariance that comes from not knowing s
    prior_sd           exp of the mean of log s
    grid               the widths s, and where draws from the posterior begin
    share              of the average in mean, covariance and prior_sd; the rest is that of the mode
    """

    mean: Floats
    covariance: Floats
    between: Floats
    prior_sd: float
    grid: Grid
    share: float = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Of G widths of the prior: the climbs, and the posterior as the average takes it.

    weight    float64[G], log of the prior times the step: what s weighs before the ballots
    share     float64[G], what it weighs after them
    means     float64[G, M] of the Gaussians given s
    factors   float64[G, M, M], with covariance factor factor^T
    trusted   how many, from the narrowest on, have corrections of their own
    """

    tops: list[Climb]
    weight: Floats
    share: Floats
    means: Floats
    factors: Floats
    trusted: int


@dataclass(frozen=True, eq=False, slots=True)
class _Corrections:
    """Of one s: `evidence` to add to its log, t, and P of the module with its eigenbasis."""

    evidence: float
    shift: Floats
    bubble: Floats
    values: Floats
    vectors: Floats


def learned(terms: Bending, mode: Mode, *, average: bool) -> tuple[Mode, Averaged | None]:
    """The highest mode for any s from that for one; with `average` the posterior of the module too, if it matters."""
    mode, tops = widest_view(terms, mode, close=average)
    if not average or not tops:
        return mode, None
    loose = next(top.looseness() for top in tops if top.variance == mode.variance)
    return mode, _faded(averaged(terms, tops), mode, min((loose - LOOSE) / (FULL - LOOSE), 1.0))


def _faded(average: Averaged, mode: Mode, share: float) -> Averaged:
    """`share` of the average, and the mode for the rest."""
    if share == 1:
        return average
    mean = share * average.mean + (1 - share) * (mode.theta - mode.theta.mean())
    covariance = share * average.covariance + (1 - share) * mode.centred
    log_sd = share * math.log(average.prior_sd) + (1 - share) * math.log(mode.variance) / 2
    return replace(average, mean=mean, covariance=covariance, prior_sd=math.exp(log_sd), share=share)


def averaged(terms: Bending, tops: list[Climb]) -> Averaged:
    """The posterior of the module from the climbs of a close `laplace.widest_view`."""
    psi = np.log([top.variance for top in tops])
    heights = np.array([top.log_evidence() for top in tops])
    width = np.convolve(np.diff(psi), [0.5, 0.5])  # trapezoids
    kept = np.flatnonzero(heights > heights.max() - NEGLIGIBLE)
    chosen, psi, width = [tops[index] for index in kept], psi[kept], width[kept]
    found, lifts, trusted = _corrected(terms, chosen, psi)
    logs = heights[kept] + lifts + np.log(width)
    share = np.exp(logs - logs.max())
    share /= share.sum()
    weight = np.log(width) - psi / 2 - np.exp(-psi) / 4
    grid = Grid(chosen, weight, share, *_gaussians(chosen, found), trusted)
    return _combined(grid, math.exp(float(share @ psi) / 2))


def _corrected(terms: Bending, tops: list[Climb], psi: Floats) -> tuple[list[_Corrections], Floats, int]:
    """The corrections of each s, and what each adds to the log evidence; as they stand beyond those to be trusted."""
    count = len(tops[0].theta)
    last = _Corrections(0.0, np.zeros(count), np.zeros((count, count)), np.zeros(count), np.eye(count))
    found: list[_Corrections] = []
    lifts = np.zeros(len(tops))
    trusted = 0
    for top in tops:
        if trusted == len(found):
            here = _corrections(terms, top)
            if np.abs(here.values).max() <= TRUSTED:
                last, trusted = here, trusted + 1
        found.append(last)
    lifts[:trusted] = [here.evidence for here in found[:trusted]]
    if trusted >= 2:
        slope = (lifts[trusted - 1] - lifts[trusted - 2]) / (psi[trusted - 1] - psi[trusted - 2])
        lifts[trusted:] = lifts[trusted - 1] + slope * (psi[trusted:] - psi[trusted - 1])
    else:
        lifts[trusted:] = lifts[trusted - 1] if trusted else 0.0
    return found, lifts, trusted


def _corrections(terms: Bending, top: Climb) -> _Corrections:
    root = _root(top)
    columns = root @ _directions(len(root))
    pull, fourth, square = np.zeros(len(root)), np.zeros_like(root), np.zeros_like(root)
    for place, column in enumerate(columns.T):
        third, bend = terms.bend(top.theta, top.information, column)
        fourth += bend
        pairs = third @ columns[:, place:]  # those with an earlier column are the same the other way round
        pull += pairs[:, 0]
        pairs[:, 1:] *= math.sqrt(2)
        square += pairs @ pairs.T
    shift, fourth, square = root @ pull, root @ fourth @ root, root @ square @ root
    along = root @ shift
    length = float(np.abs(along).max())
    turned = np.zeros_like(root)
    if length:
        turned = root @ terms.bend(top.theta, top.information, along / length)[0] @ root * length
    bubble = (fourth + square + turned) / 2
    bubble = (bubble + bubble.T) / 2
    evidence = np.trace(fourth) / 8 + shift @ shift / 8 + np.trace(square) / 12
    return _Corrections(float(evidence), shift, bubble, *np.linalg.eigh(bubble))


def _directions(count: int) -> Floats:
    """Columns g whose g g^T add up to the identity, on average over the seed where they are fewer than `count`."""
    if count <= MOST:
        return np.eye(count)
    basis = np.linalg.qr(np.random.default_rng(SEED).standard_normal((count, MOST)))[0]
    return np.asarray(basis * math.sqrt(count / MOST))


def _root(top: Climb) -> Floats:
    """The symmetric root of the covariance: it turns with the items, whatever their order."""
    result: Floats = (top.vectors / np.sqrt(top.values + 1 / top.variance)) @ top.vectors.T
    return result


def _gaussians(tops: list[Climb], found: list[_Corrections]) -> tuple[Floats, Floats]:
    """Mean and factor of the covariance for each s."""
    count = len(tops[0].theta)
    means, factors = np.empty((len(tops), count)), np.empty((len(tops), count, count))
    for place, (top, here) in enumerate(zip(tops, found, strict=True)):
        root = _root(top)
        means[place] = top.theta + root @ here.shift / 2
        values = np.where(here.values > 0, 1 + here.values, 1 / (1 - np.minimum(here.values, 0.0)))
        inner = root @ (here.vectors * np.sqrt(values))
        variances, axes = np.linalg.eigh(inner @ inner.T)
        factors[place] = axes * np.sqrt(np.clip(variances, 0.0, top.variance))
    return means, factors


def _combined(grid: Grid, prior_sd: float) -> Averaged:
    within = np.zeros(grid.factors.shape[1:])
    for share, factor in zip(grid.share, grid.factors, strict=True):
        inner = apart(factor)
        within += share * (inner @ inner.T)
    means = grid.means - grid.means.mean(axis=1, keepdims=True)
    mean = grid.share @ means
    off = (means - mean) * np.sqrt(grid.share)[:, None]
    between = off.T @ off
    return Averaged(mean, within + between, between, prior_sd, grid)
