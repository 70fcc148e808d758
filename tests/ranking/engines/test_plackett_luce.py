"""The Plackett-Luce posterior against a slow reference, invariances, and what it must do at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ranking.engines import kernels, reference
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNKNOWN, Evidence
from ranking.engines.fields import MAX_WEIGHT
from ranking.engines.mixture import MOST_WORK, work
from ranking.engines.plackett_luce import TOO_MANY_ORDERS, fit, maximise, quality_floor
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, names, simulated, some_ballots

WIDE = settings(max_examples=60, deadline=None)


@WIDE
@given(some_ballots(), st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_value_gradient_and_information_agree_with_enumerating_every_order(ballots, theta) -> None:
    evidence, point = evidence_of(ballots, 6), np.array(theta)
    value, gradient, information = group(evidence).evaluate(point)
    expected = reference.log_posterior(evidence, point, prior_sd=1e9)
    assert value == pytest.approx(expected[0], rel=1e-11, abs=1e-11)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(information, expected[2], rtol=1e-9, atol=1e-9)
    assert np.linalg.eigvalsh(information).min() > -1e-10


@WIDE
@given(some_ballots(), st.sampled_from([0.3, 1.0, 5.0]))
def test_mode_and_covariance_agree_with_the_slow_solver(ballots, prior_sd) -> None:
    evidence = evidence_of(ballots, 6)
    found = fit(evidence, prior_sd=prior_sd)
    mean, covariance = reference.posterior(evidence, prior_sd)
    centre = np.eye(6) - 1 / 6
    np.testing.assert_allclose(found.mean, centre @ mean, atol=1e-7)
    np.testing.assert_allclose(found.covariance, centre @ covariance @ centre, atol=1e-7)
    assert found.converged


@pytest.mark.parametrize(("spread", "ballots"), [(0.7, 60), (2.0, 25)])
def test_the_learned_prior_has_the_highest_evidence(spread, ballots) -> None:
    rng = np.random.default_rng(5)
    evidence = simulated(rng.normal(0, spread, 6), ballots, 3, rng)
    found = math.sqrt(maximise(group(evidence)).variance)
    assert found == pytest.approx(reference.learned_prior(evidence), rel=5e-3)


def test_a_learned_prior_widens_the_posterior_at_the_mode_along_its_own_scale_only() -> None:
    rng = np.random.default_rng(6)
    evidence = simulated(rng.normal(0, 1, 8), 30, 2, rng)
    learned = maximise(group(evidence))
    given = maximise(group(evidence), prior_sd=math.sqrt(learned.variance))
    np.testing.assert_allclose(learned.theta, given.theta, atol=1e-6)
    widening = np.linalg.eigvalsh(learned.covariance - given.covariance)
    assert widening[-1] > 1e-3
    np.testing.assert_allclose(widening[:-1], 0, atol=1e-9)


@pytest.mark.parametrize("size", [5, 6, 7])
def test_long_unknown_middles_are_integrated_to_the_precision_of_enumeration(size) -> None:
    rng = np.random.default_rng(size)
    for spread in (0.1, 2.0, 12.0):
        a = rng.normal(0, spread, size)
        slopes, curvatures = np.empty((2, size)), np.empty((2, size, size))
        summed = kernels.enumerate_before(a, size, slopes[0], curvatures[0])
        integrated = kernels.integrate_before(a, size, slopes[1], curvatures[1])
        assert integrated == pytest.approx(summed, rel=1e-9, abs=1e-9)
        np.testing.assert_allclose(slopes[1], slopes[0], atol=1e-8)
        np.testing.assert_allclose(curvatures[1], curvatures[0], atol=1e-8)


def test_a_best_and_worst_of_twelve_has_a_probability() -> None:
    evidence = evidence_of([(list(range(12)), [1, *[None] * 10, -1])], 12)
    value, gradient, _ = group(evidence).evaluate(np.zeros(12))
    assert value == pytest.approx(math.log(1 / 12 / 11), rel=1e-9)  # by symmetry: best, then worst of the rest
    assert gradient.sum() == pytest.approx(0, abs=1e-9)


def test_many_tied_items_are_sampled_without_bias() -> None:
    """Thirteen tied are sampled; averaged over all relabellings the sampled value must be the exact one."""
    rng = np.random.default_rng(3)
    theta = rng.normal(0, 1.5, 13)
    found = []
    for _ in range(200):
        shuffled = rng.permutation(13)
        evidence = evidence_of([(shuffled.tolist(), [1] * 13)], 13)
        found.append(group(evidence).evaluate(theta[np.argsort(rng.permutation(13))])[0])
    exact = theta.sum() - sum(_mean_log_sum(theta, size, rng) for size in range(1, 14))
    spread = np.std(found) / math.sqrt(len(found))
    assert spread < 0.05
    assert np.mean(found) == pytest.approx(exact, abs=6 * spread + 0.01)


def _mean_log_sum(theta: np.ndarray, size: int, rng: np.random.Generator) -> float:
    chosen = rng.random((20_000, len(theta))).argsort(axis=1)[:, :size]
    return float(np.log(np.exp(theta[chosen]).sum(axis=1)).mean())


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False))
def test_relabelling_items_and_reordering_slots_and_ballots_changes_nothing(ballots, labels, random) -> None:
    shuffled = []
    for slots, ranks in ballots:
        places = list(range(len(slots)))
        random.shuffle(places)
        shuffled.append(([labels[slots[place]] for place in places], [ranks[place] for place in places]))
    random.shuffle(shuffled)
    first, second = fit(evidence_of(ballots, 6)), fit(evidence_of(shuffled, 6))
    np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-6)
    np.testing.assert_allclose(second.covariance[np.ix_(labels, labels)], first.covariance, atol=1e-6)


@WIDE
@given(some_ballots(), st.integers(2, 4))
def test_a_weight_is_that_many_repetitions(ballots, times) -> None:
    weighted = fit(evidence_of(ballots, 6, weight=np.full(len(ballots), float(times))), prior_sd=1.0)
    repeated = fit(evidence_of(ballots * times, 6), prior_sd=1.0)
    np.testing.assert_allclose(weighted.mean, repeated.mean, atol=1e-8)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, atol=1e-8)


@WIDE
@given(some_ballots())
def test_gaps_between_ranks_do_not_matter(ballots) -> None:
    stretched = [(slots, [None if rank is None else 7 * rank for rank in ranks]) for slots, ranks in ballots]
    first, second = group(evidence_of(ballots, 6)), group(evidence_of(stretched, 6))
    point = np.linspace(-1, 1, 6)
    assert first.evaluate(point)[0] == second.evaluate(point)[0]


def test_pairs_are_exactly_bradley_terry_with_a_gaussian_prior() -> None:
    rng = np.random.default_rng(11)
    first, second = np.array([rng.choice(7, 2, replace=False) for _ in range(300)]).T
    outcome = rng.integers(-1, 2, 300)
    found = fit(Evidence.from_pairs(names(7), first, second, outcome), prior_sd=0.8)

    def loss(theta: np.ndarray) -> float:
        ahead = theta[first] - theta[second]
        share = (outcome + 1) / 2  # a tie is half a win each way
        return float((np.logaddexp(0, -ahead) * share + np.logaddexp(0, ahead) * (1 - share)).sum()
                     + theta @ theta / 2 / 0.64)  # fmt: skip

    best = minimize(loss, np.zeros(7), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(found.mean, best - best.mean(), atol=1e-6)


def test_what_was_not_asked_adds_nothing() -> None:
    top = evidence_of([([0, 1, 2, 3], [1, None, None, None])], 4)
    value, _, _ = group(top).evaluate(np.array([0.3, 0.1, -0.2, 0.5]))
    weights = np.exp([0.3, 0.1, -0.2, 0.5])
    assert value == pytest.approx(math.log(weights[0] / weights.sum()))
    tied = evidence_of([([0, 1, 2, 3], [1, 2, 2, 2])], 4)
    assert group(tied).evaluate(np.array([0.3, 0.1, -0.2, 0.5]))[0] < value


def test_one_unknown_between_known_ranks_is_known() -> None:
    between = evidence_of([([0, 1, 2], [1, None, -1])], 3)
    plain = evidence_of([([0, 1, 2], [1, 2, 3])], 3)
    point = np.array([0.4, -0.3, 0.9])
    assert group(between).evaluate(point)[0] == pytest.approx(group(plain).evaluate(point)[0], rel=1e-12)


def test_all_bad_and_silent_ballots_move_no_strength() -> None:
    ballots = [([0, 1, 2], [1, 2, 3]), ([1, 2], [1, 2])]
    plain = fit(evidence_of(ballots, 3))
    more = [*ballots, ([0, 1], [None, None]), ([0, 2], [None, None])]
    found = fit(evidence_of(more, 3, all_bad=np.array([False, False, True, False])))
    np.testing.assert_allclose(found.mean, plain.mean, atol=1e-12)
    np.testing.assert_allclose(found.covariance, plain.covariance, atol=1e-12)
    assert found.parameters["all_bad"]["rate"] == 0.25
    assert any("1 of 4 ballots (25.0 %) say all bad" in warning for warning in found.warnings)
    assert any("1 of 4 ballots rank nothing" in warning for warning in found.warnings)


def test_the_quality_floor_is_recovered() -> None:
    rng = np.random.default_rng(8)
    theta, anchor = rng.normal(0, 1, 10), 0.4
    slots = rng.random((20_000, 10)).argsort(axis=1)[:, :4]
    offered = np.log(np.exp(theta[slots]).sum(axis=1))
    bad = rng.random(20_000) < 1 / (1 + np.exp(offered - anchor))
    ranks = np.where(bad[:, None], UNKNOWN, [1, 2, 3, 4])
    floor = quality_floor(Evidence.from_arrays(names(10), slots, ranks, all_bad=bad), theta)
    assert abs(floor["anchor"] - anchor) < 3 * floor["anchor_sd"]
    assert floor["ballots"] == bad.sum()


@pytest.mark.parametrize("everyone", [True, False])
def test_a_floor_nobody_or_everybody_names_has_no_anchor(everyone) -> None:
    ranks: list[int | None] = [None, None] if everyone else [1, 2]
    evidence = evidence_of([([0, 1], ranks)] * 3, 2, all_bad=np.full(3, everyone))
    floor = fit(evidence).parameters["all_bad"]
    assert floor["anchor"] is None
    assert floor["rate"] == float(everyone)


def test_strengths_are_recovered() -> None:
    rng = np.random.default_rng(2)
    theta = rng.normal(0, 1, 20)
    theta -= theta.mean()
    for known in (None, 1):
        found = fit(simulated(theta, 20_000, 5, rng, known=known))
        error = (found.mean - theta) / np.sqrt(np.diag(found.covariance))
        assert np.abs(error).max() < 4.5
        assert 0.6 < error.std() < 1.5


def test_perfect_separation_is_finite() -> None:
    order = [(list(range(10)), list(range(1, 11)))] * 500
    for prior_sd in (None, 0.5, 50.0):
        found = fit(evidence_of(order, 10), prior_sd=prior_sd)
        assert found.converged
        assert (np.diff(found.mean) < 0).all()


def test_a_chain_under_a_nearly_flat_prior_is_finite() -> None:
    chain = [([low, low + 1], [1, 2]) for low in range(39)]
    found = fit(evidence_of(chain, 40, weight=np.full(39, 1e6)), prior_sd=1000.0)
    assert found.converged
    assert found.mean[0] - found.mean[-1] > 600  # beyond what a single table of exponentials can hold


def test_one_ballot_and_no_ballot_and_one_contestant_have_a_posterior() -> None:
    one = fit(evidence_of([([0, 1], [1, 2])], 2))
    assert one.mean[0] > 0 > one.mean[1]
    none = fit(evidence_of([], 3), prior_sd=2.0)
    np.testing.assert_array_equal(none.mean, 0)
    np.testing.assert_allclose(np.diag(none.covariance), 4 * 2 / 3)
    assert any("compared with nothing" in warning for warning in none.warnings)
    alone = fit(evidence_of([], 1))
    assert alone.mean.tolist() == [0.0]
    with pytest.raises(FitError, match="no items"):
        fit(evidence_of([], 0))


def test_groups_never_compared_are_finite_and_named() -> None:
    found = fit(evidence_of([([0, 1], [1, 2]), ([2, 3], [1, 2]), ([2, 3], [2, 1])], 5))
    assert np.isfinite(found.mean).all()
    assert any("2 groups never compared" in warning and "c0, c1; c2, c3" in warning for warning in found.warnings)
    assert any(warning.startswith("c4 is compared with nothing") for warning in found.warnings)


def test_a_million_identical_ballots() -> None:
    slots = np.tile([0, 1, 2, 3], (1_000_000, 1))
    found = fit(Evidence.from_arrays(names(4), slots, slots + 1))
    assert found.converged
    assert (np.diff(found.mean) < 0).all()
    assert found.ballots == 1_000_000
    weighted = fit(evidence_of([([0, 1, 2, 3], [1, 2, 3, 4])], 4, weight=np.array([1e6])))
    np.testing.assert_allclose(found.mean, weighted.mean, atol=1e-6)


def test_a_choice_of_probability_1e_12_keeps_its_precision() -> None:
    evidence = evidence_of([([0, 1, 2], [1, 2, 3]), ([0, 1, 2, 3], [1, None, None, -1])], 4)
    point = np.array([-28.0, 0.0, 0.5, 30.0])
    value, gradient, information = group(evidence).evaluate(point)
    expected = reference.log_posterior(evidence, point, prior_sd=1e9)
    assert value == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-12)
    assert np.isfinite(information).all()


def test_the_largest_weights_still_converge() -> None:
    rng = np.random.default_rng(1)
    plain = simulated(rng.normal(0, 1, 6), 200, 3, rng)
    heavy = Evidence.from_arrays(plain.items, plain.slots, plain.ranks, offsets=plain.offsets,
                                 weight=np.full(200, MAX_WEIGHT))  # fmt: skip
    found = fit(heavy)
    assert found.converged
    assert np.sqrt(np.diag(found.covariance)).max() < 1e-4


def test_a_warm_start_reaches_the_same_posterior_in_fewer_iterations() -> None:
    rng = np.random.default_rng(4)
    evidence = simulated(rng.normal(0, 1, 12), 2000, 4, rng)
    cold = fit(evidence)
    warm = fit(evidence, start=cold)
    assert warm.iterations < cold.iterations
    np.testing.assert_allclose(warm.mean, cold.mean, atol=1e-6)


@pytest.mark.parametrize("prior_sd", [0.0, -1.0, math.nan, math.inf])
def test_a_prior_that_is_no_width_is_refused(prior_sd) -> None:
    with pytest.raises(FitError, match="prior standard deviation"):
        fit(evidence_of([([0, 1], [1, 2])], 2), prior_sd=prior_sd)


def test_pooling_and_unused_grades_are_said() -> None:
    found = fit(
        evidence_of(
            [([0, 1], [1, 2]), ([0, 1, 2], [1, 2, 3])],
            3,
            strength=np.array([2, 0]),
            protocols=["pair", "k-rank"],
            voter_kinds=["public", "judge"],
        )
    )
    assert "ballots of 2 protocols are pooled: pair 1, k-rank 1" in found.warnings
    assert "ballots of 2 kinds of voter are pooled: public 1, judge 1" in found.warnings
    assert "the grades of 1 graded pairs are not used, only who is ahead" in found.warnings


def best_and_worst(count: int, size: int, contestants: int) -> Evidence:
    rng = np.random.default_rng(7)
    ranks = [1, *[UNKNOWN] * (size - 2), -1]
    return evidence_of([(rng.permutation(contestants)[:size].tolist(), ranks) for _ in range(count)], contestants)


class TestBallotsUnderWhichManyOrdersAreLeft:
    def test_are_averaged_while_that_is_quick(self) -> None:
        few = best_and_worst(50, 4, 50)

        assert work(group(few)) < MOST_WORK
        assert TOO_MANY_ORDERS not in fit(few).warnings

    @pytest.mark.parametrize(("count", "size"), [(50, 12), (10, 20), (3, 40)])
    def test_take_the_likeliest_width_where_it_would_be_slow_and_say_so(self, count: int, size: int) -> None:
        many = best_and_worst(count, size, 50)
        found = fit(many)

        assert work(group(many)) > MOST_WORK
        assert TOO_MANY_ORDERS in found.warnings
        assert found.converged
        assert found.sampler is None
        assert found.covariance is not None
        assert (np.diag(found.covariance) > 0).all()

    def test_are_warned_of_only_where_the_average_would_matter(self) -> None:
        """With a given prior, or with so many ballots that the width hardly matters, nothing is left out."""
        assert TOO_MANY_ORDERS not in fit(best_and_worst(50, 12, 50), prior_sd=1.0).warnings
        assert TOO_MANY_ORDERS not in fit(best_and_worst(1500, 12, 14)).warnings
