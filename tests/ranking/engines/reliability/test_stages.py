"""The choices of single ballots against enumerating every order, and their sums against the grouped likelihood."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.reference import ballot_term, ranking_term
from ranking.engines.reliability.stages import expand
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, some_ballots

WIDE = settings(max_examples=60, deadline=None)
POINTS = st.lists(st.floats(-3, 3), min_size=6, max_size=6)


@WIDE
@given(some_ballots(), POINTS)
def test_each_ballot_has_the_likelihood_and_gradient_of_its_orders(ballots, theta) -> None:
    stages, point = expand(evidence_of(ballots, 6)), np.array(theta)
    whole, _ = stages.log_likelihood(point)
    gradient, _ = stages.gradients(point)
    expected = [ballot_term(point, slots, [0 if rank is None else rank for rank in ranks]) for slots, ranks in ballots]
    np.testing.assert_allclose(whole, [term[0] for term in expected], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient.toarray(), [term[1] for term in expected], rtol=1e-8, atol=1e-8)


@WIDE
@given(some_ballots(), POINTS)
def test_the_first_choice_is_among_all_shown_by_the_best(ballots, theta) -> None:
    stages, point = expand(evidence_of(ballots, 6)), np.array(theta)
    _, first = stages.log_likelihood(point)
    _, gradient = stages.gradients(point)
    for number, (slots, ranks) in enumerate(ballots):
        above = sorted({rank for rank in ranks if rank is not None and rank > 0})
        hidden = [slot for slot, rank in zip(slots, ranks, strict=True) if rank is None]
        if above:
            best = [slot for slot, rank in zip(slots, ranks, strict=True) if rank == above[0]]
        elif len(hidden) > 1 or all(rank is None for rank in ranks):
            best = []
        else:
            best = hidden or [slot for slot, rank in zip(slots, ranks, strict=True) if rank == min(ranks)]
        assert stages.knows_first[number] == bool(best)
        terms = [ranking_term(point, [slot, *(s for s in slots if s != slot)], 1) for slot in best]
        expected = (
            (np.mean([term[0] for term in terms]), np.mean([term[1] for term in terms], axis=0)) if best else (0, 0)
        )
        np.testing.assert_allclose(first[number], expected[0], atol=1e-10)
        np.testing.assert_allclose(gradient.toarray()[number], expected[1], atol=1e-10)


@WIDE
@given(some_ballots(), POINTS, st.integers(0, 1000))
def test_reweighted_sums_are_those_of_weighted_ballots(ballots, theta, seed) -> None:
    weight = np.random.default_rng(seed).uniform(0.1, 3, len(ballots))
    point = np.array(theta)
    found = expand(evidence_of(ballots, 6)).terms(weight, weight).evaluate(point)
    expected = group(evidence_of(ballots, 6, weight=weight)).evaluate(point)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-10)
    np.testing.assert_allclose(found[2], expected[2], atol=1e-10)


@WIDE
@given(some_ballots(), POINTS)
def test_without_first_choices_the_later_ones_remain(ballots, theta) -> None:
    stages, point = expand(evidence_of(ballots, 6)), np.array(theta)
    whole, first = stages.log_likelihood(point)
    none = np.zeros(len(ballots))
    later = stages.terms(none + 1, none).evaluate(point)
    np.testing.assert_allclose(later[0], (whole - first).sum(), atol=1e-9)
    gradients = stages.gradients(point)
    np.testing.assert_allclose(later[1], (gradients[0] - gradients[1]).sum(axis=0), atol=1e-9)


def test_sets_too_large_for_one_number_are_still_told_apart() -> None:
    rng = np.random.default_rng(1)
    orders = [rng.permutation(40)[:14].tolist() for _ in range(30)]
    ballots = [(order, list(range(1, 15))) for order in [*orders, *orders]]
    point = rng.normal(size=40)
    stages = expand(evidence_of(ballots, 40))
    found = stages.terms(np.ones(60), np.ones(60)).evaluate(point)
    expected = group(evidence_of(ballots, 40)).evaluate(point)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[2], expected[2], atol=1e-12)


def test_with_positions_the_first_slot_is_a_place_of_its_own() -> None:
    stages = expand(evidence_of([([2, 0, 1], [2, 1, 3])], 3), positions=True)
    strengths = np.array([0.1, -0.4, 0.3, 5.0, 5.0, 0.9])  # places 3 to 5: the items in the first slot
    whole, first = stages.log_likelihood(strengths)
    weights = np.exp([0.9, 0.1, -0.4])
    expected = np.log(weights[1] / weights.sum())
    np.testing.assert_allclose(first, [expected])
    np.testing.assert_allclose(whole, [expected + np.log(weights[0] / (weights[0] + weights[2]))])
