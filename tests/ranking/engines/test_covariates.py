"""Covariates in the likelihood: a published example, a slow solver, what must not matter, recovery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ranking.engines import covariates, reference
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.laplace import maximise, widest_view
from ranking.engines.plackett_luce import fit
from ranking.engines.profiled import Profiled
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, names, simulated, some_ballots
from tests.ranking.engines.baseball import baseball

FLAT = {"prior_sd": 1000.0}
MIXED = [([0, 1, 2], [1, 2, 3]), ([3, 1], [1, 1]), ([4, 2, 0, 1], [1, None, None, -1]), ([1, 0], [1, 2])] * 5


def test_baseball_has_the_published_strengths_and_home_advantage() -> None:
    evidence = baseball()
    plain = fit(evidence, **FLAT)
    found = fit(evidence, **FLAT, covariates="position", covariate_sd=1000.0)
    assert evidence.weight.sum() == 273
    assert sorted(np.round(plain.mean - plain.mean[6], 2)) == [0, 0.68, 1.11, 1.25, 1.29, 1.44, 1.58]
    home = found.parameters["covariates"]["position"]
    assert round(home["effect"], 3) == 0.302
    assert round(home["sd"], 3) == 0.131
    shares = np.exp(found.mean) / np.exp(found.mean).sum()
    assert np.round(shares, 3).tolist() == [0.220, 0.190, 0.164, 0.157, 0.137, 0.088, 0.044]
    assert found.converged


def written_out(evidence: Evidence, columns: np.ndarray, prior_sd: float, precision: np.ndarray):
    """Mode and covariance of (theta, effects) by a general-purpose optimiser and finite differences."""
    count = len(evidence.items)

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        theta, effects = point[:count], point[count:]
        value = theta @ theta / (2 * prior_sd**2) + precision @ effects**2 / 2
        slope = np.concatenate([theta / prior_sd**2, precision * effects])
        for ballot in range(len(evidence)):
            span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
            eta, slots = np.zeros(count), evidence.slots[span]
            eta[slots] = theta[slots] + columns[span] @ effects
            term = reference.ballot_term(eta, slots.tolist(), evidence.ranks[span].tolist())
            value -= evidence.weight[ballot] * term[0]
            slope[:count] -= evidence.weight[ballot] * term[1]
            slope[count:] -= evidence.weight[ballot] * (term[1][slots] @ columns[span])
        return value, slope

    size = count + columns.shape[1]
    best = minimize(loss, np.zeros(size), jac=True, method="BFGS", options={"gtol": 1e-10}).x
    steps = 1e-5 * np.eye(size)
    bend = np.array([(loss(best + step)[1] - loss(best - step)[1]) / 2e-5 for step in steps])
    return best, np.linalg.inv((bend + bend.T) / 2)


def test_mode_and_intervals_agree_with_a_general_optimiser() -> None:
    rng = np.random.default_rng(0)
    evidence = evidence_of(MIXED, 5, weight=rng.uniform(0.5, 2, 20))
    given_ = {"length": rng.normal(size=len(evidence.slots)), "style": rng.integers(0, 2, len(evidence.slots))}
    found = fit(evidence, prior_sd=0.9, covariates=given_, covariate_sd=0.7)
    design = covariates.design(evidence, given_, 0.7)
    best, covariance = written_out(evidence, design.values, 0.9, design.precision)
    centre = np.eye(5) - 1 / 5
    np.testing.assert_allclose(found.mean, centre @ best[:5], atol=1e-6)
    np.testing.assert_allclose(found.covariance, centre @ covariance[:5, :5] @ centre, atol=1e-5)
    for place, name in enumerate(given_, start=5):
        effect = found.parameters["covariates"][name]
        assert effect["effect"] == pytest.approx(best[place], abs=1e-6)
        assert effect["sd"] == pytest.approx(covariance[place, place] ** 0.5, rel=1e-4)
        assert effect["low"] < effect["effect"] < effect["high"]


@settings(max_examples=30, deadline=None)
@given(some_ballots(), st.sampled_from([None, 0.8]))
def test_no_covariates_or_no_room_for_an_effect_is_the_plain_fit(ballots, prior_sd) -> None:
    evidence = evidence_of(ballots, 6)
    mode = maximise(group(evidence), prior_sd=prior_sd)
    if prior_sd is None:
        mode, _ = widest_view(group(evidence), mode)
    options = [{"covariates": {}}]
    if evidence.informative().any():
        options.append({"covariates": "position", "covariate_sd": 1e-7})
    for option in options:
        found = fit(evidence, prior_sd=prior_sd, **option)
        np.testing.assert_allclose(found.mean, mode.theta - mode.theta.mean(), atol=1e-5)
        np.testing.assert_allclose(found.covariance, mode.centred, atol=1e-5)
        assert found.parameters["log_likelihood"] == pytest.approx(mode.log_likelihood, abs=1e-5)


def test_only_differences_within_a_ballot_matter_and_the_unit_does_not() -> None:
    rng = np.random.default_rng(1)
    evidence = evidence_of(MIXED, 5)
    column = rng.normal(size=len(evidence.slots))
    shift = np.repeat(rng.normal(size=len(evidence)), np.diff(evidence.offsets))
    first = fit(evidence, covariates={"x": column})
    second = fit(evidence, covariates={"x": 7 * column + shift})
    np.testing.assert_allclose(second.mean, first.mean, atol=1e-7)
    np.testing.assert_allclose(second.covariance, first.covariance, atol=1e-7)
    one, other = (found.parameters["covariates"]["x"] for found in (first, second))
    assert 7 * other["effect"] == pytest.approx(one["effect"], abs=1e-7)
    assert 7 * other["sd"] == pytest.approx(one["sd"], abs=1e-7)


def test_a_weight_is_that_many_repetitions_also_with_covariates() -> None:
    evidence, thrice = evidence_of(MIXED, 5, weight=np.full(20, 3.0)), evidence_of(MIXED * 3, 5)
    weighted, repeated = (fit(found, covariates="first") for found in (evidence, thrice))
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, atol=1e-7)
    for key, value in weighted.parameters["covariates"]["first"].items():
        assert repeated.parameters["covariates"]["first"][key] == pytest.approx(value, abs=1e-7)


def biased(theta: np.ndarray, effect: float, rng: np.random.Generator) -> tuple[Evidence, np.ndarray]:
    """Four-way ballots on outputs whose length differs by contestant and helps by `effect` a unit."""
    count = len(theta)
    slots = rng.random((2000, count)).argpartition(3, axis=1)[:, :4]
    length = rng.normal(size=slots.shape) + np.linspace(-1, 1, count)[slots]
    utility = theta[slots] + effect * length + rng.gumbel(size=slots.shape)
    ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
    return Evidence.from_arrays(names(count), slots, ranks), length.ravel()


def test_strengths_are_the_controlled_ones() -> None:
    rng = np.random.default_rng(3)
    theta = rng.normal(0, 0.5, 10)
    theta -= theta.mean()
    evidence, length = biased(theta, 0.8, rng)
    found, plain = fit(evidence, covariates={"length": length}), fit(evidence)
    effect = found.parameters["covariates"]["length"]
    assert abs(effect["effect"] - 0.8) < 4 * effect["sd"]
    errors = (found.mean - theta) / np.sqrt(np.diag(found.covariance))
    assert np.abs(errors).max() < 4
    assert np.abs(plain.mean - theta).max() > 5 * np.sqrt(np.diag(plain.covariance)).max()


def test_robust_intervals_hold_for_effects_too() -> None:
    rng = np.random.default_rng(4)
    evidence, length = biased(rng.normal(0, 0.5, 10), 0.5, rng)
    model = fit(evidence, covariates={"length": length})
    robust = fit(evidence, covariates={"length": length}, intervals="sandwich")
    pair = (found.parameters["covariates"]["length"]["sd"] for found in (model, robust))
    assert np.divide(*pair) == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(np.diag(robust.covariance) / np.diag(model.covariance), 1, atol=0.2)


def test_what_the_ballots_cannot_tell_apart_is_said() -> None:
    rng = np.random.default_rng(5)
    evidence = simulated(rng.normal(0, 1, 4), 300, 3, rng)
    found = fit(evidence, covariates={"size": np.array([1.0, 2.0, 4.0, 3.0])[evidence.slots]})
    assert any("cannot tell the effect of size from the strengths" in warning for warning in found.warnings)
    rare = np.zeros(len(evidence.slots))
    rare[np.flatnonzero(evidence.ranks == 3)[0]] = 1.0
    found = fit(evidence, covariates={"rare": rare, "first": covariates.first(evidence)})
    assert any("say little about the effect of rare" in warning for warning in found.warnings)
    assert not any("effect of first" in warning for warning in found.warnings)


def test_position_and_first_number_the_places() -> None:
    evidence = evidence_of([([2, 0, 1], [1, 2, 3]), ([0, 1], [1, 2])], 3)
    assert covariates.position(evidence).tolist() == [0.5, 0.0, -0.5, 0.5, -0.5]
    assert covariates.first(evidence).tolist() == [1, 0, 0, 1, 0]
    assert covariates.design(evidence, "position,first", 1.0).names == ("position", "first")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"covariates": "size"}, "unknown covariate 'size'; known by name are position, first"),
        ({"covariates": {"x": np.ones(3)}}, r"covariate x has shape \(3,\) for 5 slots"),
        ({"covariates": {"x": [1, 2, 3, 4, np.nan]}}, "covariate x holds a value that is not finite"),
        ({"covariates": {"x": list("abcde")}}, "covariate x must be numbers"),
        ({"covariates": {"x": [4, 4, 4, 9, 9]}}, "covariate x is the same for all candidates of every ballot"),
        ({"covariates": "first", "covariate_sd": 0.0}, "covariate_sd must be a number from 1e-08 to 1e\\+06, not 0.0"),
    ],
)
def test_a_senseless_covariate_is_refused(options, reason) -> None:
    evidence = evidence_of([([2, 0, 1], [1, 2, 3]), ([0, 1], [1, 2])], 3)
    with pytest.raises(FitError, match=reason):
        fit(evidence, **options)


@pytest.mark.parametrize("options", [{}, {"covariates": {}}, {"contamination": True}])
def test_a_prior_of_effects_without_covariates_is_named(options) -> None:
    evidence = evidence_of([([2, 0, 1], [1, 2, 3]), ([0, 1], [1, 2])], 3)
    assert "covariate_sd did nothing, there are no covariates" in fit(evidence, covariate_sd=0.5, **options).warnings
    for told in ({}, {"covariates": "first", "covariate_sd": 0.5}):
        assert not any("covariate_sd" in warning for warning in fit(evidence, **told).warnings)
    with pytest.raises(FitError, match="covariate_sd must be a number from"):
        fit(evidence, covariate_sd=-1.0)


@pytest.mark.slow
def test_intervals_of_effects_and_strengths_cover() -> None:
    rng = np.random.default_rng(21)
    effects, strengths = [], []
    for _ in range(150):
        theta = rng.normal(0, 0.7, 10)
        evidence, length = biased(theta, 0.3, rng)
        kept = np.arange(len(evidence)) < 150
        found = fit(evidence.take(kept), covariates={"length": length[: 4 * 150]})
        effect = found.parameters["covariates"]["length"]
        effects.append(effect["low"] <= 0.3 <= effect["high"])
        sd = np.sqrt(np.diag(found.covariance))
        strengths.append(np.abs(found.mean - (theta - theta.mean())) <= 1.96 * sd)
    assert 0.9 <= np.mean(effects) <= 0.99
    assert 0.93 <= np.mean(strengths) <= 0.97


@pytest.mark.parametrize("ballots", [10_000, 50_000])
@pytest.mark.parametrize("outcome", [[1], [1, 1, -1]])
def test_complete_separation_beside_a_covariate_has_a_mode(ballots, outcome) -> None:
    """The likelihood of so many ballots rounds by more than a step gains: the mode is still where the slopes are 0."""
    first = np.where(np.resize(outcome, ballots) > 0, 0, 1)
    evidence = Evidence.from_pairs(["a", "b"], first, 1 - first, np.resize(outcome, ballots))
    found = fit(evidence, covariates="position", prior_sd=3.0)
    assert found.converged
    likelihood = Profiled(evidence, covariates.design(evidence, "position", 1.0), noise=False)
    _, gradient, _ = likelihood.evaluate(found.mean)
    np.testing.assert_allclose(gradient, found.mean / 9, rtol=1e-5)
    pull = likelihood.joint(found.mean, likelihood.others).gradient[2:]
    np.testing.assert_allclose(pull, likelihood.design.precision * likelihood.others, atol=1e-6)


def ladder(items: int, ballots: int, *, first: bool) -> Evidence:
    """Each contestant always beats the next: the winner always shown first, or as often second."""
    upper = np.arange(ballots) % (items - 1)
    swapped = np.zeros(ballots, bool) if first else np.arange(ballots) // (items - 1) % 2 == 1
    outcome = np.where(swapped, -1, 1)
    return Evidence.from_pairs(names(items), upper + swapped, upper + ~swapped, outcome)


@pytest.mark.parametrize(("ballots", "spread", "rival"), [(300, "narrow", False), (1_000, "narrow", True),
                                                          (3_000, "wide", True), (30_000, "wide", False)])  # fmt: skip
def test_luck_of_the_place_or_a_wide_field_is_said_where_both_explain_all(ballots, spread, rival) -> None:
    """The winner is always first, so either explains every ballot: the better one is taken, the other is named."""
    found = fit(ladder(4, ballots, first=True), covariates="position")
    assert found.converged
    assert np.ptp(found.mean) < 1 if spread == "narrow" else np.ptp(found.mean) > 10
    said = [warning for warning in found.warnings if "a narrow field and by a wide one" in warning]
    assert bool(said) == rival
    if rival:
        prior_sd = found.parameters["prior_sd"]
        assert prior_sd < 1 if spread == "narrow" else prior_sd > 9
        assert f"the ratings are those of {prior_sd:.2g}" in said[0]


@pytest.mark.parametrize(("items", "ballots"), [(12, 1_000), (12, 10_000), (20, 10_000)])
def test_a_ladder_shown_in_both_orders_has_no_effect_of_the_place(items, ballots) -> None:
    """Steps that gain less than the rounding of ten thousand equal terms were refused for ever."""
    found = fit(ladder(items, ballots, first=False), covariates="position")
    assert found.converged
    assert abs(found.parameters["covariates"]["position"]["effect"]) < 0.05
    assert np.ptp(found.mean) > 40
