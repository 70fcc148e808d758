"""Grouping is exact: whatever tables it uses, it holds the same choices as counting them one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.engines import terms
from ranking.engines.evidence import Evidence
from tests.ranking.engines.ballots import evidence_of, names, simulated, some_ballots


def counted(evidence: Evidence) -> tuple[Counter, np.ndarray]:
    """Choice sets and wins of full rankings without ties, the plain way."""
    sets, wins = Counter(), np.zeros(len(evidence.items))
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        order = evidence.slots[span][np.argsort(evidence.ranks[span])].tolist()
        for stage in range(len(order) - 1):
            sets[tuple(sorted(order[stage:]))] += 1
            wins[order[stage]] += 1
    return sets, wins


def listed(found: terms.Terms) -> dict[tuple[int, ...], float]:
    rows = [tuple(found.members[found.starts[row] : found.starts[row + 1]].tolist()) for row in range(len(found.mass))]
    assert len(set(rows)) == len(rows), "a set is listed twice"
    assert (found.split == 0).all()
    return dict(zip(rows, found.mass.tolist(), strict=True))


@pytest.mark.parametrize(
    ("items", "ballots", "size"),
    [
        (8, 4000, 4),  # every size has a table
        (40, 2000, 5),  # tables for pairs and triples, the rest packed
        (256, 500, 8),  # keys that fill all 64 bits
        (300, 500, 7),  # pairs alone do not fit a table
        (300, 200, 9),  # ballots whose largest sets need more than 64 bits: hashed, the smaller ones packed
        (100, 60, 100),  # nearly all sets are too large for a key
    ],
)
def test_every_choice_is_counted_once(items, ballots, size) -> None:
    rng = np.random.default_rng(items)
    evidence = simulated(rng.normal(0, 1, items), ballots, size, rng)
    sets, wins = counted(evidence)
    found = terms.group(evidence)
    assert listed(found) == dict(sets)
    np.testing.assert_allclose(found.wins, wins)


def test_chunks_and_growing_tables_lose_nothing(monkeypatch) -> None:
    monkeypatch.setattr(terms, "CHUNK", 8)
    monkeypatch.setattr(terms, "TABLE", 30)
    rng = np.random.default_rng(0)
    evidence = simulated(rng.normal(0, 1, 12), 700, 6, rng)
    sets, wins = counted(evidence)
    found = terms.group(evidence)
    assert listed(found) == dict(sets)
    np.testing.assert_allclose(found.wins, wins)


@pytest.mark.parametrize(("table", "key_bits"), [(0, 64), (30, 64), (30, 9), (0, 0)])
@given(some_ballots(most=30), st.data())
def test_tables_keys_and_hashing_hold_the_same(table, key_bits, ballots, data) -> None:
    weight = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(ballots), max_size=len(ballots)))
    evidence = evidence_of(ballots, 6, weight=np.array(weight))
    usual = terms.group(evidence)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "TABLE", table)
        patch.setattr(terms, "KEY_BITS", key_bits)
        other = terms.group(evidence)
    assert split_rows(other) == pytest.approx(split_rows(usual))
    np.testing.assert_allclose(other.wins, usual.wins, atol=1e-12)


def split_rows(found: terms.Terms) -> dict[tuple[tuple[int, ...], int], float]:
    rows = [
        (tuple(found.members[found.starts[row] : found.starts[row + 1]].tolist()), int(found.split[row]))
        for row in range(len(found.mass))
    ]
    assert len(set(rows)) == len(rows), "a row is listed twice"
    return dict(zip(rows, found.mass.tolist(), strict=True))


def test_pairs_with_ties_and_top_ranks_need_no_expansion(monkeypatch) -> None:
    """The quick loop handles what most ballots are; were it to pass them on, only the speed would tell."""
    monkeypatch.setattr(terms.kernels, "expand", None)
    ballots = [([3, 1], [1, 1]), ([0, 2], [2, 7]), ([4, 0, 2], [1, None, None]), ([1, 2, 3], [-3, -1, -2])]
    found = terms.group(evidence_of(ballots, 5))
    assert listed(found) == {(1, 3): 1.0, (0, 2): 1.0, (0, 2, 4): 1.0, (1, 2, 3): 1.0, (2, 3): 1.0}
    np.testing.assert_allclose(found.wins, [1, 1.5, 0, 1.5, 1])


def test_a_tie_counts_the_set_left_after_each_subset() -> None:
    found = terms.group(evidence_of([([4, 2, 3, 0], [1, 1, 1, 2])], 5))
    third = pytest.approx(1 / 3)
    assert listed(found) == {
        (0, 2, 3, 4): 1.0,
        (0, 2, 3): third, (0, 2, 4): third, (0, 3, 4): third,
        (0, 2): third, (0, 3): third, (0, 4): third,
    }  # fmt: skip
    np.testing.assert_allclose(found.wins, [0, 0, 1, 1, 1])


def test_a_pair_tied_is_half_a_win_each_way() -> None:
    found = terms.group(evidence_of([([1, 0], [1, 1])], 2))
    assert listed(found) == {(0, 1): 1.0}
    np.testing.assert_allclose(found.wins, [0.5, 0.5])


def test_components_are_the_groups_that_ballots_join() -> None:
    ballots = [([0, 3], [1, 2]), ([5, 6, 7], [1, None, -1]), ([3, 4], [1, 1]), ([1, 2], [None, None])]
    assert terms.group(evidence_of(ballots, 8)).components() == [[0, 3, 4], [5, 6, 7], [1], [2]]


def test_best_only_joins_everyone_who_was_shown() -> None:
    evidence = Evidence.from_arrays(names(4), [[0, 1, 2, 3]], [[1, 0, 0, 0]])
    assert terms.group(evidence).components() == [[0, 1, 2, 3]]
