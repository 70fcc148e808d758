"""Borda against counting by hand, an election everybody knows, and at the extremes."""

from __future__ import annotations

from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from ranking.engines.errors import FitError
from ranking.engines.standings import standings
from ranking.engines.voting.borda import fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.voting.tennessee import CITIES, tennessee

WIDE = settings(max_examples=60, deadline=None)


def by_hand(ballots, weights, items: int) -> np.ndarray:
    """Average over every complete order that a ballot allows."""
    points, weight = np.zeros(items), np.zeros(items)
    for (slots, ranks), w in zip(ballots, weights, strict=True):
        if all(rank is None for rank in ranks):
            continue
        keys = [(0, r) if r and r > 0 else (2, r) if r else (1, 0) for r in ranks]
        possible = [
            order for order in permutations(range(len(slots)))
            if all(keys[order[i]] <= keys[order[i + 1]] for i in range(len(order) - 1))
        ]  # fmt: skip
        for order in possible:
            for place, position in enumerate(order):
                points[slots[position]] += w / len(possible) * (len(slots) - 1 - place) / (len(slots) - 1)
        for slot in slots:
            weight[slot] += w
    return np.where(weight > 0, points / np.maximum(weight, 1e-300), 0.5)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_scores_agree_with_averaging_over_the_orders_a_ballot_allows(ballots, weights) -> None:
    weights = weights[: len(ballots)]
    evidence = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    assume(evidence.informative().any())
    np.testing.assert_allclose(fit(evidence).mean, by_hand(ballots, weights, 6), atol=1e-12)


def test_the_capital_of_tennessee() -> None:
    """The standard example: points 194, 173, 126, 107 of 300 for Nashville, Chattanooga, Memphis, Knoxville."""
    found = fit(tennessee())
    points = dict(zip(CITIES, (300 * found.mean).round(9).tolist(), strict=True))
    assert points == {"Memphis": 126, "Nashville": 194, "Chattanooga": 173, "Knoxville": 107}


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_relabelling_reordering_and_repeating_change_nothing(ballots, labels, random, times) -> None:
    evidence = evidence_of(ballots, 6, weight=[float(times)] * len(ballots))
    assume(evidence.informative().any())
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots] * times
    random.shuffle(shuffled)
    first, second = fit(evidence), fit(evidence_of(shuffled, 6))
    np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-12)
    np.testing.assert_allclose(second.covariance[np.ix_(labels, labels)], first.covariance, atol=1e-12)


@pytest.mark.parametrize("known", [None, 1])
def test_the_covariance_is_that_of_repeating_the_experiment(known) -> None:
    rng = np.random.default_rng(4)
    theta = np.array([1.0, 0.4, 0.0, -0.5, -0.9])
    repeated = np.array([fit(simulated(theta, 400, 4, rng, known=known)).mean for _ in range(400)])
    expected = np.cov(repeated.T)
    found = fit(simulated(theta, 400, 4, rng, known=known)).covariance
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(expected)), rtol=0.15)
    np.testing.assert_allclose(found, expected, atol=np.diag(expected).max() * 0.3)
    assert np.linalg.eigvalsh(found).min() > 0


def test_ballots_of_one_voter_widen_only_intervals_over_voters() -> None:
    rng = np.random.default_rng(5)
    drawn = simulated(rng.normal(size=5), 200, 4, rng)
    ballots = [(drawn.slots[4 * n : 4 * n + 4].tolist(), drawn.ranks[4 * n : 4 * n + 4].tolist()) for n in range(200)]
    alone = np.sqrt(np.diag(fit(drawn).covariance))
    copied = evidence_of(ballots * 4, 5, voters=[f"v{n}" for n in range(200)] * 4)
    np.testing.assert_allclose(np.sqrt(np.diag(fit(copied).covariance)) / alone, 0.5, rtol=0.05)
    np.testing.assert_allclose(np.sqrt(np.diag(fit(copied, intervals="voters").covariance)) / alone, 1, rtol=0.05)


