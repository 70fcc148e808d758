"""The faceted Rasch model written down plainly, one rating at a time; slow, and shares no code with the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ranking.engines.ratings import Ratings


def log_probability(category: int, location: float, steps: list[float]) -> float:
    """log P(x = category) where log P(k) / P(k - 1) = location - steps[k - 1]."""
    reached = [0.0]
    for step in steps:
        reached.append(reached[-1] + location - step)
    top = max(reached)
    return reached[category] - top - math.log(sum(math.exp(value - top) for value in reached))


@dataclass(frozen=True)
class Plain:
    """Parameters in a row: items, raters, criteria (if several), thresholds; then deviations of each owner.

    Deviations of the thresholds sum to zero: each owner has the coordinates of an orthonormal basis, as in the model.
    """

    ratings: Ratings
    widths: dict[str, float]
    thresholds: str = "common"

    @property
    def parts(self) -> dict[str, slice]:
        counts = {
            "prior_sd": len(self.ratings.items),
            "rater_sd": len(self.ratings.raters),
            "criterion_sd": len(self.ratings.criteria) if len(self.ratings.criteria) > 1 else 0,
            "threshold_sd": len(self.ratings.categories) - 1,
        }
        owners = {"common": 0, "rater": len(self.ratings.raters), "criterion": len(self.ratings.criteria)}
        counts["deviation_sd"] = owners[self.thresholds] * (counts["threshold_sd"] - 1)
        places, found = 0, {}
        for name, count in counts.items():
            found[name] = slice(places, places + count)
            places += count
        return found

    @property
    def size(self) -> int:
        return self.parts["deviation_sd"].stop

    def deviations(self, point: np.ndarray) -> np.ndarray:
        """[owners, steps], each row summing to zero."""
        steps = len(self.ratings.categories) - 1
        _, _, rotation = np.linalg.svd(np.ones((1, steps)))
        return (
            point[self.parts["deviation_sd"]].reshape(-1, steps - 1) @ rotation[1:] if steps > 1 else np.zeros((0, 1))
        )

    def log_likelihood(self, point: np.ndarray) -> float:
        parts, ratings, total = self.parts, self.ratings, 0.0
        theta, sigma, delta, tau = (
            point[parts[name]] for name in ("prior_sd", "rater_sd", "criterion_sd", "threshold_sd")
        )
        own = self.deviations(point)
        for item, rater, criterion, value in zip(
            ratings.item, ratings.rater, ratings.criterion, ratings.value, strict=True
        ):
            location = theta[item] - sigma[rater] - (delta[criterion] if len(delta) else 0.0)
            steps = list(tau)
            if self.thresholds != "common":
                mine = own[rater if self.thresholds == "rater" else criterion]
                steps = [step + other for step, other in zip(steps, mine, strict=True)]
            total += log_probability(int(value), float(location), steps)
        return total

    def log_prior(self, point: np.ndarray) -> float:
        total = 0.0
        for name, part in self.parts.items():
            width = self.widths.get(name, 1.0)
            values = point[part]
            total -= float(values @ values) / (2 * width**2) + len(values) * math.log(width * math.sqrt(2 * math.pi))
        return total

    def mode(self) -> np.ndarray:
        """By a general optimiser on nothing but the value."""
        found = minimize(
            lambda point: -self.log_likelihood(point) - self.log_prior(point), np.zeros(self.size), method="BFGS",
            options={"gtol": 1e-6},
        )  # fmt: skip
        return found.x

    def centred(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Items and raters less their averages and thresholds for the average of both, of each row of `points`."""
        parts = self.parts
        items, raters, criteria, tau = (
            points[..., parts[name]] for name in ("prior_sd", "rater_sd", "criterion_sd", "threshold_sd")
        )
        shift = raters.mean(axis=-1, keepdims=True) - items.mean(axis=-1, keepdims=True)
        if criteria.shape[-1]:
            shift = shift + criteria.mean(axis=-1, keepdims=True)
        return (
            items - items.mean(axis=-1, keepdims=True), raters - raters.mean(axis=-1, keepdims=True), tau + shift
        )  # fmt: skip

    def posterior(self, rng: np.random.Generator, draws: int) -> Sample:
        """Importance sampling from a wide t around the mode: as exact as there are draws. Common thresholds only."""
        mode, size, degrees = self.mode(), self.size, 8
        step = 1e-3
        bend = np.empty((size, size))
        level = lambda point: self.log_likelihood(point) + self.log_prior(point)  # noqa: E731 - used four times below
        for a in range(size):
            for b in range(a, size):
                one, two = np.eye(size)[a] * step, np.eye(size)[b] * step
                four = (
                    level(mode + one + two)
                    - level(mode + one - two)
                    - level(mode - one + two)
                    + level(mode - one - two)
                )
                bend[a, b] = bend[b, a] = -four / (4 * step**2)
        root = np.linalg.cholesky(np.linalg.inv(bend) * 1.2)
        noise = rng.standard_normal((draws, size))
        scale = rng.chisquare(degrees, draws) / degrees
        points = mode + (noise / np.sqrt(scale)[:, None]) @ root.T
        distance = (noise**2).sum(axis=1) / scale
        proposal = (
            math.lgamma((degrees + size) / 2) - math.lgamma(degrees / 2) - size / 2 * math.log(degrees * math.pi)
            - np.log(np.diag(root)).sum() - (degrees + size) / 2 * np.log1p(distance / degrees)
        )  # fmt: skip
        weight = self._many(points) - proposal
        top = weight.max()
        share = np.exp(weight - top)
        return Sample(points, share / share.sum(), float(top + math.log(share.mean())))

    def _many(self, points: np.ndarray) -> np.ndarray:
        """Log posterior of each row, the same sum with the draws side by side."""
        parts, ratings = self.parts, self.ratings
        total = np.array([0.0] * len(points))
        for name, part in parts.items():
            width = self.widths.get(name, 1.0)
            total -= (points[:, part] ** 2).sum(axis=1) / (2 * width**2)
            total -= (part.stop - part.start) * math.log(width * math.sqrt(2 * math.pi))
        tau = points[:, parts["threshold_sd"]]
        for item, rater, criterion, value in zip(
            ratings.item, ratings.rater, ratings.criterion, ratings.value, strict=True
        ):
            location = points[:, parts["prior_sd"]][:, item] - points[:, parts["rater_sd"]][:, rater]
            if len(ratings.criteria) > 1:
                location = location - points[:, parts["criterion_sd"]][:, criterion]
            reached = np.concatenate([np.zeros((len(points), 1)), (location[:, None] - tau).cumsum(axis=1)], axis=1)
            total += reached[:, value] - np.logaddexp.reduce(reached, axis=1)
        return total


@dataclass(frozen=True)
class Sample:
    """Weighted draws from the posterior, and the logarithm of the evidence."""

    points: np.ndarray
    share: np.ndarray
    log_evidence: float

    @property
    def effective(self) -> float:
        return float(1 / (self.share**2).sum())

    def moments(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = self.share @ values
        return mean, np.sqrt(self.share @ (values - mean) ** 2)
