"""Voters: the orders they give come as often as their equation says."""

from __future__ import annotations

import math
from itertools import permutations
from statistics import NormalDist

import numpy as np
import pytest
from scipy import integrate, stats

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.voters import FAN, LAZY, RANDOM, Electorate, Voters

THETA = np.array([0.9, 0.0, -0.6, 0.3])
SHOWN = np.array([0, 1, 2])
ORDERS = list(permutations(range(3)))
BALLOTS = 6000


def orders(electorate: Electorate, seed: int = 1, members: np.ndarray = SHOWN) -> list[tuple[int, ...]]:
    """Who was placed where, best first, as places in `members`, one order a ballot."""
    voters = Voters(electorate, THETA, BALLOTS, np.random.default_rng(seed))
    return [tuple(np.argsort(-voters.impressions(ballot, members)).tolist()) for ballot in range(BALLOTS)]


def misfit(found: list[tuple[int, ...]], expected: dict[tuple[int, ...], float]) -> float:
    """The p-value of a chi-square test that the orders were drawn with these probabilities."""
    assert math.isclose(sum(expected.values()), 1, abs_tol=1e-6)
    counts = [found.count(order) for order in ORDERS]
    return float(stats.chisquare(counts, [expected[order] * len(found) for order in ORDERS]).pvalue)


def plackett_luce(utilities: np.ndarray) -> dict[tuple[int, ...], float]:
    weight = np.exp(utilities)
    return {
        order: math.prod(weight[order[stage]] / weight[list(order[stage:])].sum() for stage in range(3))
        for order in ORDERS
    }


def mixture(*parts: tuple[float, dict[tuple[int, ...], float]]) -> dict[tuple[int, ...], float]:
    return {order: sum(share * chances[order] for share, chances in parts) for order in ORDERS}


HONEST = plackett_luce(THETA[SHOWN])
CHANCE = dict.fromkeys(ORDERS, 1 / 6)


def test_plackett_luce_voters_follow_their_equation() -> None:
    assert misfit(orders(Electorate()), HONEST) > 0.01


def test_a_wrong_equation_would_be_noticed() -> None:
    assert misfit(orders(Electorate()), plackett_luce(THETA[SHOWN] * 1.2)) < 1e-4


def test_thurstone_voters_follow_their_equation() -> None:
    sd, normal = math.pi / math.sqrt(6), NormalDist()

    def chance(order: tuple[int, ...]) -> float:
        best, middle, worst = (THETA[SHOWN][place] for place in order)

        def at(x: float) -> float:  # the middle one's impression is x
            density = normal.pdf((x - middle) / sd) / sd
            return density * (1 - normal.cdf((x - best) / sd)) * normal.cdf((x - worst) / sd)

        return float(integrate.quad(at, -12, 12)[0])

    found = orders(Electorate("thurstone"))
    assert misfit(found, {order: chance(order) for order in ORDERS}) > 0.01
    above = np.mean([order.index(0) < order.index(2) for order in found])
    assert above == pytest.approx(normal.cdf(1.5 / (math.pi / math.sqrt(3))), abs=0.02)


def test_true_voters_are_always_right() -> None:
    assert set(orders(Electorate("true"))) == {(0, 1, 2)}


