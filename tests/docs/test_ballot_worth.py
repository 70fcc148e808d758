"""The table of what a ballot is worth, worked out from every possible answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from tests.conftest import REPOSITORY

Order = tuple[int, ...]
SEEN: dict[str, Callable[[Order], Order]] = {  # what of an order a ballot shows
    "all in order": lambda order: order,
    "the best and the worst": lambda order: (order[0], order[-1]),
    "the best": lambda order: order[:1],
}


def information(size: int, seen: Callable[[Order], Order]) -> float:
    """Trace of the Fisher information of one ballot about equal Plackett-Luce strengths.

    The score of what is seen is the mean of the scores of all orders that look like it; at equal strengths all orders
    are equally likely.
    """
    scores: dict[Order, list[np.ndarray]] = defaultdict(list)
    for order in permutations(range(size)):
        score = np.zeros(size)
        for place in range(size - 1):
            score[order[place]] += 1
            score[list(order[place:])] -= 1 / (size - place)
        scores[seen(order)].append(score)
    total = sum(map(len, scores.values()))
    return sum(len(alike) / total * float(np.sum(np.mean(alike, axis=0) ** 2)) for alike in scores.values())


@pytest.mark.parametrize("ballot", SEEN)
def test_the_documented_worth_is_that_of_the_model(ballot: str) -> None:
    page = (REPOSITORY / "docs/explanation/matchmaking.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| {ballot} |"))
    told = [cell.strip() for cell in row.split("|")[2:-1]]
    pair = information(2, SEEN["the best"])

    assert told == [f"{information(size, SEEN[ballot]) / pair:.2f}" for size in (3, 4, 6, 8)]
