"""Joint draws with few ballots, against plain weighted samples from the prior."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines import chains, kernels, posterior
from ranking.engines.climbing import VARIANCE_RANGE
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.mixture import first_of_another_kind, rows_of_items
from ranking.engines.plackett_luce import fit
from ranking.engines.registry import ENGINES
from ranking.engines.standings import standings
from ranking.engines.terms import group
from tests.ranking.engines.ballots import evidence_of, simulated

SAMPLES = 400_000
FOUR = [0, 1, 2, 3]


def won(times: int, lost: int, items: int = 2) -> Evidence:
    return evidence_of([([0, 1], [1, 2])] * times + [([0, 1], [2, 1])] * lost, items)


def exactly(evidence: Evidence, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """P(a ahead of b) and P(best) from widths and strengths of the prior, weighted by the likelihood."""
    count, terms = len(evidence.items), group(evidence)
    psi = np.linspace(*np.log(VARIANCE_RANGE), 2001)
    prior = np.exp(-psi / 2 - np.exp(-psi) / 4)
    width = np.exp(rng.choice(psi, SAMPLES, p=prior / prior.sum()) / 2)
    theta = rng.standard_normal((SAMPLES, count)) * width[:, None]
    log = theta @ terms.wins
    for row, mass in enumerate(terms.mass):
        log -= mass * np.logaddexp.reduce(theta[:, terms.members[terms.starts[row] : terms.starts[row + 1]]], axis=1)
    share = np.exp(log - log.max())
    share /= share.sum()
    ahead = np.array([[share @ (theta[:, a] > theta[:, b]) for b in range(count)] for a in range(count)])
    np.fill_diagonal(ahead, 0.5)
    return ahead, np.array([share @ (theta.argmax(axis=1) == item) for item in range(count)])


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(won(10, 0), id="ten wins"),
        pytest.param(won(3, 0), id="three wins"),
        pytest.param(won(1, 0), id="one win"),
        pytest.param(won(5, 5), id="five all"),
        pytest.param(won(5, 1, items=4), id="two never seen"),
        pytest.param(evidence_of([(FOUR, [1, 2, 3, 4])], 4), id="one ballot of four"),
        pytest.param(evidence_of([(FOUR, [1, None, None, None])] * 2, 4), id="best of four"),
        pytest.param(evidence_of([([0, 1], [1, 2]), ([1, 2], [1, 2])] * 3, 3), id="a chain"),
        pytest.param(simulated(np.array([0.9, 0.0, -0.9]), 9, 3, np.random.default_rng(4)), id="three contestants"),
    ],
)
def test_who_is_ahead_and_who_is_best_follow_the_posterior(evidence) -> None:
    ahead, best = exactly(evidence, np.random.default_rng(1))
    found = fit(evidence)
    np.testing.assert_allclose(posterior.stronger(found), ahead, atol=0.015)
    np.testing.assert_allclose(posterior.best(posterior.draws(found)), best, atol=0.015)
    many = posterior._over_pairs(
        posterior.draws(found, 100_000), lambda one, others: np.asarray((one > others).mean(axis=0))
    )
    np.testing.assert_allclose(many, ahead, atol=0.006)


def test_ten_wins_in_ten_leave_hardly_a_doubt() -> None:
    found = fit(won(10, 0))
    assert posterior.stronger(found)[0, 1] > 0.998
    assert [(row.rank_low, row.rank_high) for row in standings(found)] == [(1, 1), (2, 2)]
    assert posterior.tie_groups(found) == [("c0",), ("c1",)]


def test_ties_and_unknown_ranks_are_drawn_as_the_likelihood_has_them() -> None:
    """Against the chains' target itself: the value alone must be that of the evaluation with derivatives."""
    rng = np.random.default_rng(2)
    slots = list(range(12))
    evidence = evidence_of(
        [
            (FOUR, [1, 2, 2, 4]),
            ([3, 1, 0, 2], [1, None, None, -1]),
            (slots, [1, *[None] * 9, -2, -1]),
            (slots[:8], [1, 1, 1, 1, None, None, None, None]),
            (list(range(11, 30)), list(range(1, 20))),
            (list(range(29, 11, -1)), [*range(1, 9), *[9] * 2, *[None] * 8]),
        ]
        * 2,
        30,
        weight=rng.choice([1.0, 0.6, 1.7], 12),
    )
    terms = group(evidence)
    plain = first_of_another_kind(terms)
    table, reached = np.empty(30), np.empty(1 << chains.SUBSETS)
    for spread in (0.0, 1.0, 10.0):
        theta = rng.normal(0, spread, 30)
        likelihood = terms.wins, terms.starts, terms.members, terms.split, terms.picks, terms.mass
        found = chains.value(theta, 1.0, *likelihood, plain, table, reached)
        assert found == pytest.approx(terms.evaluate(theta)[0], rel=1e-9)
    assert terms.split.max() > kernels.MAX_ENUMERATED
    assert terms.picks.max() > 1
    assert 0 < plain < len(terms.mass)
    assert (terms.split[:plain] == 0).all()
    assert (terms.picks[:plain] == 1).all()


