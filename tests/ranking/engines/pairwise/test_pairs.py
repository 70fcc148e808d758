"""Which pairs a ballot observes, counted fast and counted one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.pairwise.pairs import observed, pair_notes, required
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, names, simulated, some_ballots
from tests.ranking.engines.pairwise.peers import llmfao, llmfao_golden, toy
from tests.ranking.engines.pairwise.references import counted

WIDE = settings(max_examples=100, deadline=None)


@WIDE
@given(some_ballots(), st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=12, max_size=12))
def test_counts_agree_with_listing_every_pair(ballots, weights) -> None:
    evidence = evidence_of(ballots, 6, weight=weights[: len(ballots)])
    wins, ties = counted(evidence)
    pairs = observed(evidence)
    np.testing.assert_allclose(pairs.wins, wins)
    np.testing.assert_allclose(pairs.ties, ties)


def test_the_unknown_lies_between_the_top_and_the_bottom() -> None:
    pairs = observed(evidence_of([([0, 1, 2, 3], [1, None, None, -1])], 4))
    expected = np.zeros((4, 4))
    expected[0, 1:] = 1
    expected[:3, 3] = 1
    np.testing.assert_array_equal(pairs.wins, expected)
    assert pairs.tally.long_pairs == 5
    assert pairs.tally.hidden_pairs == 1
    assert not pairs.ties.any()


def test_best_of_four_is_three_wins_and_no_tie() -> None:
    pairs = observed(evidence_of([([0, 1, 2, 3], [1, None, None, None])], 4))
    assert pairs.wins.sum() == 3
    assert not pairs.ties.any()


def test_ranks_from_the_bottom_count_upwards() -> None:
    pairs = observed(evidence_of([([0, 1, 2], [-1, -2, None])], 3))
    np.testing.assert_array_equal(pairs.wins, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_golden_counts_of_evalica(name) -> None:
    """Its method "counting": wins, and half of ties."""
    evidence, golden = (llmfao(), llmfao_golden()) if name == "llmfao" else toy(name)
    counts = dict(zip(evidence.items, observed(evidence).halved.sum(axis=1).tolist(), strict=True))
    assert counts == golden["counting"]


def test_the_tally_counts_ballots_and_pairs_without_their_weights() -> None:
    ballots = [
        ([0, 1], [1, 2]),
        ([0, 1], [1, 1]),
        ([0, 1, 2], [1, 1, None]),
        ([0, 1, 2], [None, None, None]),
        ([0, 1], [None, None]),
    ]
    tally = observed(evidence_of(ballots, 3, weight=[5.0] * 5)).tally
    assert (tally.pair_ballots, tally.long_ballots, tally.long_pairs) == (2, 1, 3)
    assert (tally.tied_pairs, tally.hidden_pairs, tally.pairs) == (2, 0, 5)


def test_every_way_in_which_ballots_are_changed_is_stated() -> None:
    evidence = evidence_of(
        [([0, 1, 2], [1, None, None]), ([0, 1], [1, 1]), ([1, 2], [None, None]), ([1, 2], [None, None])],
        3,
        all_bad=[False, False, True, False],
    )
    found = pair_notes(evidence, observed(evidence), ties="count as half a win each way", dependence="so beware")
    assert found == [
        "1 ballots on three or more contestants are broken into 2 observed pairs, which are not independent of each"
        " other; so beware",
        "1 pairs shown on these ballots have no observed order and count for nothing",
        "1 of 3 observed pairs are ties; they count as half a win each way",
        "1 of 4 ballots (25.0 %) say all bad; they move no strength",
        "1 of 4 ballots rank nothing and count for nothing",
    ]


def test_plain_pairs_need_no_note() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    assert pair_notes(evidence, observed(evidence), ties="x", dependence="y") == []


@WIDE
@given(some_ballots())
def test_as_terms_they_are_the_likelihood_of_the_pairs_on_their_own(ballots) -> None:
    alone = [
        ([slots[left], slots[right]], [ranks[left], ranks[right]])
        for slots, ranks in ballots
        for left, right in combinations(range(len(slots)), 2)
    ]
    theta = np.linspace(-1, 2, 6)
    found = observed(evidence_of(ballots, 6)).terms().evaluate(theta)
    expected = group(evidence_of(alone, 6)).evaluate(theta)
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, atol=1e-12)


def test_a_million_ballots_are_counted_exactly() -> None:
    rng = np.random.default_rng(1)
    evidence = simulated(rng.normal(size=50), 1_000_000, 4, rng)
    pairs = observed(evidence)
    assert pairs.wins.sum() == 6_000_000
    beaten = np.bincount(evidence.slots, 4 - evidence.ranks, 50)
    np.testing.assert_allclose(pairs.wins.sum(axis=1), beaten)


def test_no_pair_at_all_is_refused_with_the_reason() -> None:
    evidence = evidence_of([([0, 1], [None, None])] * 3, 2, all_bad=[True, True, False])
    with pytest.raises(FitError, match="of 3 ballots 2 say all bad and 1 rank nothing"):
        required(evidence, "win-rate")
    with pytest.raises(FitError, match="no items"):
        observed(Evidence.from_arrays((), np.empty((0, 2), int), np.empty((0, 2), int)))


def test_no_ballots_are_no_pairs() -> None:
    none = np.empty((0, 2), int)
    pairs = observed(Evidence.from_arrays(names(3), none, none))
    assert not pairs.played.any()
    assert pairs.tally.pairs == 0