@pytest.mark.parametrize("intervals", ["ballots", "voters"])
@pytest.mark.parametrize(("won", "lost"), [(1, 0), (2, 0), (3, 0), (4, 1), (30, 10)])
def test_the_intervals_of_a_pair_are_those_of_a_share_nothing_was_known_of(won, lost, intervals) -> None:
    """Beta(won + 1, lost + 1), so that one ballot is no certainty; the shares of the two always add up to one."""
    expected = beta(won + 1, lost + 1)
    found = fit(evidence_of([([0, 1], [1, 2])] * won + [([1, 0], [1, 2])] * lost, 2), intervals=intervals)
    assert found.mean[0] == pytest.approx(won / (won + lost))
    np.testing.assert_allclose(found.covariance, expected.var() * np.array([[1, -1], [-1, 1]]), atol=1e-12)
    np.testing.assert_allclose(found.draws.sum(axis=1), 1, atol=1e-9)
    best = {row.item: row for row in standings(found)}["c0"]
    assert best.p_best == pytest.approx(expected.sf(0.5), abs=0.002)
    assert [best.low, best.high] == pytest.approx(expected.ppf([0.025, 0.975]).tolist(), abs=0.005)


def test_many_ballots_of_one_voter_are_one_voter() -> None:
    ballots = [([0, 1], [1, 2])] * 100
    one = fit(evidence_of(ballots, 2, voters=["v"] * 100), intervals="voters")
    np.testing.assert_allclose(one.covariance, fit(evidence_of(ballots[:1], 2)).covariance)
    np.testing.assert_allclose(one.draws, fit(evidence_of(ballots[:1], 2)).draws)


@WIDE
@given(some_ballots(), st.sampled_from(["ballots", "voters"]), st.sampled_from([1e-300, 0.5, 1.0, 1e9]))
def test_every_draw_is_a_share(ballots, intervals, heavy) -> None:
    weight = [heavy if number % 3 == 0 else 1.0 for number in range(len(ballots))]
    evidence = evidence_of(ballots, 6, weight=weight, voters=[f"v{number % 4}" for number in range(len(ballots))])
    assume(evidence.informative().any())
    found = fit(evidence, intervals=intervals)
    assert found.draws.min() >= 0
    assert found.draws.max() <= 1
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12


def test_the_first_of_two_equals_is_not_settled_by_chance() -> None:
    """Never within three ballots; later each of the two at the 5 % that a rank interval leaves, and steps of counts."""
    for count, most in ((1, 0), (2, 0), (3, 0), (4, 0.125), (5, 0.0625), (12, 0.147)):
        settled = 0.0
        for won in range(count + 1):
            ballots = [([0, 1], [1, 2])] * won + [([1, 0], [1, 2])] * (count - won)
            settled += comb(count, won) / 2**count * (standings(fit(evidence_of(ballots, 2)))[0].rank_high == 1)
        assert settled <= most


def test_every_ballot_is_accounted_for() -> None:
    evidence = evidence_of(
        [([0, 1, 2, 3], [1, None, None, None]), ([0, 1], [None, None]), ([0, 1], [None, None])],
        5,
        all_bad=[False, True, False],
    )
    found = fit(evidence)
    np.testing.assert_allclose(found.mean, [1, 1 / 3, 1 / 3, 1 / 3, 0.5])
    assert found.warnings == (
        "c4: on no ballot that ranks, shown with a score of one half",
        "3 pairs shown on ranked ballots have no observed order and count half a point each way",
        "1 of 3 ballots (33.3 %) say all bad; they move no strength",
        "1 of 3 ballots rank nothing and count for nothing",
    )


def test_senseless_requests_are_refused() -> None:
    with pytest.raises(FitError, match="none of 2 does"):
        fit(evidence_of([([0, 1], [None, None])] * 2, 2))
    with pytest.raises(FitError, match="intervals must be one of ballots, voters, none"):
        fit(evidence_of([([0, 1], [1, 2])], 2), intervals="model")
    assert fit(evidence_of([([0, 1], [1, 2])], 2), intervals="none").covariance is None
