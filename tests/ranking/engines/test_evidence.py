"""Ballots as arrays: built in three ways, checked once, unchangeable."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.errors import EvidenceError
from ranking.engines.evidence import UNKNOWN, Evidence, Labels
from ranking.engines.interchange import BallotRecord, read_ballots

ITEMS = ("a", "b", "c")


def test_records_become_arrays_in_order_of_first_appearance() -> None:
    evidence = Evidence.from_ballots(
        [
            BallotRecord(items=("b", "a"), ranks=(1, 2), voter="v1", prompt="p", strength=2),
            BallotRecord(items=("c", "a", "b"), ranks=(1, None, -1), voter="v2", protocol="best-worst", weight=2.0),
            BallotRecord(items=("a", "c"), ranks=(None, None), voter="v1", all_bad=True),
        ]
    )
    assert evidence.items == ("b", "a", "c")
    assert evidence.offsets.tolist() == [0, 2, 5, 7]
    assert evidence.slots.tolist() == [0, 1, 2, 1, 0, 1, 2]
    assert evidence.ranks.tolist() == [1, 2, 1, UNKNOWN, -1, UNKNOWN, UNKNOWN]
    assert evidence.all_bad.tolist() == [False, False, True]
    assert evidence.strength.tolist() == [2, 0, 0]
    assert evidence.weight.tolist() == [1.0, 2.0, 1.0]
    assert evidence.voters.names == ("v1", "v2")
    assert evidence.voters.index.tolist() == [0, 1, 0]
    assert evidence.prompts.index.tolist() == [0, -1, -1]
    assert evidence.protocols.counts() == {"best-worst": 1}
    assert evidence.informative().tolist() == [True, True, False]
    assert evidence.shown().tolist() == [2, 3, 2]
    assert len(evidence) == 3


def test_given_items_keep_their_order_and_are_the_only_ones() -> None:
    evidence = Evidence.from_ballots([BallotRecord(items=("c", "a"), ranks=(1, 2))], items=ITEMS)
    assert evidence.items == ITEMS
    assert evidence.slots.tolist() == [2, 0]
    with pytest.raises(EvidenceError, match="ballot 0: unknown item 'x'"):
        Evidence.from_ballots([BallotRecord(items=("x", "a"), ranks=(1, 2))], items=ITEMS)


def test_pairs_have_a_winner_or_tie() -> None:
    evidence = Evidence.from_pairs(ITEMS, [0, 1, 2], [1, 2, 0], [1, -1, 0])
    assert evidence.ranks.tolist() == [1, 2, 2, 1, 1, 1]
    with pytest.raises(EvidenceError, match="ballot 1: outcome must be -1, 0 or 1, not 2"):
        Evidence.from_pairs(ITEMS, [0, 1], [1, 2], [1, 2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slots": [[0, 3]]}, "ballot 0: item index 3 with 3 items"),
        ({"slots": [[0, -1]]}, "ballot 0: item index -1 with 3 items"),
        ({"slots": [[1, 1]]}, "ballot 0: an item appears twice"),
        ({"slots": [[0]], "ranks": [[1]]}, "ballot 0: a ballot needs at least two items, this one has 1"),
        ({"slots": [[0.0, 1.0]]}, "slots must be whole numbers, not float64"),
        ({"slots": [0, 1], "ranks": [1, 2]}, "slots must have one row a ballot"),
        ({"ranks": [[1, 2, 3]]}, "ranks has shape"),
        ({"ranks": [[1, 2**40]]}, "ranks holds a number outside"),
        ({"weight": [0.0]}, r"ballot 0: weight must be above 0 and at most 1e\+09, not 0.0"),
        ({"weight": [-1.0]}, "ballot 0: weight must be above 0"),
        ({"weight": [np.nan]}, "ballot 0: weight must be above 0"),
        ({"weight": [np.inf]}, "ballot 0: weight must be above 0"),
        ({"weight": [1.0, 1.0]}, r"weight has shape \(2,\) for 1 ballots"),
        ({"weight": ["1"]}, "weight must be numbers"),
        ({"all_bad": [True]}, "ballot 0: all_bad, but some ranks are known"),
        ({"all_bad": [1]}, "all_bad must be true or false"),
        ({"strength": [4]}, r"ballot 0: strength must be 1, 2 or 3 \(0 for none\), not 4"),
        ({"strength": [1], "ranks": [[1, 1]]}, "ballot 0: strength is for pairs with a winner"),
        ({"voters": ["v", "w"]}, r"voters has shape \(2,\) for 1 ballots"),
        ({"voters": Labels(("v",), np.array([1], np.int32))}, "voters has an index outside its 1 names"),
        ({"offsets": [0, 1], "slots": [0, 1], "ranks": [1, 2]}, "offsets must rise from 0 to the number of slots"),
        ({"offsets": [], "slots": [0, 1], "ranks": [1, 2]}, "offsets must hold at least the 0"),
        ({"items": ("a", "b", "a")}, "items holds the same name twice"),
    ],
)
def test_arrays_that_are_not_evidence_are_refused(changes, message) -> None:
    arguments = {"items": ITEMS, "slots": [[0, 1]], "ranks": [[1, 2]], **changes}
    with pytest.raises(EvidenceError, match=message):
        Evidence.from_arrays(**arguments)


def test_the_first_wrong_ballot_is_named() -> None:
    with pytest.raises(EvidenceError, match="ballot 2: an item appears twice"):
        Evidence.from_arrays(ITEMS, [[0, 1], [1, 2], [2, 2], [0, 0]], [[1, 2]] * 4)


def test_evidence_cannot_change_after_it_was_checked() -> None:
    slots = np.array([[0, 1]])
    evidence = Evidence.from_arrays(ITEMS, slots, [[1, 2]])
    slots[0, 0] = 2
    assert evidence.slots.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        evidence.ranks[0] = 5
    with pytest.raises(AttributeError):
        evidence.items = ()  # type: ignore[misc]


def test_a_part_of_the_evidence_is_evidence() -> None:
    evidence = Evidence.from_arrays(
        ITEMS, [0, 1, 0, 1, 2, 1, 2], [1, 2, 3, 2, 1, 1, 2], offsets=[0, 2, 5, 7], voters=["x", "y", "x"]
    )
    part = evidence.take(np.array([2, 1, 1]))
    assert part.slots.tolist() == [1, 2, 0, 1, 2, 0, 1, 2]
    assert part.ranks.tolist() == [1, 2, 3, 2, 1, 3, 2, 1]
    assert part.voters.index.tolist() == [0, 1, 1]
    assert evidence.take(np.array([True, False, True])).slots.tolist() == [0, 1, 1, 2]
    with pytest.raises(EvidenceError, match="a mask of 2 for 3 ballots"):
        evidence.take(np.array([True, False]))


def test_no_ballots_are_evidence_too() -> None:
    evidence = Evidence.from_ballots([], items=ITEMS)
    assert len(evidence) == 0
    assert evidence.informative().tolist() == []
    assert evidence.shown().tolist() == [0, 0, 0]


def test_a_file_goes_straight_into_arrays() -> None:
    found = read_ballots(['{"items": ["a", "b"], "ranks": [null, -1]}', '{"items": ["b", "c"], "ranks": [1, 1]}'])
    assert Evidence.from_ballots(found.ballots).ranks.tolist() == [UNKNOWN, -1, 1, 1]
