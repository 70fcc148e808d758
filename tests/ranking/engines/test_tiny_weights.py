"""Ballots of next to no weight, down to the smallest number there is: a board or a refusal, never a numeric warning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ranking.engines.errors import FitError
from ranking.engines.registry import ENGINES
from ranking.engines.standings import standings
from tests.ranking.engines.ballots import evidence_of

BALLOTS = [
    ([0, 1, 2], [1, 2, 3]), ([1, 2], [1, 2]), ([2, 0], [1, 1]), ([0, 1, 2], [1, None, None]),
    ([0, 2, 1, 3], [1, None, None, -1]), ([3, 0], [1, 2]),
]  # fmt: skip
OPTIONS = [
    {}, {"prior_sd": 1.0}, {"method": "ml"}, {"intervals": "sandwich"}, {"intervals": "clustered"},
    {"intervals": "bootstrap", "samples": 5}, {"covariates": "position"}, {"contamination": True},
    {"effects": "voter"}, {"average": "opponents"}, {"scales": True}, {"shuffles": 3},
]  # fmt: skip


@pytest.mark.parametrize("weight", [1e-12, 1e-160, 1e-300, 1e-310, 5e-324])
@pytest.mark.parametrize("name", list(ENGINES))
def test_nothing_leaks_a_numeric_warning(name, weight) -> None:
    engine, weights = ENGINES[name], np.full(len(BALLOTS), weight)
    for beside in (weight, 1.0):
        weights[::3] = beside
        evidence = evidence_of(BALLOTS, 4, weight=weights, voters=["a", "b", "c"] * 2)
        for options in OPTIONS:
            if not set(options) <= set(engine.options):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    rows = standings(engine.fit(evidence, **options))
                except FitError:  # says in one line what it cannot do with such weights
                    continue
            assert all(np.isfinite(row.mean) for row in rows)
