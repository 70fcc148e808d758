"""Known truths lie in the intervals as often as these say, and estimates are neither stretched nor shrunk.

Seeds are fixed. A hundred data sets of sixty items are 6,000 intervals of items and 1,000 of raters, so that the
standard error of a share is about .003 and .009.
"""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.rasch.faceted import fit
from tests.ranking.engines.rasch.simulated import simulated

pytestmark = pytest.mark.slow

DATA_SETS = 100
FIVE = {"items": 60, "raters": 10, "categories": 5, "each": 3}


def inside(facet, truth: np.ndarray) -> np.ndarray:
    centred = truth - truth.mean()
    return (facet.low < centred) & (centred < facet.high)


def shares(widths: dict[str, float] | None = None, **options) -> dict[str, float]:
    """How many intervals hold the truth, of items, raters, criteria and thresholds; and the slope on the truth."""
    held: dict[str, list[np.ndarray]] = {"items": [], "raters": [], "criteria": [], "thresholds": []}
    slopes = []
    for seed in range(DATA_SETS):
        ratings, truth = simulated(np.random.default_rng(seed), **options)
        found = fit(ratings, thresholds=options.get("thresholds", "common"), **(widths or {}))
        assert found.fit.converged
        held["items"].append(inside(found.items, truth.items))
        held["raters"].append(inside(found.raters, truth.raters))
        if found.criteria is not None:
            held["criteria"].append(inside(found.criteria, truth.criteria))
        missed = np.abs(found.thresholds.measure - truth.thresholds) / found.thresholds.sd
        held["thresholds"].append(missed < 1.96)
        centred = truth.items - truth.items.mean()
        slopes.append(found.items.measure @ centred / (found.items.measure @ found.items.measure))
    means = {name: float(np.concatenate(each).mean()) for name, each in held.items() if each}
    return {**means, "slope": float(np.mean(slopes))}


@pytest.mark.parametrize(
    "options", [FIVE, {"items": 30, "raters": 30, "categories": 5, "each": 30}], ids=["three an item", "thirty"]
)
def test_intervals_hold_the_truth_and_the_truth_is_recovered(options) -> None:
    found = shares(**options)
    for facet in ("items", "raters", "thresholds"):
        assert 0.93 <= found[facet] <= 0.97, facet
    assert found["slope"] == pytest.approx(1, abs=0.03)  # of the truth on the measures: 1 for a posterior mean


@pytest.mark.parametrize("owner", ["criterion", "rater"])
def test_intervals_hold_the_truth_where_each_has_thresholds_of_its_own(owner) -> None:
    found = shares(
        items=40, raters=8, criteria=4, categories=4, each=8, thresholds=owner, deviation_sd=0.4
    )  # fmt: skip
    assert 0.93 <= found["items"] <= 0.97
    assert 0.92 <= found["raters"] <= 0.97  # of 800
    assert 0.92 <= found["criteria"] <= 0.98  # of 400


def test_yes_or_no_ratings_say_too_little_to_learn_the_widths_from() -> None:
    """A limit that the reference states: three ratings an item of two categories."""
    few = {**FIVE, "categories": 2}
    learned, known = shares(**few), shares(widths={"prior_sd": 1.0, "rater_sd": 0.7}, **few)
    assert 0.90 <= learned["items"] < 0.94
    assert 0.94 <= known["items"] <= 0.97
