"""The Plackett-Luce posterior written out slowly: what `kernels` and `terms` must agree with.

Every order that a ballot allows is enumerated and every ballot is visited on its own. Use it to check, to read, and to
try a change before making it fast. Cost: the number of orders of each ballot, so keep ballots short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, permutations, product

import numpy as np
from numpy.typing import NDArray

from ranking.engines.evidence import UNKNOWN, Evidence

Floats = NDArray[np.float64]
Term = tuple[float, Floats, Floats]


def ranking_term(theta: Floats, order: Sequence[int], stages: int) -> Term:
    """Log-likelihood, gradient and information of the first `stages` choices of `order` (items best first)."""
    value, gradient, information = 0.0, np.zeros(len(theta)), np.zeros((len(theta), len(theta)))
    for stage in range(stages):
        left = list(order[stage:])
        weights = np.exp(theta[left] - theta[left].max())
        p = np.zeros(len(theta))
        p[left] = weights / weights.sum()
        value += math.log(p[order[stage]])
        gradient[order[stage]] += 1
        gradient -= p
        information += np.diag(p) - np.outer(p, p)
    return value, gradient, information


def ballot_term(theta: Floats, slots: Sequence[int], ranks: Sequence[int]) -> Term:
    """One ballot: the average over the orders of ties of the log of the sum over the orders of unknowns."""
    places = list(zip(ranks, slots, strict=True))
    top = _buckets([place for place in places if place[0] > 0])
    middle = [item for rank, item in places if rank == UNKNOWN]
    bottom = _buckets([place for place in places if place[0] < 0])
    zero = (0.0, np.zeros(len(theta)), np.zeros((len(theta), len(theta))))
    if not top and not bottom:
        return zero
    known = len(slots) if bottom else len(slots) - len(middle)
    stages = min(known, len(slots) - 1)
    found = []
    for order in product(*(permutations(bucket) for bucket in (*top, *bottom))):
        first = [item for bucket in order[: len(top)] for item in bucket]
        last = [item for bucket in order[len(top) :] for item in bucket]
        between = permutations(middle) if bottom else [tuple(middle)]
        found.append(_summed([ranking_term(theta, [*first, *hidden, *last], stages) for hidden in between]))
    values, gradients, informations = zip(*found, strict=True)
    return math.fsum(values) / len(found), np.mean(gradients, axis=0), np.mean(informations, axis=0)


def log_posterior(evidence: Evidence, theta: Floats, prior_sd: float) -> Term:
    """Value, gradient and information of the whole evidence and the prior N(0, prior_sd^2)."""
    precision = 1 / prior_sd**2
    value, gradient = float(-precision * theta @ theta / 2), -precision * theta
    information = precision * np.eye(len(theta))
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        term = ballot_term(theta, evidence.slots[span].tolist(), evidence.ranks[span].tolist())
        value += float(evidence.weight[ballot]) * term[0]
        gradient = gradient + evidence.weight[ballot] * term[1]
        information = information + evidence.weight[ballot] * term[2]
    return value, gradient, information


def posterior(evidence: Evidence, prior_sd: float) -> tuple[Floats, Floats]:
    """Mode and covariance, not centred, by Newton's method with halved steps."""
    theta = np.zeros(len(evidence.items))
    value, gradient, information = log_posterior(evidence, theta, prior_sd)
    for _ in range(100):
        step = np.linalg.solve(information, gradient)
        if np.abs(step).max() < 1e-12:
            break
        while (trial := log_posterior(evidence, theta + step, prior_sd))[0] < value - 1e-12 * (1 + abs(value)):
            step = step / 2
        theta = theta + step
        value, gradient, information = trial
    return theta, np.asarray(np.linalg.inv(information))


def log_evidence(evidence: Evidence, log_variance: float) -> float:
    """Laplace's approximation to log P(ballots | s^2), and the log of the weak prior of log s^2."""
    prior_sd = math.exp(log_variance / 2)
    theta, covariance = posterior(evidence, prior_sd)
    value, _, _ = log_posterior(evidence, theta, prior_sd)
    volume = np.linalg.slogdet(covariance)[1] - len(theta) * log_variance
    return float(value + volume / 2 - log_variance / 2 - math.exp(-log_variance) / 4)


def learned_prior(evidence: Evidence) -> float:
    """The prior standard deviation of highest evidence, by trying."""
    low, high = math.log(0.01), math.log(100)
    while high - low > 1e-6:
        grid = np.linspace(low, high, 9)
        best = int(np.argmax([log_evidence(evidence, point) for point in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 8)]
    return math.exp((low + high) / 4)


def _buckets(places: list[tuple[int, int]]) -> list[list[int]]:
    return [[item for _, item in bucket] for _, bucket in groupby(sorted(places), key=lambda place: place[0])]


def _summed(terms: list[Term]) -> Term:
    """The log of a sum of likelihoods: a mixture, whose information loses the spread of its gradients."""
    values = np.array([value for value, _, _ in terms])
    share = np.exp(values - values.max())
    total = share.sum()
    share /= total
    gradients = np.array([gradient for _, gradient, _ in terms])
    mean = share @ gradients
    information = sum(w * term[2] for w, term in zip(share, terms, strict=True))
    spread = (gradients * share[:, None]).T @ gradients - np.outer(mean, mean)
    return float(values.max() + math.log(total)), mean, np.asarray(information - spread)
