"""Voters of every class are found, their ballots count by what they say, and the intervals know what is not known."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines import plackett_luce, registry
from ranking.engines.errors import EngineError, FitError
from ranking.engines.reliability.annotator_aware import analyse, fit
from ranking.engines.reliability.mixture import solve
from ranking.engines.reliability.scales import SCALES, Law
from ranking.engines.reliability.stages import expand
from ranking.engines.reliability.uncertainty import covariance, information, share_interval
from ranking.engines.reliability.voters import Electorate, Shares, likelihoods, respond
from tests.ranking.engines.ballots import evidence_of, names, some_ballots
from tests.ranking.engines.reliability.electorates import electorate

FEW = settings(max_examples=25, deadline=None)
EVERYTHING = {"fans": True, "scales": SCALES, "sides": True}


def agreement(found: np.ndarray, truth: np.ndarray) -> float:
    """Kendall's tau."""
    upper = np.triu_indices(len(truth), 1)
    return float(np.mean(np.sign(np.subtract.outer(found, found) * np.subtract.outer(truth, truth))[upper]))


def place(means: np.ndarray, item: int) -> int:
    return int((means > means[item]).sum())


def voters_of(evidence, **classes) -> tuple:
    stages = expand(evidence)
    return stages, Electorate.of(evidence, stages, **{**EVERYTHING, **classes})


def test_every_class_is_a_distribution_over_orders() -> None:
    theta = np.array([0.7, -0.4, 0.2, -0.5])
    ballots = [([1, 3, 0], [1 + order.index(place) for place in range(3)]) for order in permutations(range(3))]
    evidence = evidence_of(ballots, 4, voters=[f"v{number}" for number in range(6)])
    stages, electorate = voters_of(evidence)
    found = likelihoods(evidence, stages, electorate, theta)
    for relative in (found.scales, found.others):
        np.testing.assert_allclose(np.exp(found.honest[:, None] + relative).sum(axis=0), 1)
    for item in (0, 1, 3):
        mine = electorate.pair_item == item
        value = found.honest[electorate.pair_voter[mine]] + found.pairs[mine]
        np.testing.assert_allclose(np.exp(value).sum(), 1)
        wins = np.array([ranks[[1, 3, 0].index(item)] == 1 for _, ranks in ballots])
        np.testing.assert_allclose(np.exp(value[wins]).sum(), 0.97)


def test_a_random_voter_gives_partial_orders_and_ties_their_uniform_probability() -> None:
    ballots = [([0, 1, 2, 3], [1, None, None, None]), ([0, 1, 2], [1, 2, 3]), ([0, 1, 2, 3], [1, None, None, -1])]
    evidence = evidence_of(ballots, 4, voters=["a", "b", "c"])
    stages, electorate = voters_of(evidence)
    found = likelihoods(evidence, stages, electorate, np.array([0.5, 0.1, -0.9, 0.3]))
    random = found.honest + found.others[:, electorate.classes[1:].index("random")]
    np.testing.assert_allclose(np.exp(random), [1 / 4, 1 / 6, 1 / 12])


