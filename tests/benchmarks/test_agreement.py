"""Scores on different scales are compared in logits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.agreement import agreement, logits

pytestmark = pytest.mark.pure

OURS = [-1.0, 0.25, 0.75]


@pytest.mark.parametrize(
    ("scale", "scores"),
    [
        ("logits", [4.0, 5.25, 5.75]),
        ("odds", [3 * math.exp(value) for value in OURS]),
        ("elo", [1000 + 400 * value / math.log(10) for value in OURS]),
        ("own", [25 + 7 * value for value in OURS]),
    ],
)
def test_the_same_strengths_on_another_scale_agree(scale: str, scores: list[float]) -> None:
    found = agreement(scores, scale, OURS)

    assert found.tau == pytest.approx(1)
    assert found.distance == pytest.approx(0, abs=1e-12)


def test_the_distance_is_a_root_mean_square_in_logits() -> None:
    found = agreement([0.0, 1.0, 2.0, 5.0], "logits", [0.0, 1.0, 3.0, 4.0])

    assert found.tau == pytest.approx(1)
    assert found.distance == pytest.approx(math.sqrt(2 / 4))


def test_an_opposite_order_is_no_agreement() -> None:
    assert agreement([3.0, 2.0, 1.0], "logits", [1.0, 2.0, 3.0]).tau == pytest.approx(-1)


def test_scores_are_centred() -> None:
    np.testing.assert_allclose(logits([1.0, math.e**2], "odds"), [-1, 1])


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(KeyError):
        logits(OURS, "stars")
