"""Slow and obvious versions of what the pairwise engines compute, and ballots that several of their tests use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import minimize

from ranking.engines.evidence import UNKNOWN, Evidence

WIN, TIE = "win", "tie"


def listed_pairs(evidence: Evidence) -> Iterator[tuple[int, str, int, int]]:
    """(ballot, "win" or "tie", upper item, lower item) for every observed pair."""
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        places = list(zip(evidence.slots[span].tolist(), evidence.ranks[span].tolist(), strict=True))
        for left, (a, rank_a) in enumerate(places):
            for b, rank_b in places[left + 1 :]:
                if rank_a == UNKNOWN and rank_b == UNKNOWN:
                    continue
                above = standing(rank_a) - standing(rank_b)
                if above == 0:
                    yield ballot, TIE, a, b
                else:
                    yield ballot, WIN, *((a, b) if above < 0 else (b, a))


def standing(rank: int) -> float:
    """1, 2, 3 ... then the unknown, then ... -2, -1."""
    if rank == UNKNOWN:
        return 1e6
    return float(rank) if rank > 0 else 2e6 + rank


def counted(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    wins, ties = np.zeros((2, len(evidence.items), len(evidence.items)))
    for ballot, outcome, a, b in listed_pairs(evidence):
        if outcome == WIN:
            wins[a, b] += evidence.weight[ballot]
        else:
            ties[a, b] += evidence.weight[ballot]
            ties[b, a] += evidence.weight[ballot]
    return wins, ties


def maximum(objective: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
    """The maximum of a smooth concave function, from its values alone."""
    found = start
    for _ in range(3):
        found = minimize(lambda x: -objective(x), found, method="BFGS", options={"gtol": 1e-9}).x
        found = minimize(
            lambda x: -objective(x),
            found,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000},
        ).x
    return found


def hessian(objective: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Second derivatives by central differences."""
    count = len(at)
    result = np.empty((count, count))
    shift = np.eye(count) * step
    for i in range(count):
        for j in range(count):
            corners = [at + s * shift[i] + t * shift[j] for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            values = [objective(corner) for corner in corners]
            result[i, j] = (values[0] - values[1] - values[2] + values[3]) / (4 * step**2)
    return result


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
