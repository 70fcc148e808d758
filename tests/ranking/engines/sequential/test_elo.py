"""Elo against the formula, golden scores, and what depends on the order."""

from __future__ import annotations

import evalica
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines import standings
from ranking.engines.errors import FitError
from ranking.engines.sequential.elo import POINTS_PER_LOGIT, fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.pairwise.peers import llmfao, llmfao_golden, toy
from tests.ranking.engines.pairwise.references import WIN, listed_pairs

WIDE = settings(max_examples=60, deadline=None)


def points(found) -> dict[str, float]:
    return {row.item: row.mean for row in standings.standings(found, scale="elo")}


def by_formula(evidence, k_factor: float) -> np.ndarray:
    rating = np.full(len(evidence.items), 1000.0)
    for ballot in range(len(evidence)):
        before, size = rating.copy(), int(np.diff(evidence.offsets)[ballot])
        for _, outcome, a, b in (pair for pair in listed_pairs(evidence) if pair[0] == ballot):
            expected = 1 / (1 + 10 ** ((before[b] - before[a]) / 400))
            change = k_factor * ((1.0 if outcome == WIN else 0.5) - expected) / (size - 1)
            rating[a] += change
            rating[b] -= change
    return rating


@WIDE
@given(some_ballots(), st.sampled_from([4.0, 32.0]))
def test_points_agree_with_the_formula(ballots, k_factor) -> None:
    evidence = evidence_of(ballots, 6)
    assume(any(True for _ in listed_pairs(evidence)))
    found = points(fit(evidence, k_factor=k_factor))
    np.testing.assert_allclose([found[item] for item in evidence.items], by_formula(evidence, k_factor), atol=1e-9)


def test_the_chess_formula() -> None:
    assert points(fit(evidence_of([([0, 1], [1, 2])], 2), k_factor=32)) == {"c0": 1016.0, "c1": 984.0}


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_golden_scores_of_evalica(name) -> None:
    """All of them, with ties as half a win; evalica counts ballots in the same order with K = 4 from 1000."""
    evidence, golden = (llmfao(), llmfao_golden()) if name == "llmfao" else toy(name)
    found = points(fit(evidence))
    for item, value in golden["elo"].items():
        assert found[item] == pytest.approx(value, abs=1e-9)


def test_agrees_with_evalica_on_random_pairs() -> None:
    rng = np.random.default_rng(7)
    evidence = simulated(rng.normal(size=8), 500, 2, rng)
    games = [(a, b) for _, _, a, b in listed_pairs(evidence)]
    peer = evalica.elo([a for a, _ in games], [b for _, b in games], [evalica.Winner.X] * len(games), k=16).scores
    found = points(fit(evidence, k_factor=16))
    np.testing.assert_allclose([found[f"c{item}"] for item in range(8)], peer.loc[range(8)], atol=1e-9)


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_slots_changes_nothing(ballots, labels, random) -> None:
    evidence = evidence_of(ballots, 6)
    assume(any(True for _ in listed_pairs(evidence)))
    shuffled = []
    for slots, ranks in ballots:
        places = random.sample(range(len(slots)), len(slots))
        shuffled.append(([labels[slots[place]] for place in places], [ranks[place] for place in places]))
    np.testing.assert_allclose(fit(evidence_of(shuffled, 6)).mean[labels], fit(evidence).mean, atol=1e-12)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_a_weight_is_a_repetition_in_a_row(ballots, weights) -> None:
    weights = weights[: len(ballots)]
    once = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    assume(once.informative().any())
    repeated = evidence_of([ballot for ballot, w in zip(ballots, weights, strict=True) for _ in range(w)], 6)
    np.testing.assert_allclose(fit(once).mean, fit(repeated).mean, atol=1e-12)


def test_the_order_of_ballots_matters_and_is_said_to() -> None:
    ballots = [([0, 1], [1, 2])] * 5 + [([0, 1], [2, 1])] * 5
    first, second = fit(evidence_of(ballots, 2), k_factor=32), fit(evidence_of(ballots[::-1], 2), k_factor=32)
    assert second.mean[0] - first.mean[0] > 0.1
    assert "another order gives other ratings" in first.warnings[0]
    assert first.draws is None
    assert standings.standings(first)[0].low is None


def test_shuffles_take_the_accident_of_the_order_away_and_give_intervals() -> None:
    ballots = [([0, 1], [1, 2])] * 30 + [([0, 1], [2, 1])] * 30
    first = fit(evidence_of(ballots, 2), k_factor=32, shuffles=400)
    second = fit(evidence_of(ballots[::-1], 2), k_factor=32, shuffles=400)
    assert abs(first.mean[0]) < 0.03
    assert abs(second.mean[0]) < 0.03
    assert first.draws.shape == (400, 2)
    # The difference D of two equals goes to D (1 - k / 2) + 2 k e with k = K ln 10 / 400 and e of variance 1/4, so its
    # variance settles at k / (1 - k / 4); a centred rating is half the difference.
    step = 32 * np.log(10) / 400
    assert first.draws[:, 0].std() == pytest.approx(np.sqrt(step / (1 - step / 4)) / 2, rel=0.15)
    np.testing.assert_array_equal(first.draws, fit(evidence_of(ballots, 2), k_factor=32, shuffles=400).draws)


def test_a_small_factor_and_many_ballots_come_near_the_strengths() -> None:
    rng = np.random.default_rng(1)
    theta = np.array([0.8, 0.3, -0.2, -0.9])
    found = fit(simulated(theta, 60_000, 2, rng))
    np.testing.assert_allclose(found.mean, theta - theta.mean(), atol=0.15)


def test_a_million_identical_ballots() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])], 2, weight=[1e6]))
    assert np.isfinite(found.mean).all()
    assert found.iterations == 1_000_000
    assert found.mean[0] * 2 * POINTS_PER_LOGIT > 400


def test_senseless_requests_are_refused() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    for options, reason in (
        ({"k_factor": 0}, "k_factor must be a number from 1e-06 to 1e\\+06, not 0"),
        ({"shuffles": 1}, "shuffles must be 0, or lie between 2 and 10000, not 1"),
    ):
        with pytest.raises(FitError, match=reason):
            fit(evidence, **options)
    with pytest.raises(FitError, match="nothing to update ratings with"):
        fit(evidence_of([([0, 1], [None, None])], 2))