@FEW
@given(some_ballots(most=10), st.integers(0, 100))
def test_responsibilities_are_bayes_rule_written_out(ballots, seed) -> None:
    rng = np.random.default_rng(seed)
    voters = [f"v{rng.integers(3)}" for _ in ballots]
    evidence = evidence_of(ballots, 6, voters=voters)
    stages, electorate = voters_of(evidence)
    found = likelihoods(evidence, stages, electorate, rng.normal(size=6))
    raw = rng.dirichlet(np.ones(len(electorate.classes) + 6))
    shares, law = Shares(raw[:-6], raw[-6:]), rng.dirichlet(np.ones(len(SCALES)))
    answer = respond(found, electorate, shares, law)
    fans, expected_fans = answer.fans(electorate, shares)
    total, expected = 0.0, np.zeros(6)
    for voter in range(len(electorate.names)):
        loyal = np.zeros(6)
        mine = electorate.pair_voter == voter
        loyal[electorate.pair_item[mine]] = found.pairs[mine]
        scales = raw[0] * law * np.exp(found.honest[voter] + found.scales[voter])
        others = raw[1:] * np.exp(found.honest[voter] + np.concatenate([found.others[voter], loyal]))
        joint = np.append(scales.sum(), others)
        total += math.log(joint.sum())
        np.testing.assert_allclose(answer.scales[voter], scales / joint.sum(), atol=1e-12)
        np.testing.assert_allclose(answer.classes[voter], (joint / joint.sum())[:-6], atol=1e-12)
        np.testing.assert_allclose(fans[voter], (joint / joint.sum())[-6:].sum(), atol=1e-12)
        expected += (joint / joint.sum())[-6:]
    np.testing.assert_allclose(expected_fans, expected, atol=1e-12)
    assert answer.log_likelihood == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(("kind", "classes"), [("random", {}), ("sharp", EVERYTHING)])
def test_a_round_never_lowers_the_bound(kind, classes) -> None:
    case = electorate(kind, 0.2, 3, items=12, voters=40, each=10)
    stages = expand(case.evidence)
    voters = Electorate.of(case.evidence, stages, **{"fans": True, "scales": (1.0,), "sides": False, **classes})
    found = solve(case.evidence, stages, voters, np.zeros(12), prior_sd=0.5, effect=False)
    assert found.converged
    assert len(found.bounds) > 3
    assert np.diff(found.bounds).min() > -0.01  # the counts behind a bound are at rest within their tolerance only


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("classes", [{"scales": (1.0,)}, {}])
def test_the_information_is_minus_the_second_derivative_of_the_mixture(effect, classes) -> None:
    case = electorate("bloc", 0.2, 5, items=8, voters=30, each=6)
    stages = expand(case.evidence, positions=effect)
    voters = Electorate.of(case.evidence, stages, **{**EVERYTHING, **classes})
    start = np.zeros(9 if effect else 8)
    found = solve(case.evidence, stages, voters, start, prior_sd=0.7, effect=effect)
    observed = information(case.evidence, stages, voters, found, effect=effect)

    def value(moved: np.ndarray) -> float:
        theta = found.mode.theta + moved[: len(start)]
        strengths = np.concatenate([theta[:-1], theta[:-1] + theta[-1]]) if effect else theta
        odds = np.concatenate([[0.0], moved[len(start) : len(start) + 4]])  # of honest, random, two sides, fans
        prior = np.append(found.prior.classes, found.prior.fans.sum())
        mean = prior + np.append(found.voters.classes, found.voters.fans.sum())
        room = math.log(mean @ np.exp(odds) / mean.sum())
        raised = np.exp(odds - room)
        shares = Shares(found.shares.classes * raised[:-1], found.shares.fans * raised[-1])
        law = found.law
        if law.varies:
            law = replace(law, spread=law.spread * math.exp(moved[-1]))
        likely = likelihoods(case.evidence, stages, voters, strengths)
        answer = respond(likely, voters, shares, law.weights)
        return answer.log_likelihood + law.log_prior + prior @ (odds - room) - theta @ theta / (2 * 0.7**2)

    rng, step = np.random.default_rng(0), 1e-3
    for _ in range(6):
        along = rng.normal(size=len(observed))
        bend = (value(step * along) - 2 * value(0 * along) + value(-step * along)) / step**2
        assert -along @ observed @ along == pytest.approx(bend, rel=2e-3, abs=0.05)
    assert np.linalg.eigvalsh(observed).min() > 0


