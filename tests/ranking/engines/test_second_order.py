"""The posterior averaged over the prior's width, against integrals over every strength and every width."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines import posterior, second_order
from ranking.engines.climbing import VARIANCE_RANGE
from ranking.engines.evidence import Evidence
from ranking.engines.laplace import maximise, widest_view
from ranking.engines.plackett_luce import fit
from ranking.engines.registry import ENGINES
from ranking.engines.second_order import MOST, Averaged, learned
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, simulated

BASIS = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])  # of the strengths less their average


def integrated(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of three strengths less their average, by brute force."""
    psi = np.linspace(*np.log(VARIANCE_RANGE), 120)
    side = np.concatenate([-np.geomspace(40, 0.02, 60), [0.0], np.geomspace(0.02, 40, 60)])
    area = np.gradient(side)
    points = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    terms = group(evidence)
    heights = np.array([terms.evaluate(point @ BASIS)[0] for point in points])
    prior = -psi / 2 - np.exp(-psi) / 4
    squares = (points**2).sum(axis=1)
    log = heights[:, None] - squares[:, None] / (2 * np.exp(psi)) - psi + prior
    share = np.exp(log - log.max()) * np.outer(area, area).reshape(-1, 1)
    share = share.sum(axis=1) / share.sum()
    theta = points @ BASIS
    mean = share @ theta
    return mean, np.sqrt(share @ (theta - mean) ** 2)


def average_of(evidence: Evidence) -> Averaged:
    terms = group(evidence)
    _, found = learned(terms, maximise(terms), average=True)
    assert found is not None
    return found


def deviations(covariance: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diag(covariance))


@pytest.mark.parametrize(("ballots", "size", "tolerance"), [(4, 2, 0.02), (6, 2, 0.2), (15, 3, 0.01), (40, 3, 0.005)])
@pytest.mark.parametrize("seed", [4, 5])
def test_mean_and_deviation_agree_with_the_integral_where_those_of_the_mode_do_not(
    ballots, size, tolerance, seed
) -> None:
    evidence = simulated(np.array([0.9, 0.0, -0.9]), ballots, size, np.random.default_rng(seed))
    mean, sd = integrated(evidence)
    found, alone = average_of(evidence), maximise(group(evidence))
    off, off_alone = (np.abs(deviations(covariance) / sd - 1).max() for covariance in (found.covariance, alone.centred))
    assert off < tolerance
    assert off < off_alone / 2
    away = np.abs(found.mean - mean).max()
    assert away < tolerance * sd.max()
    assert away <= np.abs(alone.theta - alone.theta.mean() - mean).max() / 2 + 1e-6


def test_ties_and_unknown_ranks_agree_with_the_integral_as_well() -> None:
    """Their terms are no plain choices, so their derivatives are tested apart."""
    odd = [([0, 1, 2], [1, 2, 2]), ([2, 0, 1], [1, None, -1]), ([1, 2], [1, 1]), ([0, 2, 1], [1, None, None])]
    evidence = evidence_of(odd * 5, 3)
    mean, sd = integrated(evidence)
    found = average_of(evidence)
    np.testing.assert_allclose(deviations(found.covariance), sd, rtol=0.01)
    np.testing.assert_allclose(found.mean, mean, atol=0.01 * sd.max())


def test_the_fit_reports_the_average_and_says_where_its_uncertainty_comes_from() -> None:
    evidence = simulated(np.linspace(-1, 1, 8), 20, 2, np.random.default_rng(3))
    found, expected = fit(evidence), average_of(evidence)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-6)
    assert found.parameters["prior_sd"] == pytest.approx(expected.prior_sd)
    assert found.parameters["prior"] == "learned"
    assert np.linalg.eigvalsh(expected.covariance - expected.between).min() > -1e-9
    assert np.abs(expected.covariance.sum(axis=0)).max() < 1e-9


def test_pairs_are_averaged_alike_by_the_engine_of_pairs() -> None:
    evidence = simulated(np.linspace(-1, 1, 8), 30, 2, np.random.default_rng(5))
    first, second = (ENGINES[name].fit(evidence) for name in ("plackett-luce", "bradley-terry"))
    np.testing.assert_allclose(first.mean, second.mean, atol=1e-5)
    np.testing.assert_allclose(first.covariance, second.covariance, atol=1e-5)


def test_nothing_jumps_where_directions_are_left_out(monkeypatch) -> None:
    """Some directions fewer than contestants, and nearly the same average."""
    evidence = simulated(np.random.default_rng(6).normal(0, 1, 30), 60, 2, np.random.default_rng(7))
    whole = average_of(evidence)
    tolerance = 0.06
    for most in (29, 28, 25, 20):
        monkeypatch.setattr(second_order, "MOST", most)
        part = average_of(evidence)
        np.testing.assert_allclose(part.mean, whole.mean, atol=tolerance * deviations(whole.covariance).mean())
        np.testing.assert_allclose(deviations(part.covariance), deviations(whole.covariance), rtol=tolerance)
        assert part.prior_sd == pytest.approx(whole.prior_sd, rel=tolerance)