def test_voters_see_as_sharply_as_their_scale_says() -> None:
    """A mixture of Plackett-Luce at alpha theta over the normal distribution of log alpha."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    weights = weights / weights.sum()
    scaled = ((weight, plackett_luce(np.exp(0.8 * x) * THETA[SHOWN])) for x, weight in zip(nodes, weights, strict=True))
    expected = mixture(*scaled)
    assert misfit(orders(Electorate(scale_sd=0.8, each=1)), expected) > 0.01


def test_a_share_of_voters_is_random() -> None:
    assert misfit(orders(Electorate("true", random=0.3)), mixture((0.7, point(0, 1, 2)), (0.3, CHANCE))) > 0.01


def test_a_share_of_ballots_is_random() -> None:
    found = orders(Electorate(random_ballots=0.4))
    assert misfit(found, mixture((0.6, HONEST), (0.4, CHANCE))) > 0.01


def test_lazy_voters_rank_in_the_order_shown() -> None:
    shown = np.array([2, 0, 1])
    found = orders(Electorate("true", lazy=0.25), members=shown)
    assert found.count((0, 1, 2)) == BALLOTS // 4
    assert found.count((1, 2, 0)) == 3 * BALLOTS // 4


def test_a_bloc_puts_its_target_first_and_is_honest_about_the_rest() -> None:
    voters = Voters(Electorate(bloc=1.0), THETA, BALLOTS, np.random.default_rng(2))
    others = [item for item in range(4) if item != voters.target][:2]
    members = np.array([others[0], voters.target, others[1]])
    seen = [voters.impressions(ballot, members) for ballot in range(BALLOTS)]
    assert all(np.argmax(impressions) == 1 for impressions in seen)
    above = sum(bool(impressions[0] > impressions[2]) for impressions in seen)
    gap = THETA[others[0]] - THETA[others[1]]
    assert stats.binomtest(above, BALLOTS, 1 / (1 + math.exp(-gap))).pvalue > 0.01
    without = np.array(others)
    assert 0 < sum(np.argmax(voters.impressions(ballot, without)) for ballot in range(50)) < 50


def test_tastes_make_majorities_run_in_a_circle() -> None:
    voters = Voters(Electorate(cyclic=1.5), np.zeros(3), BALLOTS, np.random.default_rng(4))
    kinds = voters.kind_of_contestant
    assert sorted(kinds.tolist()) == [0, 1, 2]
    impressions = np.array([voters.impressions(ballot, np.arange(3)) for ballot in range(BALLOTS)])
    of_kind = {int(kind): impressions[:, item] for item, kind in enumerate(kinds)}
    for kind in range(3):
        better = np.mean(of_kind[kind] > of_kind[(kind + 2) % 3])
        tastes = [(((kind + taste) % 3) - ((kind + 2 + taste) % 3)) * 1.5 for taste in range(3)]
        assert better == pytest.approx(np.mean([1 / (1 + math.exp(-gap)) for gap in tastes]), abs=0.02)
        assert better > 0.55


def test_shares_are_exact_and_every_voter_casts_as_many_ballots() -> None:
    voters = Voters(Electorate(each=10, random=0.2, lazy=0.1, bloc=0.05), THETA, 1000, np.random.default_rng(0))
    assert len(voters.behaviour) == 100
    assert [int((voters.behaviour == kind).sum()) for kind in (RANDOM, LAZY, FAN)] == [20, 10, 5]
    assert set(np.bincount(voters.of).tolist()) == {10}
    assert np.unique(voters.of[:100]).size > 50  # mixed, not one after another


def test_the_same_electorate_whatever_the_shares() -> None:
    """So that a bloc can be compared with the same voters without it."""
    one, two = (Voters(e, THETA, 500, np.random.default_rng(7)) for e in (Electorate(), Electorate(bloc=0.2)))
    assert one.target == two.target
    np.testing.assert_array_equal(one.of, two.of)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "wise"}, "plackett-luce, thurstone, true, not 'wise'"),
        ({"each": 0}, "1 to 1000000 ballots, not 0"),
        ({"each": 10**12}, "1 to 1000000 ballots"),
        ({"scale_sd": -1.0}, "scale sd must be 0 to 5"),
        ({"cyclic": math.nan}, "cyclic must be 0 to 100"),
        ({"cyclic": 1e300}, "cyclic must be 0 to 100"),
        ({"random": 1.2}, "a share from 0 to 1, not 1.2"),
        ({"bloc": math.nan}, "a share from 0 to 1"),
        ({"random": 0.6, "lazy": 0.5}, "add up to more than 1"),
    ],
)
def test_an_electorate_that_makes_no_sense_is_refused(wrong, message) -> None:
    with pytest.raises(LaboratoryError, match=message):
        Electorate(**wrong)


def point(*order: int) -> dict[tuple[int, ...], float]:
    return {each: float(each == order) for each in ORDERS}
