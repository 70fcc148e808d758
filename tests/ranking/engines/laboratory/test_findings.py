"""What trials say together, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ranking.engines.laboratory import findings
from tests.ranking.engines.laboratory.trials_of import MARKS, trial


def test_the_mean_curve_and_single_seeds_are_different_questions() -> None:
    trials = [trial([0.5, 0.99, 0.99]), trial([0.5, 0.83, 0.99]), trial([0.5, 0.83, 0.85])]
    found = findings.found(trials).until["tau_0.9"]
    assert found.mean_curve == 100  # the mean of the last marks is 0.943, of the second 0.883
    assert (found.low, found.median, found.high) == (10, 100, None)
    assert found.reached == 2


def test_a_seed_that_does_not_get_there_is_later_than_all_others() -> None:
    trials = [trial([0, 0, 0], exact=exact) for exact in (None, 5, 7, None, 6)]
    found = findings.found(trials).until["exact"]
    assert (found.low, found.median, found.high, found.reached) == (6, 7, None, 3)


def test_one_seed_has_itself_for_quartiles() -> None:
    found = findings.found([trial([0.9, 0.9, 0.9], exact=4, exact_once=2)])
    assert found.until["exact_once"].median == 2
    assert found.until["exact"].low == found.until["exact"].high == 4
    assert found.until["tau_0.9"].mean_curve == 1


def test_curves_are_means_and_quartiles_over_seeds() -> None:
    taus = np.array([[0.1, 0.2, 0.3], [0.2, 0.4, 0.6], [0.6, 0.6, 0.6]])
    found = findings.found([trial(row) for row in taus])
    np.testing.assert_allclose(found.tau["mean"], taus.mean(axis=0))
    np.testing.assert_allclose(found.tau["median"], [0.2, 0.4, 0.6])
    np.testing.assert_allclose(found.tau["high"], np.quantile(taus, 0.75, axis=0))
    np.testing.assert_array_equal(found.marks, MARKS)


def test_engines_without_intervals_or_logits_have_none_of_those() -> None:
    found = findings.found([trial([0, 0, 0], rmse=None, covered_strengths=None, covered_ranks=None)])
    assert found.rmse is None
    assert found.final["rmse"] is found.final["covered_strengths"] is found.final["covered_ranks"] is None


def test_newcomers_are_averaged_over_the_seeds_that_came_so_far() -> None:
    found = findings.found([trial([0, 0, 0], placed={10: 4.0, 30: 2.0}), trial([0, 0, 0], placed={10: 6.0})])
    assert found.placed == {10: 5.0, 30: 2.0}


def test_as_a_dictionary_it_is_plain_json() -> None:
    found = findings.found([trial([1 / 3, 0.5, 1.0], placed={10: 4.0})]).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["curve"]["tau"]["mean"] == [0.3333, 0.5, 1.0]
    assert found["newcomers"] == {"10": 4.0}


@pytest.mark.parametrize(("values", "mean"), [([1.0, None, 3.0], 2.0), ([None], None)])
def test_a_spread_leaves_out_what_is_not_known(values: list[float | None], mean: float | None) -> None:
    found = findings.spread(values)
    assert (None if found is None else found.mean) == mean
