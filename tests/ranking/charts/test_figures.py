from __future__ import annotations

import pytest

from ranking.charts.figures import listed, number, percent, rank_range, rating


@pytest.mark.parametrize(("value", "text"), [(1042.4, "1042"), (-3.6, "−4"), (-0.2, "0"), (0.0, "0"), (999.5, "1000")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((1024.0, 1060.0), "1042 ± 18"),
        ((1041.6, 1042.4), "1042.0 ± 0.4"),  # never "± 0" for something uncertain
        ((1042.0, 1042.0), "1042 ± 0"),
        ((1002.0, 1062.0), "1042 ± 30"),
    ],
)
def test_a_rating_carries_half_its_interval(ends: tuple[float, float], text: str) -> None:
    assert rating(1042.0, *ends) == text


def test_ranks_shares_and_lists() -> None:
    assert (rank_range(2, 4), rank_range(3, 3)) == ("2–4", "3")
    assert (percent(0.95), percent(0.999), percent(0.07)) == ("95\u00a0%", "99.9\u00a0%", "7\u00a0%")
    assert [listed(list("ABCDE"[:count])) for count in (1, 2, 3, 5)] == [
        "A",
        "A and B",
        "A, B and C",
        "A, B, C and 2 more",
    ]