def test_a_strength_moves_among_the_sets_of_long_rankings_as_in_the_whole_likelihood() -> None:
    """What changes with one strength alone is what the part of the likelihood that it is in changes by."""
    rng = np.random.default_rng(5)
    evidence = evidence_of(
        [
            (rng.permutation(40).tolist(), list(range(1, 41))),
            (rng.permutation(40).tolist(), [*range(1, 13), *[None] * 28]),
            (FOUR, [1, 2, 2, 4]),
            ([3, 1, 0, 2], [1, None, None, -1]),
        ],
        40,
        weight=np.array([1.0, 2.5, 1.0, 0.5]),
    )
    terms = group(evidence)
    rows, bounds = rows_of_items(terms)
    likelihood = terms.wins, terms.starts, terms.members, terms.split, terms.picks, terms.mass
    rest, upto = chains.most_sets(terms.picks, rows, bounds)
    theta, reached = rng.normal(0, 1.5, 40), np.empty(1 << chains.SUBSETS)
    for item in (*FOUR, 17, 39):
        own, table = rows[bounds[item] : bounds[item + 1]], np.exp(theta)
        chains.beside(item, *likelihood[1:5], own, table, rest, upto)
        levels = []
        for at in (theta[item], theta[item] + 0.9):
            moved = np.where(np.arange(40) == item, at, theta)
            part = chains.nearby(item, moved, 1.0, *likelihood, own, table, rest, upto, reached)
            levels.append((part, terms.evaluate(moved)[0]))
        assert levels[1][0] - levels[0][0] == pytest.approx(levels[1][1] - levels[0][1], abs=1e-9)


def test_long_chains_agree_with_the_draws() -> None:
    """A few sweeps are enough: many more move no probability by more than the error of the count."""
    rng = np.random.default_rng(3)
    found = fit(simulated(rng.normal(0, 1, 12), 24, 4, rng))
    mixture = found.sampler
    places, states = mixture._begun(4000, np.random.default_rng(0))
    chains.sweep(
        np.random.default_rng(1), places, states, np.zeros(4000), 60, mixture.average.grid.trusted, *mixture._target()
    )
    states -= states.mean(axis=1, keepdims=True)
    samples = posterior.draws(found)
    np.testing.assert_allclose(samples.mean(axis=0), states.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(samples.std(axis=0), states.std(axis=0), rtol=0.06)
    np.testing.assert_allclose(posterior.best(samples), posterior.best(states), atol=0.025)


def test_draws_are_centred_and_the_same_for_the_same_seed() -> None:
    found = fit(won(3, 0, items=3))
    samples = posterior.draws(found, 1001)
    assert samples.shape == (1001, 3)
    np.testing.assert_allclose(samples.sum(axis=1), 0, atol=1e-9)
    np.testing.assert_array_equal(samples, posterior.draws(found, 1001))
    assert not np.array_equal(samples, posterior.draws(found, 1001, np.random.default_rng(1)))


def test_one_contestant_and_no_ballots_have_draws_too() -> None:
    alone = fit(Evidence.from_ballots([], items=["a"]))
    assert (posterior.draws(alone, 10) == 0).all()
    nothing = fit(Evidence.from_ballots([], items=["a", "b", "c"]))
    np.testing.assert_allclose(posterior.best(posterior.draws(nothing)), 1 / 3, atol=0.02)


def test_pairs_are_drawn_alike_by_the_engine_of_pairs() -> None:
    evidence = simulated(np.linspace(-1, 1, 6), 12, 2, np.random.default_rng(5))
    first, second = (posterior.stronger(ENGINES[name].fit(evidence)) for name in ("plackett-luce", "bradley-terry"))
    np.testing.assert_allclose(first, second, atol=0.015)


def test_a_given_prior_and_other_intervals_keep_the_gaussian() -> None:
    for options in ({"prior_sd": 1.0}, {"intervals": "sandwich"}, {"covariates": "first"}):
        assert fit(won(4, 2), **options).sampler is None


def test_a_sampler_answers_what_hangs_on_the_shape_and_the_covariance_the_rest() -> None:
    """Certain to be ahead, whatever the overlap of two symmetric intervals."""
    upward = np.abs(np.random.default_rng(0).standard_normal((1000, 1))) * np.array([[0.5, -0.5]])
    found = Fit("made", ("a", "b"), np.array([0.4, -0.4]), np.eye(2), np.ones(2, int), 1, {}, True, 1,
                sampler=lambda count, rng: upward[:count])  # fmt: skip
    assert posterior.stronger(found)[0, 1] == 1
    assert posterior.wins(found)[0, 1] == pytest.approx(1 - posterior.wins(found)[1, 0])
    rows = standings(found, draws=1000)
    assert [row.p_best for row in rows] == [1, 0]
    assert rows[0].high == pytest.approx(0.4 + 1.959964)
