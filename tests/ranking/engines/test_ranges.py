"""Numbers that make no sense are refused by name, in the library as on the command line."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.errors import FitError
from ranking.engines.ranges import between
from ranking.engines.registry import ENGINES
from tests.ranking.engines.ballots import evidence_of

WITH_PRIOR = [name for name, engine in ENGINES.items() if "prior_sd" in engine.options]


@pytest.mark.parametrize("value", [1, 1.5, np.float64(2), np.int32(3), np.float32(0.5)])
def test_numbers_within_the_limits_are_returned(value) -> None:
    assert between("width", value, (0.5, 3)) == value


@pytest.mark.parametrize("value", [0.4, 3.1, float("nan"), float("inf"), 10**400, True, "1", None])
def test_anything_else_is_refused_with_its_name(value) -> None:
    with pytest.raises(FitError, match=r"^width must be a number from 0.5 to 3, not "):
        between("width", value, (0.5, 3))


@pytest.mark.parametrize("name", WITH_PRIOR)
@pytest.mark.parametrize("prior_sd", [0.0, 1e-300, 9e-7, 1.1e6, 1e20, 1e300, float("nan"), "wide"])
def test_a_prior_beyond_all_sense_is_refused_by_every_engine(name, prior_sd) -> None:
    with pytest.raises(FitError, match="the prior standard deviation must be a number from"):
        ENGINES[name].fit(evidence_of([([0, 1], [1, 2])], 2), prior_sd=prior_sd)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("trueskill", {"sigma": 1e300}, "sigma must be a number from"),
        ("trueskill", {"beta": 1e-300}, "beta must be a number from"),
        ("trueskill", {"tau": 1e160}, "tau must be a number from"),
        ("ksort", {"sigma": 1e-300}, "sigma must be a number from"),
        ("elo", {"k_factor": 1e300}, "k_factor must be a number from"),
        ("rank-centrality", {"pseudo": -1.0}, "pseudo must be a number from"),
        ("rank-centrality", {"pseudo": 1e-6}, "use a larger pseudo"),
        ("copeland", {"rng": -1}, "rng must be a seed of at least 0, not -1"),
        ("plackett-luce", {"covariates": "first", "covariate_sd": 1e300}, "covariate_sd must be a number from"),
    ],
)
def test_so_are_the_other_options(name, options, reason) -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2]), ([2, 3], [1, 2])], 4)
    with pytest.raises(FitError, match=reason):
        ENGINES[name].fit(evidence, **options)
