"""What every engine with a link owes: invariances, intervals that agree with each other, finite results."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
