"""Connectivity and identifiability: named cases, and against the definition by linear programming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import linprog

from ranking.engines.connections import connections
from ranking.engines.evidence import Evidence
from tests.ranking.engines.ballots import evidence_of, names, some_ballots


def pairs_of(open_pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(open_pairs)), strict=True)}


def test_a_cycle_is_identified() -> None:
    found = connections(evidence_of([([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2])], 3))
    assert found.identified
    assert found.components == found.strong == ((0, 1, 2),)
    assert not found.open_order.any()
    assert not found.open_distance.any()
    assert len(found.sentences()) == 1


def test_a_chain_has_an_order_but_no_distances() -> None:
    found = connections(evidence_of([([2, 1], [1, 2]), ([1, 0], [1, 2])], 3))
    assert not found.identified
    assert found.strong == ((2,), (1,), (0,))
    assert not found.open_order.any()
    assert pairs_of(found.open_distance) == {(0, 1), (0, 2), (1, 2)}
    assert any("within 3 pairs one contestant never lost" in line for line in found.sentences())


def test_two_who_beat_the_same_one_have_no_order() -> None:
    found = connections(evidence_of([([0, 1], [1, 2]), ([2, 1], [1, 2])], 3))
    assert found.components == ((0, 1, 2),)
    assert pairs_of(found.open_order) == {(0, 2)}
    assert "the ballots leave the order open within 1 pairs: c0 and c2" in found.sentences()
    assert found.as_dict()["open_order"] == [["c0", "c2"]]


def test_groups_that_never_met_and_who_stands_alone_are_named() -> None:
    found = connections(evidence_of([([0, 1], [1, 1]), ([2, 3], [1, 1])], 5))
    assert found.components == ((0, 1), (2, 3), (4,))
    assert pairs_of(found.open_order) == {(a, b) for a in (0, 1) for b in (2, 3)} | {(a, 4) for a in range(4)}
    text = " ".join(found.sentences())
    assert "c4 was compared with nobody" in text
    assert "2 groups were never compared with each other: c0, c1; c2, c3" in text


def test_best_of_four_says_nothing_about_the_other_three() -> None:
    found = connections(Evidence.from_arrays(names(4), [[0, 1, 2, 3]], [[1, 0, 0, 0]]))
    assert found.strong[0] == (0,)
    assert pairs_of(found.open_order) == {(1, 2), (1, 3), (2, 3)}


@pytest.mark.parametrize("count", [0, 1])
def test_no_ballots(count) -> None:
    found = connections(evidence_of([], count))
    assert found.identified
    assert len(found.sentences()) == 1


@settings(max_examples=40, deadline=None)
@given(some_ballots(most=6))
def test_open_means_that_both_orders_cost_no_ballot_anything(ballots) -> None:
    """A direction that moves nobody below somebody they were above, or level with, loses no likelihood in the limit."""
    found = connections(evidence_of(ballots, 6))
    above = []
    for slots, ranks in ballots:
        known = [1e6 if rank is None else (rank if rank > 0 else 2e6 + rank) for rank in ranks]
        for i, a in enumerate(slots):
            for j, b in enumerate(slots):
                if i != j and known[i] <= known[j] and not (ranks[i] is None and ranks[j] is None):
                    above.append(np.eye(6)[b] - np.eye(6)[a])
    limit = {"A_ub": np.array(above), "b_ub": np.zeros(len(above))} if above else {}
    for a in range(6):
        for b in range(a):
            gain = np.eye(6)[a] - np.eye(6)[b]
            up, down = (-linprog(-sign * gain, bounds=(-1, 1), **limit).fun > 1e-6 for sign in (1, -1))
            assert found.open_order[a, b] == (up and down)
            assert found.open_distance[a, b] == (up != down)
    assert found.identified == (not found.open_order.any() and not found.open_distance.any())
