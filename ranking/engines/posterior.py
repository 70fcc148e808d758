"""Questions asked of a fit: joint draws, who is ahead, who is best, who cannot be told apart.

Draws are joint: contestants that were compared with each other often have correlated errors, so ranks must not be
computed from separate intervals. Every function takes a seed or generator and is deterministic given it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.fit import Fit

Floats = NDArray[np.float64]

DRAWS = 10_000  # the standard error of a probability is then at most 0.005
SEED = 20_020  # any fixed number: the same fit must always print the same board
RESOLUTION = 1e-9  # means closer than this (in the fit's unit) are equal


def draws(fit: Fit, count: int = DRAWS, rng: np.random.Generator | None = None) -> Floats:
    """float64[count, M]: joint draws of the strengths; the fit's own draws, or its sampler's, where it has them.

    Raises `FitError` for an engine without uncertainty. Cost: one M x M decomposition and count x M^2 flops; a sampler
    of an engine with few ballots takes some twenty times as long (`mixture`), more with a tie parameter.
    """
    if fit.draws is not None:
        return fit.draws
    if fit.covariance is None:
        raise FitError(f"{fit.engine} has no uncertainty to draw from")
    generator = np.random.default_rng(SEED) if rng is None else rng
    if fit.sampler is not None:
        return fit.sampler(count, generator)
    values, vectors = np.linalg.eigh(fit.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # centred strengths have one zero direction
    samples: Floats = fit.mean + generator.standard_normal((count, len(fit.mean))) @ root.T
    return samples


def order(fit: Fit) -> NDArray[np.int64]:
    """Item indices, best first; equal means by name."""
    rounded = np.round(fit.mean / RESOLUTION) * RESOLUTION
    return np.array(sorted(range(len(fit.items)), key=lambda item: (-rounded[item], fit.items[item])), dtype=np.int64)


def ranks(samples: Floats) -> NDArray[np.int64]:
    """int64[S, M]: the rank of each item in each draw, 1 is best; equal values share the better rank."""
    ordered = np.argsort(-samples, axis=1, kind="stable")
    result = np.empty(samples.shape, np.int64)
    positions = np.broadcast_to(np.arange(1, samples.shape[1] + 1), samples.shape)
    values = np.take_along_axis(samples, ordered, axis=1)
    first = np.ones(samples.shape, np.bool_)
    first[:, 1:] = values[:, 1:] != values[:, :-1]
    shared = np.maximum.accumulate(np.where(first, positions, 0), axis=1)
    np.put_along_axis(result, ordered, shared, axis=1)
    return result


def rank_intervals(samples: Floats, level: float = 0.95) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each item the shortest run of ranks that holds at least `level` of the draws; of equals the fullest.

    Ranks are whole numbers, so any interval holds more than it promises. The shortest one wastes least: in simulation
    it is a tenth narrower than the one between quantiles and covers 0.95 to 0.97 where that covers 0.96 to 0.99.
    """
    count, items = samples.shape
    found = ranks(samples)
    needed = max(math.ceil(level * count - 1e-9), 1)
    low, high = np.empty(items, np.int64), np.empty(items, np.int64)
    for item in range(items):
        upto = np.concatenate([[0], np.cumsum(np.bincount(found[:, item] - 1, minlength=items))])
        end = np.searchsorted(upto, upto[:-1] + needed)  # the first end that makes a run from each start full enough
        begin = np.flatnonzero(end <= items)
        length, held = end[begin] - begin, upto[end[begin]] - upto[begin]
        choice = begin[np.lexsort((-held, length))[0]]
        low[item], high[item] = choice + 1, end[choice]
    return low, high


def best(samples: Floats) -> Floats:
    """P(each item is the best); draws with several best are shared among them."""
    leading = samples == samples.max(axis=1, keepdims=True)
    shares: Floats = (leading / leading.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


def stronger(fit: Fit) -> Floats:
    """float64[M, M]: P(theta_a > theta_b), how sure we are that a is the stronger; 1/2 on the diagonal."""
    if _drawn(fit):
        return _over_pairs(draws(fit), lambda one, others: ((one > others) + 0.5 * (one == others)).mean(axis=0))
    difference, spread = _differences(fit)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, difference / spread, np.sign(difference) * np.inf)
    z[(spread == 0) & (difference == 0)] = 0.0
    return 0.5 * _erfc(-z / math.sqrt(2))


def wins(fit: Fit, nodes: int = 32) -> Floats:
    """float64[M, M]: P(a beats b on one further pair ballot), uncertainty included.

    By Gauss-Hermite quadrature, or over draws where the fit has its own.
    """
    if fit.unit != "logit":
        raise FitError(f"{fit.engine} does not predict who wins")
    if _drawn(fit):
        return _over_pairs(draws(fit), lambda one, others: _logistic(one - others).mean(axis=0))
    difference, spread = _differences(fit)
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    total = np.zeros_like(difference)
    for point, weight in zip(points, weights / weights.sum(), strict=True):
        total += weight * _logistic(difference + spread * point)
    return total


def tie_groups(fit: Fit, level: float = 0.95, samples: Floats | None = None) -> list[tuple[str, ...]]:
    """The board cut where everybody above is, with joint probability of at least `level`, ahead of everybody below."""
    chosen = draws(fit) if samples is None else samples
    ordering = order(fit)
    board = chosen[:, ordering]
    above = np.minimum.accumulate(board, axis=1)[:, :-1]
    below = np.maximum.accumulate(board[:, ::-1], axis=1)[:, ::-1][:, 1:]
    cuts = np.flatnonzero((above > below).mean(axis=0) >= level) + 1
    return [tuple(fit.items[item] for item in part) for part in np.split(ordering, cuts)]


def _drawn(fit: Fit) -> bool:
    return fit.draws is not None or fit.sampler is not None


def _over_pairs(samples: Floats, share: Callable[[Floats, Floats], Floats]) -> Floats:
    """float64[M, M] of `share` of each item's draws (S, 1) against those of the items before it; the rest is 1 less."""
    result = np.full((samples.shape[1], samples.shape[1]), 0.5)
    for item in range(1, len(result)):
        result[item, :item] = share(samples[:, item, None], samples[:, :item])
        result[:item, item] = 1 - result[item, :item]
    return result


def _differences(fit: Fit) -> tuple[Floats, Floats]:
    if fit.covariance is None:
        raise FitError(f"{fit.engine} has no uncertainty")
    variances = np.diag(fit.covariance)
    squared = variances[:, None] + variances[None, :] - 2 * fit.covariance
    return fit.mean[:, None] - fit.mean[None, :], np.sqrt(np.maximum(squared, 0.0))


def _logistic(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _erfc(x: Floats) -> Floats:
    return np.array([math.erfc(value) for value in x.ravel()]).reshape(x.shape)
