"""K-Sort against its published equations, its derivation, and at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openskill.models import ThurstoneMostellerFull
from scipy.stats import norm

from ranking.engines.errors import FitError
from ranking.engines.sequential import trueskill
from ranking.engines.sequential.ksort import fit
from tests.ranking.engines.ballots import evidence_of, simulated, some_ballots
from tests.ranking.engines.pairwise.references import WIN, listed_pairs

WIDE = settings(max_examples=60, deadline=None)


def by_equations(evidence, least: float, beta: float = 25 / 6) -> tuple[np.ndarray, np.ndarray, int]:
    mean, variance, clamped = np.full(len(evidence.items), 25.0), np.full(len(evidence.items), (25 / 3) ** 2), 0
    pairs = list(listed_pairs(evidence))
    for ballot in range(len(evidence)):
        shift, shrink = np.zeros(len(mean)), np.zeros(len(mean))
        for owner, outcome, a, b in pairs:
            if owner != ballot or outcome != WIN:
                continue
            c = math.sqrt(2 * beta**2 + variance[a] + variance[b])
            t = (mean[a] - mean[b]) / c
            v = norm.pdf(t) / norm.cdf(t)
            shift[a] += variance[a] * v / c
            shift[b] -= variance[b] * v / c
            shrink[a] += variance[a] / c**2 * v * (v + t)
            shrink[b] += variance[b] / c**2 * v * (v + t)
        clamped += int((1 - shrink < least).sum())
        mean += shift
        variance *= np.maximum(1 - shrink, least)
    return mean, variance, clamped


@WIDE
@given(some_ballots())
def test_beliefs_agree_with_the_equations(ballots) -> None:
    evidence = evidence_of(ballots, 6)
    assume(evidence.informative().any())
    mean, variance, clamped = by_equations(evidence, 0.1)
    found = fit(evidence)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(np.diag(found.covariance), variance, rtol=1e-10)
    assert any("fell below 0.1" in warning for warning in found.warnings) == (clamped > 0)
    assert (np.diag(found.covariance) > 0).all()


def test_a_pair_has_the_exact_moments_that_the_equations_are_derived_from() -> None:
    """For two contestants equations 7 and 8 are the moments of the posterior, which TrueSkill without ties has too."""
    found = fit(evidence_of([([0, 1], [1, 2])], 2))
    exact = trueskill.fit(evidence_of([([0, 1], [1, 2])], 2), draw_probability=0.0)
    np.testing.assert_allclose(found.mean, exact.mean, atol=1e-9)
    np.testing.assert_allclose(found.covariance, exact.covariance, atol=1e-9)


def test_agrees_with_the_model_of_openskill_that_it_is_an_instance_of() -> None:
    """Thurstone-Mosteller on all pairs, with gamma = 1 instead of sigma / c, no drift, and a tie margin of next to 0.

    openskill keeps a variance factor above `kappa` too, and has 0.0001 there by default.
    """
    rng = np.random.default_rng(0)
    model = ThurstoneMostellerFull(
        mu=25, sigma=25 / 3, beta=25 / 6, kappa=0.1, gamma=lambda *_, **__: 1.0, tau=0.0, epsilon=1e-9
    )
    ratings, ballots = [model.rating() for _ in range(6)], []
    for _ in range(60):
        size = int(rng.integers(2, 7))
        slots, ranks = rng.permutation(6)[:size].tolist(), list(range(1, size + 1))
        ballots.append((slots, ranks))
        for item, (new,) in zip(slots, model.rate([[ratings[slot]] for slot in slots], ranks=ranks), strict=True):
            ratings[item] = new
    found = fit(evidence_of(ballots, 6))
    assert any("fell below 0.1" in warning for warning in found.warnings)
    np.testing.assert_allclose(found.mean, [rating.mu for rating in ratings], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), [r.sigma for r in ratings], atol=1e-6)


def test_a_first_ballot_of_five_would_have_a_negative_variance() -> None:
    order = list(range(1, 6))
    four, five = fit(evidence_of([(order[:4], order[:4])], 6)), fit(evidence_of([(order, order)], 6))
    assert not any("negative" in warning for warning in four.warnings)
    assert any(warning.startswith("5 updates of a variance fell below 0.1") for warning in five.warnings)
    np.testing.assert_allclose(np.diag(five.covariance)[1:], 0.1 * (25 / 3) ** 2)
    loose = fit(evidence_of([(order, order)], 6), least_factor=0.5)
    np.testing.assert_allclose(np.diag(loose.covariance)[1:], 0.5 * (25 / 3) ** 2)


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_slots_changes_nothing(ballots, labels, random) -> None:
    evidence = evidence_of(ballots, 6)
    assume(evidence.informative().any())
    shuffled = []
    for slots, ranks in ballots:
        places = random.sample(range(len(slots)), len(slots))
        shuffled.append(([labels[slots[place]] for place in places], [ranks[place] for place in places]))
    np.testing.assert_allclose(fit(evidence_of(shuffled, 6)).mean[labels], fit(evidence).mean, atol=1e-9)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_a_weight_is_a_repetition_in_a_row(ballots, weights) -> None:
    weights = weights[: len(ballots)]
    once = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    assume(once.informative().any())
    repeated = evidence_of([ballot for ballot, w in zip(ballots, weights, strict=True) for _ in range(w)], 6)
    np.testing.assert_allclose(fit(once).mean, fit(repeated).mean, atol=1e-9)


def test_the_order_of_ballots_matters_and_is_said_to() -> None:
    ballots = [([0, 1], [1, 2])] * 5 + [([0, 1], [2, 1])] * 5
    first, second = fit(evidence_of(ballots, 2)), fit(evidence_of(ballots[::-1], 2))
    assert abs(first.mean[0] - second.mean[0]) > 0.1
    assert "another order gives other ratings" in first.warnings[0]


def test_ties_and_unobserved_pairs_change_nothing_and_are_counted() -> None:
    found = fit(evidence_of([([0, 1], [1, 1]), ([0, 1, 2], [1, None, None])], 3))
    alone = fit(evidence_of([([0, 1], [1, 2]), ([0, 2], [1, 2])], 3))
    assert found.mean[1] == pytest.approx(found.mean[2])
    assert found.mean[0] > alone.mean[0]  # both pairs of a ballot see the beliefs before it
    assert "1 of 3 observed pairs are ties; this update ignores them" in found.warnings
    assert "1 pairs shown on ranked ballots have no observed order and count for nothing" in found.warnings


def test_the_deployed_variant_is_trueskill_with_the_defaults_of_its_package() -> None:
    rng = np.random.default_rng(4)
    evidence = simulated(rng.normal(size=6), 100, 4, rng)
    found = fit(evidence, variant="deployed")
    peer = trueskill.fit(evidence, tau=25 / 300, draw_probability=0.1)
    assert found.engine == "ksort"
    assert found.parameters["variant"] == "deployed"
    np.testing.assert_array_equal(found.mean, peer.mean)
    np.testing.assert_array_equal(found.covariance, peer.covariance)


@pytest.mark.parametrize("variant", ["published", "deployed"])
def test_the_conservative_score_is_three_deviations_below(variant) -> None:
    rng = np.random.default_rng(5)
    found = fit(simulated(rng.normal(size=5), 50, 4, rng), variant=variant)
    expected = found.mean - 3 * np.sqrt(np.diag(found.covariance))
    assert list(found.parameters["conservative"].values()) == pytest.approx(expected.tolist())


def test_a_noiseless_order_is_found() -> None:
    """The published benchmark: contestants whose ballots always follow one order (here 12, four at a time)."""
    rng = np.random.default_rng(6)
    slots = np.array([np.sort(rng.choice(12, 4, replace=False)) for _ in range(400)])
    found = fit(evidence_of([(row.tolist(), [1, 2, 3, 4]) for row in slots], 12))
    np.testing.assert_array_equal(np.argsort(-found.mean), np.arange(12))


def test_senseless_requests_are_refused() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    for options, reason in (
        ({"variant": "paper"}, "variant must be published or deployed"),
        ({"beta": 0}, "beta must be a number from 1e-06 to"),
        ({"least_factor": 1.0}, "least_factor must lie between 0 and 1"),
    ):
        with pytest.raises(FitError, match=reason):
            fit(evidence, **options)
    with pytest.raises(FitError, match="nothing to update ratings with"):
        fit(evidence_of([([0, 1], [None, None])], 2))
