"""The chances of prompts: they sum to one, follow the rule, and keep to the quotas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.matchmaking.prompts import chances

JUDGED = np.array([4, 0, 2, 0])
WORTH = np.array([1.0, 3.0, 3.0, 0.0])
PATHS = [("people",), ("nature/sea",), ("nature",), ()]


def shares(rule: str, quota: dict[str, float] | None = None) -> list[float]:
    found: list[float] = chances(rule, JUDGED, WORTH, PATHS, quota or {}).round(12).tolist()
    return found


def test_even_gives_every_prompt_the_same() -> None:
    assert shares("even") == [0.25] * 4


def test_least_judged_shares_between_those_with_the_fewest_ballots() -> None:
    assert shares("least-judged") == [0, 0.5, 0, 0.5]


def test_most_informative_takes_the_most_worth_and_of_equals_the_least_judged() -> None:
    assert shares("most-informative") == [0, 1, 0, 0]


def test_a_quota_takes_all_below_its_path_and_the_rest_goes_to_the_others() -> None:
    assert shares("even", {"nature": 0.6}) == [0.2, 0.3, 0.3, 0.2]


def test_the_rule_holds_within_each_category() -> None:
    assert shares("least-judged", {"nature": 0.5, "people": 0.3}) == [0.3, 0.5, 0, 0.2]


def test_a_category_without_a_prompt_gives_its_share_to_the_others() -> None:
    assert shares("even", {"music": 0.5, "people": 0.25}) == pytest.approx([0.5, 0.5 / 3, 0.5 / 3, 0.5 / 3])


def test_quotas_that_leave_nothing_to_the_rest_show_only_them() -> None:
    assert shares("even", {"people": 1.0}) == [1, 0, 0, 0]


def test_quotas_for_nothing_that_is_there_are_as_none() -> None:
    assert shares("even", {"music": 1.0}) == [0.25] * 4


def test_a_path_is_not_the_beginning_of_a_word() -> None:
    assert chances("even", np.zeros(2, int), np.zeros(2), [("art",), ("artless",)], {"art": 1.0}).tolist() == [1, 0]


@given(
    rule=st.sampled_from(["even", "least-judged", "most-informative"]),
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 5), st.lists(st.sampled_from(["a", "a/b", "c", "d"]), max_size=2)),
        min_size=1,
        max_size=8,
    ),
    quota=st.dictionaries(st.sampled_from(["a", "a/b", "c"]), st.floats(0.01, 0.33), max_size=3),
)
def test_chances_are_never_negative_and_sum_to_one(
    rule: str, rows: list[tuple[int, float, list[str]]], quota: dict[str, float]
) -> None:
    judged, worth, paths = zip(*rows, strict=True)
    found = chances(rule, np.array(judged), np.array(worth), paths, quota)

    assert found.shape == (len(rows),)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
