"""In which order ballots count, and how often."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.errors import FitError
from ranking.engines.sequential.schedule import checked, schedule
from tests.ranking.engines.ballots import evidence_of


def test_a_weight_is_whole_repetitions_and_a_fraction() -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * 4, 2, weight=[1.0, 2.5, 0.25, 2.0])
    order, amount = schedule(evidence)
    assert order.tolist() == [0, 1, 1, 1, 2, 3, 3]
    np.testing.assert_allclose(amount, [1, 1, 1, 0.5, 0.25, 1, 1])


def test_ballots_that_rank_nothing_are_left_out() -> None:
    evidence = evidence_of([([0, 1], [None, None]), ([0, 1], [1, 2]), ([0, 1], [None, None])], 2)
    assert schedule(evidence)[0].tolist() == [1]


def test_nothing_to_count_and_too_much_to_count_are_refused() -> None:
    with pytest.raises(FitError, match="of 2 ballots 1 say all bad and 1 rank nothing"):
        schedule(evidence_of([([0, 1], [None, None])] * 2, 2, all_bad=[True, False]))
    with pytest.raises(FitError, match="add up to 5e"):
        schedule(evidence_of([([0, 1], [1, 2])], 2, weight=[5e8]))


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_an_option_that_is_no_positive_number_is_named(value) -> None:
    with pytest.raises(FitError, match="beta must be a number from 1e-06 to"):
        checked("beta", value)
    if value == 0:
        assert checked("tau", value, zero=True) == 0
