"""How near an estimate is to the truth.

Kendall's tau is (concordant - discordant) / all pairs, so that contestants an estimate does not tell apart count as
neither; where there are no ties it is scipy's `kendalltau`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ranking.engines import posterior
from ranking.engines.laboratory import loops
from ranking.engines.laboratory.kinds import Bools, Floats

TOP = 5
LEVEL = 0.95
Z = 1.959963984540054  # the normal quantile of that level
DRAWS = 2000


def tau(found: Floats, truth: Floats) -> float:
    return float(loops.concordance(found, truth))


def is_exact(found: Floats, order: Sequence[int] | np.ndarray) -> bool:
    """Whether strengths fall strictly along the true order."""
    return bool(loops.falls_along(found, np.asarray(order)))


def top_share(found: Floats, truth: Floats, count: int) -> float:
    """The share of the true first `count` that are among the estimated first `count`."""
    count = min(count, len(truth))
    chosen, best = np.argsort(-found, kind="stable")[:count], np.argsort(-truth, kind="stable")[:count]
    return len(np.intersect1d(chosen, best)) / count


def rmse(found: Floats, truth: Floats) -> float:
    """Root mean square error of centred strengths, in logits."""
    error = (found - found.mean()) - (truth - truth.mean())
    return float(np.sqrt(np.mean(error**2)))


def place(values: Floats) -> Floats:
    """1 for the highest; equals share the better place."""
    return np.asarray(1.0 + (values[None, :] > values[:, None]).sum(axis=1))


def strength_coverage(mean: Floats, covariance: Floats, truth: Floats) -> float:
    """The share of the 95 % intervals of centred strengths that hold the truth."""
    count = len(mean)
    centre = np.eye(count) - 1 / count
    sd = np.sqrt(np.diag(centre @ covariance @ centre))
    error = np.abs((mean - mean.mean()) - (truth - truth.mean()))
    return float((error <= Z * sd).mean())


def rank_coverage(mean: Floats, covariance: Floats, truth: Floats, rng: np.random.Generator) -> float:
    """The share of the 95 % intervals of ranks, those of the board, that hold the true rank."""
    low, high = posterior.rank_intervals(rng.multivariate_normal(mean, covariance, DRAWS, method="eigh"), LEVEL)
    real = place(truth)
    held: Bools = (low <= real) & (real <= high)
    return float(held.mean())


def stays(marks: Sequence[int] | np.ndarray, values: Floats, level: float) -> int | None:
    """The first mark from which on all values are at least `level`; None if the last one is not."""
    below = np.flatnonzero(np.asarray(values) < level - 1e-12)
    if not below.size:
        return int(marks[0])
    last = int(below[-1])
    return None if last == len(values) - 1 else int(marks[last + 1])
