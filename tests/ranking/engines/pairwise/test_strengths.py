"""What every engine with a link owes: invariances, intervals that agree with each other, finite results."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines.errors import FitError
from ranking.engines.registry import engine_named
from tests.ranking.engines.ballots import evidence_of, some_ballots
from tests.ranking.engines.pairwise.peers import toy
from tests.ranking.engines.pairwise.pudding import pudding

NAMES = ["davidson", "rao-kupper", "thurstone"]
WIDE = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize("name", NAMES)
@WIDE
@given(ballots=some_ballots(), labels=st.permutations(range(6)), random=st.randoms(use_true_random=False))
def test_relabelling_and_reordering_changes_nothing(name, ballots, labels, random) -> None:
    engine = engine_named(name)
    shuffled = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots]
    random.shuffle(shuffled)
    assume(evidence_of(ballots, 6).informative().sum() > 1)
    for intervals in ("model", "sandwich"):
        first = engine.fit(evidence_of(ballots, 6), prior_sd=1.0, intervals=intervals)
        second = engine.fit(evidence_of(shuffled, 6), prior_sd=1.0, intervals=intervals)
        np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-6)
        np.testing.assert_allclose(second.covariance[np.ix_(labels, labels)], first.covariance, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@WIDE
@given(ballots=some_ballots(), weights=st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_a_weight_is_a_repetition(name, ballots, weights) -> None:
    engine, weights = engine_named(name), weights[: len(ballots)]
    once = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    repeated = evidence_of([ballot for ballot, w in zip(ballots, weights, strict=True) for _ in range(w)], 6)
    assume(once.informative().sum() > 1)
    for intervals in ("model", "sandwich"):
        first = engine.fit(once, prior_sd=1.0, intervals=intervals)
        second = engine.fit(repeated, prior_sd=1.0, intervals=intervals)
        np.testing.assert_allclose(first.mean, second.mean, atol=1e-6)
        np.testing.assert_allclose(first.covariance, second.covariance, atol=1e-6)


@pytest.mark.parametrize("name", [*NAMES, "bradley-terry"])
def test_bootstrap_and_sandwich_agree_on_real_counts(name) -> None:
    engine = engine_named(name)
    for method in ("ml", "map"):
        expected = engine.fit(pudding(), method=method, intervals="sandwich")
        found = engine.fit(pudding(), method=method, intervals="bootstrap", samples=600)
        np.testing.assert_allclose(found.mean, expected.mean, atol=1e-9)
        np.testing.assert_allclose(found.draws.std(axis=0), np.sqrt(np.diag(expected.covariance)), rtol=0.15)


@pytest.mark.parametrize("name", NAMES)
def test_where_the_model_holds_the_sandwich_is_the_model(name) -> None:
    """The puddings fit both tie models well. Half wins for ties have less variance than the wins they stand for."""
    engine = engine_named(name)
    ratio = np.sqrt(
        np.diag(engine.fit(pudding(), method="ml", intervals="sandwich").covariance)
        / np.diag(engine.fit(pudding(), method="ml").covariance)
    )
    if name == "thurstone":
        assert (ratio < 0.95).all()
    else:
        np.testing.assert_allclose(ratio, 1, atol=0.08)


@pytest.mark.parametrize("name", NAMES)
@WIDE
@given(ballots=some_ballots())
def test_with_a_prior_anything_has_a_finite_fit(name, ballots) -> None:
    """One ballot may not settle how wide the prior is; then the fit says so."""
    found = engine_named(name).fit(evidence_of(ballots, 6))
    assert found.converged != any("did not converge" in warning for warning in found.warnings)
    assert engine_named(name).fit(evidence_of(ballots, 6), prior_sd=1.0).converged
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-9
    assert abs(found.mean.sum()) < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_that_models_ties_says_nothing_of_half_wins(name) -> None:
    evidence, _ = toy("food")
    found = any("half a win" in warning for warning in engine_named(name).fit(evidence).warnings)
    assert found == (name == "thurstone")


@pytest.mark.parametrize("name", ["bradley-terry", *NAMES])
@pytest.mark.parametrize("weight", [1e-8, 1e-9, 1e-100, 1e-300])
def test_a_cycle_of_tiny_ballots_is_still_a_cycle(name, weight) -> None:
    """Equals, also to maximum likelihood, and no word of an estimate that would not exist."""
    tied = [[1, 1]] if name in ("davidson", "rao-kupper") else []
    ballots = [([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2]), *(([0, 1], ranks) for ranks in tied)]
    found = engine_named(name).fit(evidence_of(ballots, 3, weight=[weight] * len(ballots)))
    np.testing.assert_allclose(found.mean, 0, atol=1e-6)
    assert not [warning for warning in found.warnings if "finite estimate" in warning]


@pytest.mark.parametrize("weight", [1e-8, 1e-100, 1e9])
def test_maximum_likelihood_does_not_depend_on_the_size_of_the_weights(weight) -> None:
    ballots = [([0, 1], [1, 2]), ([0, 1], [1, 2]), ([1, 0], [1, 2]), ([1, 2], [1, 2]), ([2, 1], [1, 2])]
    found = engine_named("bradley-terry").fit(evidence_of(ballots, 3, weight=[weight] * 5), method="ml")
    np.testing.assert_allclose(found.mean, np.array([2, -1, -1]) * np.log(2) / 3, atol=1e-6)
    differences = np.array([[1, -1, 0], [0, 1, -1]])
    np.testing.assert_allclose(
        differences @ found.covariance @ differences.T, np.diag([1.5, 2]) / weight, rtol=1e-6, atol=1e-6 / weight
    )


@pytest.mark.parametrize("name", ["bradley-terry", *NAMES])
def test_a_prior_that_heavy_ballots_hide_is_refused_by_a_bootstrap(name) -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([1, 0], [1, 2])], 2, weight=[1e9, 1e9])
    with pytest.raises(FitError, match="prior standard deviation of 1e\\+06 is too wide"):
        engine_named(name).fit(evidence, prior_sd=1e6, intervals="bootstrap", samples=5)


def test_weights_too_far_apart_for_maximum_likelihood_are_refused() -> None:
    ballots = [([0, 1], [1, 2]), ([1, 0], [1, 2]), ([1, 2], [1, 2]), ([2, 1], [1, 2])]
    evidence = evidence_of(ballots, 3, weight=[1e9, 1e9, 1e-9, 1e-9])
    with pytest.raises(FitError, match="too far apart, to fit without a prior"):
        engine_named("bradley-terry").fit(evidence, method="ml")


@pytest.mark.parametrize("name", ["bradley-terry", *NAMES, "win-rate", "rank-centrality", "copeland", "kemeny"])
def test_options_of_draws_that_nothing_is_drawn_with_are_named(name) -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([1, 0], [1, 2]), ([0, 1], [1, 2])], 2)
    fit = engine_named(name).fit
    still = "none" if name in ("win-rate", "rank-centrality", "copeland", "kemeny") else "model"

    def said(**options) -> list[str]:
        return [warning for warning in fit(evidence, **options).warnings if "did nothing" in warning]

    assert said(intervals=still) == []
    assert said(intervals=still, samples=5) == [f"samples did nothing, intervals={still} does without"]
    assert said(intervals=still, samples=5, rng=5) == [f"samples and rng did nothing, intervals={still} does without"]
    assert said(intervals="bootstrap", samples=5, rng=5) == []


def test_wilson_s_interval_uses_a_seed_but_no_number_of_samples() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    found = engine_named("win-rate").fit(evidence, samples=5, rng=5)
    assert "samples did nothing, intervals=wilson does without" in found.warnings
