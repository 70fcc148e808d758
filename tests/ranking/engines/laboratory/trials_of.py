"""Trials written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ranking.engines.laboratory.trial import Trial

MARKS = np.array([1, 10, 100])


def trial(tau: Sequence[float], seed: int = 0, **rest: object) -> Trial:
    """A trial with this curve of tau, and what it says of everything else."""
    known: dict[str, object] = {
        "seed": seed,
        "marks": MARKS,
        "tau": np.array(tau),
        "top_1": np.array([0.0, 0.0, 1.0]),
        "top_5": np.array([0.2, 0.6, 1.0]),
        "rmse": np.array([1.0, 0.5, 0.25]),
        "exact": None,
        "exact_once": None,
        "covered_strengths": 0.9,
        "covered_ranks": 0.96,
        "target_place": 3,
        "least_shown": 0.5,
        "placed": {},
    }
    return Trial(**{**known, **rest})  # type: ignore[arg-type]
