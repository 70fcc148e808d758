"""What becomes of impressions on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ranking.engines.laboratory.ballots import Form
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.voters import Electorate, Voters

IMPRESSIONS = np.array([0.5, 2.0, -1.0, 0.7])


@pytest.mark.parametrize(
    ("form", "ranks"),
    [
        (Form("rank"), [3, 1, 4, 2]),
        (Form("best"), [0, 1, 0, 0]),
        (Form("best-worst"), [0, 1, -1, 0]),
        (Form("ties", threshold=0.3), [2, 1, 3, 2]),
        (Form("ties", threshold=0.1), [3, 1, 4, 2]),
        (Form("ties", threshold=1.4), [1, 1, 2, 1]),
        (Form("ties", threshold=9.0), [1, 1, 1, 1]),
    ],
)
def test_a_form_asks_for_its_ranks(form: Form, ranks: list[int]) -> None:
    assert form.ranks(IMPRESSIONS).tolist() == ranks


def test_a_pair_is_a_ranking_of_two() -> None:
    assert Form("pair", 2).ranks(np.array([-1.0, 4.0])).tolist() == [2, 1]


def test_best_and_worst_of_two_are_both_known() -> None:
    assert Form("best-worst", 2).ranks(np.array([-1.0, 4.0])).tolist() == [-1, 1]


def test_ties_of_pairs_come_as_often_as_rao_and_kupper_say() -> None:
    theta, threshold, count = np.array([0.4, -0.2]), 0.7, 8000
    voters = Voters(Electorate(), theta, count, np.random.default_rng(3))
    form = Form("ties", 2, threshold)
    seen = [tuple(form.ranks(voters.impressions(ballot, np.arange(2))).tolist()) for ballot in range(count)]
    first, second = (1 / (1 + math.exp(threshold - gap)) for gap in (0.6, -0.6))
    counts = [seen.count(ranks) for ranks in ((1, 2), (2, 1), (1, 1))]
    assert sum(counts) == count
    expected = [first * count, second * count, (1 - first - second) * count]
    assert stats.chisquare(counts, expected).pvalue > 0.01


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "stars"}, "rank, pair, best, best-worst, ties, not 'stars'"),
        ({"size": 1}, "2 to 8 contestants, not 1"),
        ({"size": 9}, "2 to 8 contestants, not 9"),
        ({"name": "pair", "size": 4}, "a pair has two contestants, not 4"),
        ({"threshold": -0.1}, "threshold must be 0 or above"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(wrong, message) -> None:
    with pytest.raises(LaboratoryError, match=message):
        Form(**wrong)