def test_ballots_without_voters_are_believed_and_give_the_default_engine() -> None:
    case = electorate("random", 0.2, 1, items=10, voters=20)
    nameless = type(case.evidence).from_arrays(
        case.evidence.items, case.evidence.slots, case.evidence.ranks, offsets=case.evidence.offsets
    )
    found, expected = fit(nameless, prior_sd=0.5), plackett_luce.fit(nameless, prior_sd=0.5)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-6)
    assert "400 of 400 ballots name no voter and are believed" in found.warnings


@FEW
@given(some_ballots(most=12), st.permutations(range(6)))
def test_relabelling_items_and_reordering_ballots_changes_nothing(ballots, labels) -> None:
    voters = [f"v{number % 3}" for number in range(len(ballots))]
    moved = [([labels[slot] for slot in slots], ranks) for slots, ranks in ballots]
    first = analyse(evidence_of(ballots, 6, voters=voters), prior_sd=1.0)
    second = analyse(evidence_of(moved[::-1], 6, voters=voters[::-1]), prior_sd=1.0)
    np.testing.assert_allclose(second.fit.mean[labels], first.fit.mean, atol=1e-3)
    by_name = dict(zip(second.voters.names, second.voters.reliability, strict=True))
    np.testing.assert_allclose([by_name[name] for name in first.voters.names], first.voters.reliability, atol=1e-3)


@FEW
@given(some_ballots(most=8))
def test_a_weight_of_two_is_the_ballot_cast_twice(ballots) -> None:
    voters = [f"v{number % 3}" for number in range(len(ballots))]
    weighted = fit(evidence_of(ballots, 6, voters=voters, weight=np.full(len(ballots), 2.0)), prior_sd=1.0)
    repeated = fit(evidence_of(ballots * 2, 6, voters=voters * 2), prior_sd=1.0)
    np.testing.assert_allclose(weighted.mean, repeated.mean, atol=1e-6)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, atol=1e-6)


@pytest.mark.parametrize(("kind", "share"), [("random", 0.2), ("reversed", 0.1)])
def test_unreliable_voters_are_found_and_harm_less(kind, share) -> None:
    """The sizes of the effects, with more seeds, are in `benchmarks/reliability.py`."""
    gains, apart = [], []
    for seed in range(8):
        case = electorate(kind, share, seed)
        found, plain = analyse(case.evidence), plackett_luce.fit(case.evidence)
        assert found.fit.converged
        assert found.voters.names == tuple(f"v{number}" for number in range(200))
        gains.append(agreement(found.fit.mean, case.theta) - agreement(plain.mean, case.theta))
        apart.append(found.voters.reliability[~case.odd].mean() - found.voters.reliability[case.odd].mean())
    assert np.mean(gains) > 0
    assert min(apart) > 0.4


def test_honest_voters_lose_nothing_by_being_asked() -> None:
    for seed in range(3):
        case = electorate("random", 0.0, seed)
        found, plain = fit(case.evidence), plackett_luce.fit(case.evidence)
        deviation = (found.mean - plain.mean) / np.sqrt(np.diag(plain.covariance))
        assert np.abs(deviation).mean() < 0.2
        assert found.parameters["shares"]["honest"]["voters"] > 185


def test_a_bloc_lifts_its_favourite_less() -> None:
    lifts = []
    for seed in range(6):
        case = electorate("bloc", 0.05, seed)
        before = place(plackett_luce.fit(case.honest).mean, case.favourite)
        found = [plackett_luce.fit(case.evidence).mean, fit(case.evidence).mean]
        lifts.append([before - place(means, case.favourite) for means in found])
    without, aware = np.mean(lifts, axis=0)
    assert without > 1.5
    assert aware < without / 2


def test_a_large_bloc_is_named() -> None:
    case = electorate("bloc", 0.2, 7, items=12, voters=100)
    found = analyse(case.evidence)
    favourite = f"c{case.favourite}"
    listed = found.fit.parameters["fans"][0]
    assert listed["item"] == favourite
    assert listed["low"] < 0.2 < listed["high"]
    assert any(f"expected: {favourite}" in warning for warning in found.fit.warnings)
    assert (found.voters.favourite[case.odd] == case.favourite).mean() > 0.9
    assert found.voters.loyalty[case.odd].mean() > 0.8
    assert found.voters.loyalty[~case.odd].mean() < 0.1
    np.testing.assert_allclose(found.voters.probability.sum(axis=1), 1)


