"""Grouping is exact: whatever tables it uses, it holds the same choices as counting them one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
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
    assert (found.split == 0).all()
    return {members: mass for (members, _), mass in split_rows(found).items()}


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


def split_rows(found: terms.Terms) -> Counter:
    """The mass of each set, those of chains one by one."""
    rows = [tuple(found.members[found.starts[row] : found.starts[row + 1]].tolist()) for row in range(len(found.mass))]
    keys = list(zip(rows, found.split.tolist(), found.picks.tolist(), strict=True))
    assert len(set(keys)) == len(keys), "a row is listed twice"
    sets: Counter = Counter()
    for (members, split, picks), mass in zip(keys, found.mass.tolist(), strict=True):
        if picks == 1:
            sets[members, split] += mass
        else:
            assert split == 0
            for place in range(picks):
                sets[tuple(sorted(members[place:])), 0] += mass
    return sets


def unchained(evidence: Evidence) -> terms.Terms:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "_longest_set", lambda evidence, countable: terms.LONGEST)
        return terms.group(evidence)


LONG_RANKS = st.lists(st.sampled_from([None, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2]), min_size=12, max_size=12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.permutations(range(14)), LONG_RANKS), min_size=1, max_size=4), st.data())
@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 280.0, 1000.0])
def test_chains_are_the_same_likelihood_as_their_sets(spread, ballots, data) -> None:
    rows = [(slots[: len(ranks)], ranks) for slots, ranks in ballots]
    weight = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(rows), max_size=len(rows)))
    evidence = evidence_of(rows, 14, weight=np.array(weight))
    found, plain = terms.group(evidence), unchained(evidence)
    assert (plain.picks == 1).all()
    rng = np.random.default_rng(0)
    theta, direction = rng.normal(0, 1, 14), rng.normal(0, 1, 14)
    theta *= spread / np.ptp(theta)
    here = found.evaluate(theta)
    for one, other in zip(here, plain.evaluate(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)
    both = (each.bend(theta, here[2], direction) for each in (found, plain))
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7 if found.split.any() or spread > 300 else 1e-11)


def test_long_rankings_are_chains_until_their_sets_repeat(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    whole = simulated(rng.normal(0, 1, 100), 3, 100, rng)
    found = terms.group(whole)
    assert found.picks.tolist() == [99] * 3
    twice = terms.group(whole.take(np.array([0, 1, 2, 0])))
    assert sorted(twice.mass.tolist()) == [1, 1, 2]
    top = terms.group(simulated(rng.normal(0, 1, 100), 3, 100, rng, known=5))
    assert top.picks.tolist() == [5] * 3
    monkeypatch.setattr(terms, "TABLE", 0)
    monkeypatch.setattr(terms, "KEY_BITS", 0)
    few = simulated(rng.normal(0, 1, 6), 40, 6, rng)
    assert (terms.group(few).picks == 1).all()
    assert (terms.group(few.take(np.arange(10))).picks > 1).any()


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
