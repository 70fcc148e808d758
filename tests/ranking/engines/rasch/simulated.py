"""Ratings whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ranking.engines.ratings import Ratings


@dataclass(frozen=True)
class Truth:
    """What the ratings were drawn from; `steps` are the thresholds, `deviations` those of each criterion or rater."""

    items: np.ndarray
    raters: np.ndarray
    criteria: np.ndarray
    steps: np.ndarray
    deviations: np.ndarray

    @property
    def thresholds(self) -> np.ndarray:
        """Where a fit should see them: for the average item, rater and criterion."""
        shift = self.raters.mean() + self.criteria.mean() - self.items.mean()
        return self.steps + shift + self.deviations.mean(axis=0)


def simulated(
    rng: np.random.Generator,
    *,
    items: int = 8,
    raters: int = 5,
    criteria: int = 1,
    categories: int = 4,
    each: int = 6,
    item_sd: float = 1.0,
    rater_sd: float = 0.7,
    criterion_sd: float = 0.5,
    deviation_sd: float = 0.0,
    thresholds: str = "common",
) -> tuple[Ratings, Truth]:
    """`each` ratings an item, by different raters while there are enough, each under some criterion."""
    theta, sigma = rng.normal(0, item_sd, items), rng.normal(0, rater_sd, raters)
    delta = rng.normal(0, criterion_sd, criteria) if criteria > 1 else np.zeros(1)
    steps = np.linspace(-1.5, 1.5, categories - 1) if categories > 2 else np.zeros(1)
    item = np.repeat(np.arange(items), each)
    rater = np.concatenate([rng.choice(raters, each, replace=each > raters) for _ in range(items)])
    criterion = rng.integers(0, criteria, len(item))
    owners, owner = {
        "common": (1, np.zeros_like(rater)), "rater": (raters, rater), "criterion": (criteria, criterion)
    }[thresholds]  # fmt: skip
    deviations = rng.normal(0, deviation_sd, (owners, len(steps)))
    deviations -= deviations.mean(axis=1, keepdims=True)
    between = steps + deviations[owner] + (sigma[rater] + delta[criterion] - theta[item])[:, None]
    weight = np.concatenate([np.zeros((len(item), 1)), -between.cumsum(axis=1)], axis=1)
    value = (weight + rng.gumbel(size=weight.shape)).argmax(axis=1)
    listed, by, under = (
        [f"{letter}{n}" for n in range(count)] for letter, count in (("i", items), ("r", raters), ("c", criteria))
    )
    ratings = Ratings.from_arrays(
        listed, by, [str(k) for k in range(categories)], item, rater, value, criteria=under, criterion=criterion
    )
    return ratings, Truth(theta, sigma, delta, steps, deviations)