def test_a_large_sparse_field_is_averaged_too() -> None:
    rng = np.random.default_rng(6)
    evidence = simulated(rng.normal(0, 1, MOST + 20), 240, 2, rng)
    found = fit(evidence)
    samples = posterior.draws(found, 8000)
    np.testing.assert_allclose(deviations(found.covariance), samples.std(axis=0), rtol=0.08)
    np.testing.assert_allclose(found.mean, samples.mean(axis=0), atol=0.12 * samples.std(axis=0).mean())


def test_the_average_fades_into_the_mode_as_ballots_come_in() -> None:
    """No ballot makes a rating jump: the share of the average goes down to nothing."""
    rng = np.random.default_rng(9)
    whole = simulated(rng.normal(0, 1, 20), 2_000, 4, rng)
    shares = []
    for count in range(100, 1000, 100):
        evidence = whole.take(np.arange(count))
        terms = group(evidence)
        mode = maximise(terms)
        _, average = learned(terms, mode, average=True)
        shares.append(0.0 if average is None else average.share)
        if average is not None and average.share < 0.2:
            apart = np.abs(average.mean - (mode.theta - mode.theta.mean())).max()
            assert apart < 0.05 * deviations(mode.centred).mean()
    assert shares[0] == 1
    assert shares[-1] == 0
    assert sum(0 < share < 1 for share in shares) >= 3


@pytest.mark.parametrize("name", ["plackett-luce", "bradley-terry", "thurstone", "davidson"])
def test_a_ballot_of_next_to_no_weight_says_as_much_as_one_that_ranks_nothing(name) -> None:
    nothing = ENGINES[name].fit(evidence_of([([0, 1], [None, None])], 3))
    last = None
    for weight in (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1):
        light = ENGINES[name].fit(evidence_of([([0, 1], [1, 2])], 3, weight=[weight]))
        sd = deviations(light.covariance)
        np.testing.assert_allclose(sd, deviations(nothing.covariance), rtol=1e-3 if weight <= 1e-6 else 0.3)
        assert last is None or np.abs(np.log(sd / last)).max() < 0.3
        last = sd
    none_at_all = ENGINES[name].fit(Evidence.from_ballots([], items=nothing.items))
    np.testing.assert_allclose(none_at_all.covariance, nothing.covariance)


def test_no_strength_is_less_known_than_its_prior_leaves_it() -> None:
    """A concave likelihood cannot widen a Gaussian, so the weight of a ballot cannot widen an interval by much."""
    terms = group(evidence_of([([0, 1], [1, 2])], 2, weight=[1e-3]))
    _, found = learned(terms, maximise(terms), average=True)
    for factor, top in zip(found.grid.factors, found.grid.tops, strict=True):
        assert np.linalg.eigvalsh(factor @ factor.T).max() <= top.variance * (1 + 1e-9)


def test_many_ballots_a_given_prior_and_options_keep_the_mode() -> None:
    rng = np.random.default_rng(6)
    many, few = simulated(rng.normal(0, 1, 20), 4_000, 4, rng), simulated(rng.normal(0, 1, 20), 40, 2, rng)
    for evidence, options in ((many, {}), (few, {"prior_sd": 0.7}), (few, {"intervals": "sandwich"})):
        found, mode = fit(evidence, **options), maximise(group(evidence), prior_sd=options.get("prior_sd"))
        np.testing.assert_allclose(found.mean, mode.theta - mode.theta.mean(), atol=1e-5)
        assert found.parameters["prior_sd"] == pytest.approx(np.sqrt(mode.variance), rel=1e-3)


def test_a_contestant_without_a_ballot_may_be_anywhere_in_the_field() -> None:
    evidence = simulated(np.linspace(-1, 1, 8), 60, 2, np.random.default_rng(7))
    wider = Evidence.from_arrays((*evidence.items, "new"), evidence.slots, evidence.ranks, offsets=evidence.offsets)
    found = fit(wider)
    middle = np.append(np.full(8, -1 / 8), 1)  # the newcomer beside the middle of the others
    assert found.mean[8] == pytest.approx(0, abs=0.1)
    sd = np.sqrt(middle @ found.covariance @ middle)
    assert sd > found.parameters["prior_sd"]  # the square of s is larger on average than the square of its average
    assert sd > 1.5 * deviations(found.covariance)[:8].max()


def test_beyond_the_widths_where_the_series_holds_its_last_terms_are_kept() -> None:
    evidence = simulated(np.linspace(-2, 2, 6), 8, 2, np.random.default_rng(8))
    terms = group(evidence)
    _, tops = widest_view(terms, maximise(terms), close=True)
    psi = np.log([top.variance for top in tops])
    found, lifts, trusted = second_order._corrected(terms, tops, psi)
    largest = [np.abs(np.linalg.eigvalsh(here.bubble)).max() for here in found]
    assert max(largest) <= second_order.TRUSTED
    kept = next(place for place, here in enumerate(found) if here is found[-1])
    assert 3 < kept < len(tops) - 2
    assert trusted == kept + 1
    slopes = np.diff(lifts[kept - 1 :]) / np.diff(psi[kept - 1 :])
    np.testing.assert_allclose(slopes, slopes[0])
    assert slopes[0] > 0