def test_voters_set_on_a_slot_are_found() -> None:
    case = electorate("first slot", 0.15, 2, items=20, voters=100)
    found = analyse(case.evidence, sides=True)
    column = found.voters.classes.index("first slot")
    assert found.voters.probability[case.odd, column].min() > 0.95
    assert found.voters.probability[~case.odd, column].max() < 0.05
    share = found.fit.parameters["shares"]["first slot"]
    assert share["low"] < 0.15 < share["high"]
    assert any("15 of 100 voters seem to put the first slot first" in warning for warning in found.fit.warnings)


def test_sharp_voters_count_more() -> None:
    gains = []
    for seed in range(6):
        case = electorate("sharp", 0.3, seed, spread=0.8, voters=100)
        found = analyse(case.evidence, scales=True)
        seen = np.log(found.voters.scale)
        assert seen[case.odd].mean() > seen[~case.odd].mean() + 0.5  # in truth 0.92
        assert found.fit.parameters["scales"]["low"] > 0.2
        plain = plackett_luce.fit(case.evidence)
        gains.append(agreement(found.fit.mean, case.theta) - agreement(plain.mean, case.theta))
    assert np.mean(gains) > 0


def test_random_voters_do_not_move_the_scale_of_strengths() -> None:
    """Random voters make the first strengths too small, from which honest voters look as if they saw sharply."""
    for seed in range(4):
        case = electorate("random", 0.2, seed, items=10, spread=1.0, voters=100, each=40)
        alike, differing = fit(case.evidence), analyse(case.evidence, scales=True)
        assert differing.fit.converged
        assert differing.fit.mean @ case.theta / (alike.mean @ case.theta) == pytest.approx(1, abs=0.03)
        assert (differing.voters.reliability[case.odd] < 0.5).mean() >= 0.9
        assert (differing.voters.reliability[~case.odd] > 0.5).mean() > 0.95
        assert differing.fit.parameters["scales"]["sd"] < 0.25


def test_every_start_leads_to_the_same_strengths_on_the_scale_of_the_typical_voter() -> None:
    case = electorate("random", 0.2, 1, items=10, spread=1.0, voters=100, each=40, scale_sd=0.5)
    stages, voters = voters_of(case.evidence, sides=False)
    ends = [
        solve(case.evidence, stages, voters, factor * case.theta, prior_sd=None, effect=False)
        for factor in (0.4, 1.0, 2.0)
    ]
    for end in ends:
        assert end.converged
        likely = end.responsibilities.scales
        assert (likely @ np.log(SCALES)).sum() / likely.sum() == pytest.approx(0, abs=1e-4)
        np.testing.assert_allclose(end.mode.theta, ends[0].mode.theta, atol=0.02)  # standard deviations are above 0.1


def test_how_much_scales_differ_is_recovered() -> None:
    case = electorate("random", 0.1, 5, items=12, spread=1.0, voters=200, each=30, scale_sd=0.5)
    found = analyse(case.evidence, scales=True)
    spread = found.fit.parameters["scales"]
    assert spread["low"] < 0.5 < spread["high"] < 1.5 * spread["low"]
    honest = ~case.odd
    assert np.corrcoef(np.log(found.voters.scale[honest]), np.log(case.scale[honest]))[0, 1] > 0.8
    z = (found.fit.mean - case.theta) / np.sqrt(np.diag(found.fit.covariance))
    assert np.abs(z).max() < 4
    assert fit(case.evidence).parameters["scales"] is None


