"""Cycles are found where they are, and not where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines import reference
from ranking.engines.cycles import cycles
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNKNOWN, Evidence
from ranking.engines.plackett_luce import fit
from ranking.engines.redrawn import redrawn
from ranking.engines.triads import curls
from tests.ranking.engines.ballots import evidence_of, names, simulated


def rock_paper_scissors(rng: np.random.Generator, strength: float, games: int) -> Evidence:
    """Five contestants level with each other, of whom c1 beats c3, c3 beats c4 and c4 beats c1 by `strength` logits."""
    first, second = np.array([rng.choice(5, 2, replace=False) for _ in range(games)]).T
    push = np.zeros((5, 5))
    for a, b in ((1, 3), (3, 4), (4, 1)):
        push[a, b], push[b, a] = strength, -strength
    won = rng.random(games) < 1 / (1 + np.exp(-push[first, second]))
    return Evidence.from_pairs(names(5), first, second, np.where(won, 1, -1))


def test_a_cycle_is_found_and_named() -> None:
    found = cycles(rock_paper_scissors(np.random.default_rng(1), 0.8, 1200), replicates=99)
    assert found.p_value == 0.01  # the smallest that 99 replicates can show
    worst = found.worst[0]
    turns = {worst.items[place:] + worst.items[:place] for place in range(3)}
    assert ("c1", "c3", "c4") in turns
    assert worst.p_value == 0.01
    assert all(observed > expected for observed, expected in zip(worst.observed, worst.expected, strict=True))
    assert "in circles" in found.sentence()
    assert " over " in found.sentence()
    assert found.triads == 10
    assert len(found.worst) == 10


def test_p_values_are_honest_where_there_is_no_cycle() -> None:
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(40):
        evidence = simulated(rng.normal(0, 1, 6), 120, 3, rng)
        drawn.append(cycles(evidence, replicates=39, rng=rng).p_value)
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.14)  # three standard errors of a uniform mean
    assert np.mean(np.array(drawn) <= 0.1) <= 0.25


def test_best_and_worst_ties_and_tails_do_not_look_like_cycles() -> None:
    rng = np.random.default_rng(8)
    theta = rng.normal(0, 1, 5)
    slots = rng.random((600, 5)).argsort(axis=1)[:, :4]
    patterns = np.array([[1, UNKNOWN, UNKNOWN, -1], [1, 2, 2, 3], [1, UNKNOWN, UNKNOWN, UNKNOWN]])
    evidence = Evidence.from_arrays(names(5), slots, patterns[rng.integers(0, 3, 600)])
    evidence = redrawn(evidence, theta[evidence.slots], rng)
    assert cycles(evidence, replicates=59).p_value > 0.05


def test_the_curl_is_what_it_says() -> None:
    rng = np.random.default_rng(2)
    flow = np.triu(rng.normal(size=(6, 6)), 1)
    flow -= flow.T
    variance = np.triu(rng.uniform(0.5, 2, (6, 6)), 1)
    variance += variance.T
    variance[0, 1] = variance[1, 0] = np.inf
    worst, squares = np.zeros((3, 3), np.int64), np.empty(3)
    count, total, largest = curls(flow, variance, worst, squares)
    expected = {}
    for a in range(6):
        for b in range(a + 1, 6):
            for c in range(b + 1, 6):
                if (a, b) != (0, 1):
                    curl = flow[a, b] + flow[b, c] + flow[c, a]
                    key = (a, b, c) if curl > 0 else (a, c, b)
                    expected[key] = curl**2 / (variance[a, b] + variance[b, c] + variance[a, c])
    ranked = sorted(expected, key=expected.get, reverse=True)
    assert count == len(expected)
    assert total == pytest.approx(sum(expected.values()))
    assert largest == pytest.approx(expected[ranked[0]])
    assert [tuple(row) for row in worst.tolist()] == ranked[:3]
    np.testing.assert_allclose(squares, [expected[key] for key in ranked[:3]])


def test_redrawn_ballots_keep_their_pattern_and_follow_the_model() -> None:
    ballots = [([0, 1, 2, 3], [1, 2, 2, None]), ([3, 1], [1, 2]), ([2, 0, 1], [None, -1, 1]), ([0, 1], [None, None])]
    evidence = evidence_of(ballots, 4)
    again = redrawn(evidence, np.zeros(11), np.random.default_rng(0))
    for ballot in range(4):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        assert sorted(again.ranks[span]) == sorted(evidence.ranks[span])
        np.testing.assert_array_equal(again.slots[span], evidence.slots[span])
    theta = np.array([0.0, 1.0, -0.5])
    many = Evidence.from_arrays(names(3), np.tile([0, 1, 2], (30_000, 1)), np.tile([1, 2, 3], (30_000, 1)))
    drawn = redrawn(many, theta[many.slots], np.random.default_rng(1)).ranks.reshape(-1, 3)
    for order in ([1, 2, 3], [2, 1, 3], [3, 1, 2]):
        exact = np.exp(reference.ballot_term(theta, [0, 1, 2], order)[0])
        assert (drawn == order).all(axis=1).mean() == pytest.approx(exact, abs=0.01)


def test_without_triangles_there_is_nothing_to_test() -> None:
    found = cycles(evidence_of([([0, 1], [1, 2]), ([1, 2], [1, 2])], 3))
    assert (found.triads, found.p_value, found.worst) == (0, None, ())
    assert "cannot show" in found.sentence()


def test_the_default_generator_is_seeded_and_bad_arguments_are_refused() -> None:
    evidence = rock_paper_scissors(np.random.default_rng(3), 0.2, 200)
    assert cycles(evidence, replicates=9).as_dict() == cycles(evidence, fit(evidence), replicates=9).as_dict()
    assert cycles(evidence, replicates=0).p_value is None
    with pytest.raises(FitError, match="at least 0"):
        cycles(evidence, replicates=-1)
