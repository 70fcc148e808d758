"""Win rates against counting by hand, golden scores, Wilson's interval, and at the extremes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from ranking.engines import standings
from ranking.engines.errors import FitError
from ranking.engines.pairwise.win_rate import effective_ballots, fit
from tests.ranking.engines.ballots import evidence_of, some_ballots
from tests.ranking.engines.pairwise.peers import llmfao, llmfao_golden, toy
from tests.ranking.engines.pairwise.references import WIN, listed_pairs

WIDE = settings(max_examples=60, deadline=None)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_rates_agree_with_counting_pair_by_pair(ballots, weights) -> None:
    evidence = evidence_of(ballots, 6, weight=[float(w) for w in weights[: len(ballots)]])
    won, met = np.zeros((2, 6, 6))
    for ballot, outcome, a, b in listed_pairs(evidence):
        share = 1.0 if outcome == WIN else 0.5
        won[a, b] += share * evidence.weight[ballot]
        won[b, a] += (1 - share) * evidence.weight[ballot]
        met[a, b] += evidence.weight[ballot]
        met[b, a] += evidence.weight[ballot]
    assume(met.any())
    found = fit(evidence, intervals="none")
    opponents = fit(evidence, average="opponents", intervals="none")
    for item in range(6):
        rates = [won[item, other] / met[item, other] for other in range(6) if met[item, other]]
        assert found.mean[item] == pytest.approx(won[item].sum() / met[item].sum() if rates else 0.5)
        assert opponents.mean[item] == pytest.approx(np.mean(rates) if rates else 0.5)
    assert found.draws is None
    assert found.covariance is None


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_golden_average_win_rates_of_evalica(name) -> None:
    evidence, golden = (llmfao(), llmfao_golden()) if name == "llmfao" else toy(name)
    found = fit(evidence, average="opponents", intervals="none")
    for item, value in golden["average_win_rate"].items():
        assert found.mean[evidence.items.index(item)] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("wins", "losses"), [(7, 3), (10, 0), (0, 4), (1, 0), (60, 40)])
def test_the_quantiles_of_the_draws_are_the_bounds_of_wilsons_interval(wins, losses) -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * wins + [([0, 1], [2, 1])] * losses, 2)
    expected = binomtest(wins, wins + losses).proportion_ci(0.9, "wilson")
    row = next(row for row in standings.standings(fit(evidence), level=0.9) if row.item == "c0")
    assert row.mean == wins / (wins + losses)
    assert row.low == pytest.approx(expected.low, abs=0.012)
    assert row.high == pytest.approx(expected.high, abs=0.012)


def test_two_contestants_that_only_met_each_other_have_opposite_errors() -> None:
    draws = fit(evidence_of([([0, 1], [1, 2])] * 7 + [([0, 1], [2, 1])] * 3, 2)).draws
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-9)


def test_pairs_of_one_ballot_count_once_for_the_interval() -> None:
    four = evidence_of([([0, 1, 2, 3], [1, 2, 3, 4])] * 10, 4)
    np.testing.assert_allclose(effective_ballots(four), 10)
    best = evidence_of([([0, 1, 2, 3], [1, None, None, None])] * 10, 4, weight=[2.0] * 10)
    np.testing.assert_allclose(effective_ballots(best), 20)
    mixed = evidence_of([([0, 1], [1, 2]), ([0, 1, 2, 3], [1, 2, 3, 4])], 5)
    np.testing.assert_allclose(effective_ballots(mixed), [16 / 10, 16 / 10, 1, 1, 0])


def test_wilson_intervals_of_four_way_rankings_cover_at_least_their_level() -> None:
    """Pairs of a ballot vary less than their number of copies of one comparison would: the interval is conservative."""
    rng = np.random.default_rng(6)
    theta = np.array([1.0, 0.3, -0.4, -0.9])
    truth = np.array([np.mean([1 / (1 + np.exp(b - a)) for b in np.delete(theta, i)]) for i, a in enumerate(theta)])
    inside = []
    for _ in range(200):
        order = (-(theta + rng.gumbel(size=(40, 4)))).argsort(axis=1).argsort(axis=1) + 1
        found = fit(evidence_of([([0, 1, 2, 3], row.tolist()) for row in order], 4))
        low, high = np.quantile(found.draws[:2000], [0.025, 0.975], axis=0)
        inside.append((low <= truth) & (truth <= high))
    assert np.mean(inside) >= 0.95


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_changes_nothing(ballots, labels, random) -> None:
    evidence = evidence_of(ballots, 6)
    assume(any(True for _ in listed_pairs(evidence)))
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots]
    random.shuffle(shuffled)
    for average in ("comparisons", "opponents"):
        first = fit(evidence, average=average, intervals="none")
        second = fit(evidence_of(shuffled, 6), average=average, intervals="none")
        np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-12)


def test_other_intervals_agree_with_wilsons_when_there_is_much_evidence() -> None:
    rng = np.random.default_rng(3)
    ballots = [([0, 1], [1, 2] if rng.random() < 0.7 else [2, 1]) for _ in range(400)]
    ballots += [([1, 2], [1, 2] if rng.random() < 0.4 else [2, 1]) for _ in range(400)]
    evidence = evidence_of(ballots, 3, voters=[f"v{n}" for n in range(800)])
    expected = fit(evidence).draws.std(axis=0)
    for intervals in ("model", "bootstrap", "clustered-bootstrap"):
        found = fit(evidence, intervals=intervals, samples=2000).draws
        np.testing.assert_allclose(found.std(axis=0), expected, rtol=0.1)
        np.testing.assert_allclose(found.mean(axis=0), fit(evidence).mean, atol=0.005)


LIGHT = [([0, 1], [1, 2]), ([1, 2], [1, 2]), ([0, 1, 2], [2, 1, 3])]


@pytest.mark.parametrize("weight", [1e-6, 1e-160, 1e-300, 1e-320])
@pytest.mark.parametrize("options", [{}, {"average": "opponents"}, {"intervals": "none"}])
def test_ballots_of_nearly_no_weight_count_in_proportion_and_warn_of_nothing(weight, options) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        light = fit(evidence_of(LIGHT, 3, weight=np.full(3, weight)), **options)
    np.testing.assert_allclose(light.mean, fit(evidence_of(LIGHT, 3), **options).mean, rtol=1e-3)
    if not options:  # with next to no ballots an interval reaches from 0 to 1
        low, high = np.quantile(light.draws, [0.1, 0.9], axis=0)
        assert (low < 0.01).all()
        assert (high > 0.99).all()


def test_a_pair_of_nearly_no_weight_beside_heavy_ones_warns_of_nothing() -> None:
    evidence = evidence_of(LIGHT, 3, weight=np.array([1e-300, 1.0, 1e9]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for options in ({}, {"average": "opponents"}, {"intervals": "bootstrap"}):
            assert np.isfinite(fit(evidence, **options).draws).all()
    np.testing.assert_allclose(effective_ballots(evidence_of(LIGHT, 3, weight=np.full(3, 1e-300))) * 1e300,
                               effective_ballots(evidence_of(LIGHT, 3)))  # fmt: skip


def test_a_contestant_without_comparisons_is_shown_at_one_half_and_named() -> None:
    found = fit(evidence_of([([0, 1], [1, 2])] * 3, 3))
    assert found.mean[2] == 0.5
    np.testing.assert_allclose(found.draws[:, 2] * (1 - found.draws[:, 2]), 0, atol=1e-12)  # nothing is known
    assert found.warnings[0] == "c2: compared with nothing, shown with a rate of one half"


def test_senseless_requests_are_refused() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    for options, reason in (
        ({"average": "games"}, "average must be comparisons or opponents"),
        ({"intervals": "wald"}, "intervals must be one of"),
        ({"average": "opponents", "intervals": "wilson"}, "Wilson's interval is for average=comparisons"),
        ({"intervals": "bootstrap"}, "at least two ballots"),
    ):
        with pytest.raises(FitError, match=reason):
            fit(evidence, **options)
    with pytest.raises(FitError, match="of 1 ballots 1 say all bad"):
        fit(evidence_of([([0, 1], [None, None])], 2, all_bad=[True]))