def test_a_step_of_the_law_raises_the_likelihood_of_the_ballots() -> None:
    rng = np.random.default_rng(3)
    logs = rng.normal(0, 3, size=(30, len(SCALES)))
    for spread in (0.1, 0.3, 0.7, 1.5):
        law = Law(np.log(SCALES), spread)
        joint = 0.9 * law.weights * np.exp(logs)
        before = np.log(joint.sum(axis=1) + 0.1)
        step = law.renewed(joint / (joint.sum(axis=1) + 0.1)[:, None])
        after = np.log((0.9 * step.untilted * np.exp(logs)).sum(axis=1) + 0.1)
        assert after.sum() + step.log_prior >= before.sum() + law.log_prior
        assert step.spread != spread


def test_the_advantage_of_the_first_slot_is_recovered() -> None:
    rng = np.random.default_rng(9)
    theta, beta = rng.normal(0, 0.7, 15), 0.4
    slots = rng.permuted(np.tile(np.arange(15), (4000, 1)), axis=1)[:, :3]
    utility = theta[slots] + rng.gumbel(size=slots.shape) + beta * np.array([1, 0, 0])
    ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
    evidence = type(evidence_of([], 2)).from_arrays(
        names(15), slots, ranks, voters=[f"v{number % 100}" for number in range(4000)]
    )
    found = analyse(evidence, position=True)
    assert found.position_sd < 0.05
    assert abs(found.position - beta) < 3 * found.position_sd
    error = (found.fit.mean - (theta - theta.mean())) / np.sqrt(np.diag(found.fit.covariance))
    assert np.abs(error).max() < 4
    assert found.fit.parameters["position"] == {"effect": found.position, "sd": found.position_sd}


def test_not_knowing_who_is_random_widens_the_intervals() -> None:
    case = electorate("random", 0.2, 6, each=8)
    stages = expand(case.evidence)
    voters = Electorate.of(case.evidence, stages, fans=False, scales=(1.0,), sides=False)
    found = solve(case.evidence, stages, voters, np.zeros(50), prior_sd=0.5, effect=False)
    honest, is_maximum = covariance(case.evidence, stages, voters, found, effect=False)
    assert is_maximum
    honest = honest[:50, :50]
    widened = np.linalg.eigvalsh(honest - found.mode.centred)
    assert widened.min() > -1e-9
    assert np.trace(honest) > 1.05 * np.trace(found.mode.centred)


@pytest.mark.slow
def test_intervals_of_strengths_cover_in_spite_of_random_voters() -> None:
    inside, plain = [], []
    for seed in range(60):
        case = electorate("random", 0.2, seed, items=20, voters=80)
        for engine, hits in ((fit, inside), (plackett_luce.fit, plain)):
            found = engine(case.evidence)
            z = (found.mean - case.theta) / np.sqrt(np.diag(found.covariance))
            hits.append(np.abs(z) < 1.96)
    assert 0.93 < np.mean(inside) < 0.97
    assert np.mean(plain) < np.mean(inside) - 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("shown", "share", "scale_sd"), [(4, 0.2, 0.0), (4, 0.2, 0.5), (2, 0.1, 0.5), (2, 0.2, 0.5)])
def test_intervals_of_strengths_cover_where_scales_differ(shown, share, scale_sd) -> None:
    inside, apart = [], []
    for seed in range(60):
        case = electorate(
            "random", share, seed, items=10, spread=1.0, voters=100, each=40, shown=shown, scale_sd=scale_sd
        )
        found = fit(case.evidence, scales=True)
        assert found.converged
        inside.append(np.abs(found.mean - case.theta) < 1.96 * np.sqrt(np.diag(found.covariance)))
        apart.append(agreement(found.mean, case.theta) - agreement(plackett_luce.fit(case.evidence).mean, case.theta))
    assert 0.92 < np.mean(inside) < 0.98  # strengths of one fit share their scale, so 60 fits say it to 0.01
    assert np.mean(apart) > -0.005


@pytest.mark.slow
def test_intervals_of_shares_cover() -> None:
    hits = []
    for seed in range(100):
        rng = np.random.default_rng(1000 + seed)
        share = 0.05 + rng.beta(1, 19)  # near where the prior puts it, never zero
        case = electorate("random", share, seed, items=15, spread=0.8, voters=60)
        found = fit(case.evidence, fans=False).parameters["shares"]["random"]
        hits.append(found["low"] <= case.odd.mean() <= found["high"])
    assert np.mean(hits) > 0.9


def test_a_share_of_voters_who_are_known_has_the_beta_interval() -> None:
    own, others = np.repeat([1.0, 0.0], [7, 33]), np.repeat([0.0, 1.0], [7, 33])
    low, high = share_interval(own, others, 1.0, 20.0, 0.95)
    draws = np.random.default_rng(0).beta(8, 52, 400_000)
    np.testing.assert_allclose([low, high], np.quantile(draws, [0.025, 0.975]), rtol=0.03)


def test_little_or_nothing_still_has_a_posterior() -> None:
    none = fit(evidence_of([], 3), prior_sd=2.0)
    np.testing.assert_allclose(np.diag(none.covariance), 4 * 2 / 3)
    one = fit(evidence_of([([0, 1], [1, 2])], 2, voters=["a"]))
    assert one.mean[0] > 0 > one.mean[1]
    assert any("1.0 ballots a voter are few" in warning for warning in one.warnings)
    alone = fit(evidence_of([], 1))
    assert alone.mean.tolist() == [0.0]
    bad = fit(evidence_of([([0, 1], [None, None])], 2, voters=["a"], all_bad=np.array([True])))
    assert bad.parameters["voters"] == 0
    worst = analyse(evidence_of([([0, 1, 2], [None, None, -1])], 3, voters=["a"]), sides=True, scales=True)
    assert worst.fit.mean[2] < worst.fit.mean[0]
    assert worst.voters.favourite.tolist() == [-1]
    with pytest.raises(FitError, match="no items"):
        fit(evidence_of([], 0))


def test_separated_and_heavy_ballots_stay_finite() -> None:
    ballots = [(list(range(10)), list(range(1, 11)))] * 60
    found = fit(evidence_of(ballots, 10, voters=[f"v{number % 3}" for number in range(60)]), sides=True)
    assert (np.diff(found.mean) < 0).all()
    heavy = fit(evidence_of([([0, 1], [1, 2])] * 4, 2, voters=["a", "b", "c", "d"], weight=np.full(4, 1e6)))
    assert np.isfinite(heavy.covariance).all()
    few = [([4, 0, 2, 3, 5], [1, 2, 1, None, None]), ([3, 4, 2, 0, 5], [None, None, 1, -2, 2]), ([0, 4], [None, 1])]
    sure = evidence_of(few * 2, 6, voters=[f"v{number % 3}" for number in range(6)], weight=np.full(6, 1000.0))
    found = analyse(sure, scales=True, prior_sd=0.3)
    assert np.isfinite(found.fit.covariance).all()
    assert ((found.voters.scale >= SCALES[0]) & (found.voters.scale <= SCALES[-1])).all()


@pytest.mark.parametrize("prior_sd", [0.0, math.nan])
def test_a_prior_that_is_no_width_is_refused(prior_sd) -> None:
    with pytest.raises(FitError, match="prior standard deviation"):
        fit(evidence_of([([0, 1], [1, 2])], 2), prior_sd=prior_sd)


def test_the_registry_knows_the_engine_and_its_options() -> None:
    engine = registry.engine_named("annotator-aware")
    found = engine.fit(evidence_of([([0, 1], [1, 2])], 2, voters=["a"]), fans=False, prior_sd=1.0)
    assert found.engine == "annotator-aware"
    with pytest.raises(EngineError, match="no option"):
        engine.fit(evidence_of([], 2), reversed=True)
