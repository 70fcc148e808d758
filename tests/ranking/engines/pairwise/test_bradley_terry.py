"""Bradley-Terry against slow references, published tables, peers, and at the extremes."""

from __future__ import annotations

import csv
import json

import choix
import evalica
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranking.engines import plackett_luce, posterior
from ranking.engines.errors import EngineError, FitError
from ranking.engines.evidence import Evidence
from ranking.engines.pairwise.bradley_terry import fit
from ranking.engines.pairwise.pairs import observed
from ranking.engines.pairwise.solver import existence, strong_groups
from ranking.engines.registry import engine_named
from tests.ranking.engines.ballots import evidence_of, names, shared_data, simulated, some_ballots
from tests.ranking.engines.pairwise.peers import llmfao, toy
from tests.ranking.engines.pairwise.references import WIN, hessian, listed_pairs, logistic, maximum

WIDE = settings(max_examples=40, deadline=None)


def shares(mean: np.ndarray) -> np.ndarray:
    strength = np.exp(mean)
    return strength / strength.sum()


def log_posterior(evidence: Evidence, prior_sd: float):
    pairs = list(listed_pairs(evidence))

    def value(theta: np.ndarray) -> float:
        total = -float(theta @ theta) / (2 * prior_sd**2)
        for ballot, outcome, a, b in pairs:
            ahead, behind = logistic(theta[a] - theta[b]), logistic(theta[b] - theta[a])
            found = np.log(ahead) if outcome == WIN else (np.log(ahead) + np.log(behind)) / 2
            total += evidence.weight[ballot] * found
        return total

    return value


@settings(max_examples=15, deadline=None)
@given(some_ballots(items=4), st.sampled_from([0.5, 2.0]))
def test_mode_and_covariance_agree_with_the_obvious_version(ballots, prior_sd) -> None:
    evidence = evidence_of(ballots, 4)
    found = fit(evidence, prior_sd=prior_sd)
    objective = log_posterior(evidence, prior_sd)
    mode = maximum(objective, np.zeros(4))
    centre = np.eye(4) - 1 / 4
    np.testing.assert_allclose(found.mean, centre @ mode, atol=1e-4)
    expected = centre @ np.linalg.inv(-hessian(objective, mode)) @ centre
    np.testing.assert_allclose(found.covariance, expected, atol=1e-3 * prior_sd**2)


def test_the_example_on_wikipedia() -> None:
    """Article "Bradley-Terry model": four teams, strengths with geometric mean 1 to three decimals."""
    wins = [[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]]
    games = [(a, b) for a in range(4) for b in range(4) for _ in range(wins[a][b])]
    evidence = Evidence.from_pairs("ABCD", [a for a, _ in games], [b for _, b in games], [1] * len(games))
    found = np.exp(fit(evidence, method="ml").mean)
    np.testing.assert_array_equal(found.round(3), [0.640, 1.043, 0.660, 2.270])


def test_the_published_leaderboard_of_llmfao() -> None:
    """All 59 places and scores (shares of the sum of strengths) to 1e-5, ties as half a win each way."""
    found = fit(llmfao(), method="ml")
    score = dict(zip(found.items, shares(found.mean).tolist(), strict=True))
    published = json.loads(shared_data("llmfao/published_leaderboard.json").read_text())["humans"]
    assert len(published) == len(score) == 59
    order = [found.items[item] for item in posterior.order(found)]
    for item, value, _, place in published:
        assert score[item] == pytest.approx(value, abs=1e-5)
        assert order[place - 1] == item


@pytest.mark.parametrize("name", ["simple", "food"])
def test_golden_scores_of_evalica(name) -> None:
    evidence, golden = toy(name)
    score = shares(fit(evidence, method="ml").mean)
    for item, value in golden["bradley_terry"].items():
        assert score[evidence.items.index(item)] == pytest.approx(value, abs=1e-6)


def test_agrees_with_choix_and_evalica_on_random_pairs() -> None:
    """choix gets winners before losers; its penalty alpha |theta|^2 is our prior with s^2 = 1 / 2 alpha; evalica gives
    strengths, not their logarithms."""
    rng = np.random.default_rng(7)
    evidence = simulated(rng.normal(size=12), 600, 2, rng)
    games = [(a, b) for _, _, a, b in listed_pairs(evidence)]
    found = fit(evidence, method="ml")
    np.testing.assert_allclose(found.mean, choix.ilsr_pairwise(12, games, max_iter=1000), atol=1e-6)
    regular = fit(evidence, prior_sd=0.5)
    expected = choix.opt_pairwise(12, games, alpha=2.0, tol=1e-10)
    np.testing.assert_allclose(regular.mean, expected - expected.mean(), atol=1e-5)
    peer = evalica.bradley_terry(
        [a for a, _ in games], [b for _, b in games], [evalica.Winner.X] * len(games), limit=10_000, tolerance=1e-12
    ).scores
    strength = peer.loc[range(12)].to_numpy()
    np.testing.assert_allclose(shares(found.mean), strength / strength.sum(), atol=1e-7)


def test_on_pairs_it_is_the_default_engine() -> None:
    rng = np.random.default_rng(3)
    evidence = simulated(rng.normal(size=10), 200, 2, rng)
    for options in ({}, {"prior_sd": 0.7}):
        found, other = fit(evidence, **options), plackett_luce.fit(evidence, **options)
        np.testing.assert_allclose(found.mean, other.mean, atol=1e-9)
        np.testing.assert_allclose(found.covariance, other.covariance, atol=1e-9)


@WIDE
@given(some_ballots(), st.permutations(range(6)), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_changes_nothing(ballots, labels, random) -> None:
    shuffled = []
    for slots, ranks in ballots:
        places = random.sample(range(len(slots)), len(slots))
        shuffled.append(([labels[slots[place]] for place in places], [ranks[place] for place in places]))
    random.shuffle(shuffled)
    for intervals in ("model", "sandwich"):
        evidence, other = evidence_of(ballots, 6), evidence_of(shuffled, 6)
        assume(evidence.informative().sum() > 1)
        first = fit(evidence, prior_sd=1.0, intervals=intervals)
        second = fit(other, prior_sd=1.0, intervals=intervals)
        np.testing.assert_allclose(second.mean[labels], first.mean, atol=1e-7)
        np.testing.assert_allclose(second.covariance[np.ix_(labels, labels)], first.covariance, atol=1e-7)


@WIDE
@given(some_ballots(), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_a_weight_is_a_repetition(ballots, weights) -> None:
    weights = weights[: len(ballots)]
    once = evidence_of(ballots, 6, weight=[float(w) for w in weights])
    assume(once.informative().sum() > 1)
    repeated = evidence_of([ballot for ballot, w in zip(ballots, weights, strict=True) for _ in range(w)], 6)
    for intervals in ("model", "sandwich", "clustered"):
        first, second = fit(once, intervals=intervals), fit(repeated, intervals=intervals)
        np.testing.assert_allclose(first.mean, second.mean, atol=1e-6)
        if intervals != "clustered":  # a ballot with no voter is a voter, however often it counts
            np.testing.assert_allclose(first.covariance, second.covariance, atol=1e-5)


def test_the_sandwich_agrees_with_summing_scores_one_by_one() -> None:
    rng = np.random.default_rng(11)
    evidence = simulated(rng.normal(size=5), 60, 3, rng)
    voters = [f"v{number % 7}" for number in range(60)]
    evidence = Evidence.from_arrays(
        evidence.items, evidence.slots.reshape(60, 3), evidence.ranks.reshape(60, 3), voters=voters
    )
    for intervals, unit in (("sandwich", range(60)), ("clustered", [number % 7 for number in range(60)])):
        found = fit(evidence, prior_sd=1.0, intervals=intervals)
        theta = fit(evidence, prior_sd=1.0).mean
        scores: dict[int, np.ndarray] = {}
        information = np.eye(5)
        for ballot, _, a, b in listed_pairs(evidence):
            p, unit_vector = logistic(theta[a] - theta[b]), np.eye(5)[a] - np.eye(5)[b]
            scores[unit[ballot]] = scores.get(unit[ballot], np.zeros(5)) + (1 - p) * unit_vector
            information += p * (1 - p) * np.outer(unit_vector, unit_vector)
        clusters = len(scores)
        middle = np.eye(5) + clusters / (clusters - 1) * sum(np.outer(g, g) for g in scores.values())
        expected = np.linalg.solve(information, np.linalg.solve(information, middle).T)
        centre = np.eye(5) - 1 / 5
        np.testing.assert_allclose(found.covariance, centre @ expected @ centre, atol=1e-8)


def test_ballots_of_one_voter_widen_only_clustered_intervals() -> None:
    rng = np.random.default_rng(5)
    evidence = simulated(rng.normal(0, 0.5, 6), 300, 2, rng)
    copied = Evidence.from_arrays(
        evidence.items,
        np.repeat(evidence.slots.reshape(-1, 2), 9, axis=0),
        np.repeat(evidence.ranks.reshape(-1, 2), 9, axis=0),
        voters=np.repeat(np.arange(300), 9).astype(str).tolist(),
    )
    alone = np.sqrt(np.diag(fit(evidence, method="ml", intervals="sandwich").covariance))
    for intervals, factor in (("model", 3), ("sandwich", 3), ("clustered", 1)):
        sd = np.sqrt(np.diag(fit(copied, method="ml", intervals=intervals).covariance))
        np.testing.assert_allclose(alone / sd, factor, rtol=0.08)


@pytest.mark.parametrize("intervals", ["bootstrap", "clustered-bootstrap"])
def test_a_bootstrap_agrees_with_its_sandwich(intervals) -> None:
    rng = np.random.default_rng(2)
    drawn = simulated(rng.normal(0, 0.7, 6), 2_000, 3, rng)
    evidence = Evidence.from_arrays(
        drawn.items, drawn.slots.reshape(-1, 3), drawn.ranks.reshape(-1, 3), voters=[f"v{n % 200}" for n in range(2000)]
    )
    robust = "sandwich" if intervals == "bootstrap" else "clustered"
    for method in ("ml", "map"):
        expected = fit(evidence, method=method, intervals=robust)
        found = fit(evidence, method=method, intervals=intervals, samples=800)
        np.testing.assert_allclose(found.draws.mean(axis=0), found.mean, atol=0.02)
        np.testing.assert_allclose(found.draws.std(axis=0), np.sqrt(np.diag(expected.covariance)), rtol=0.12)
        np.testing.assert_allclose(found.draws.sum(axis=1), 0, atol=1e-9)


def test_a_bootstrap_of_pairs_does_not_depend_on_how_it_is_drawn() -> None:
    """Equal pair ballots share one draw; a single ballot of three makes every ballot be drawn on its own."""
    rng = np.random.default_rng(4)
    drawn = simulated(rng.normal(0, 0.7, 5), 400, 2, rng)
    ballots = [(drawn.slots[2 * n : 2 * n + 2].tolist(), drawn.ranks[2 * n : 2 * n + 2].tolist()) for n in range(400)]
    mixed = evidence_of([*ballots, ([0, 1, 2], [1, None, None])], 5)
    first = fit(evidence_of(ballots, 5), intervals="bootstrap", method="ml", samples=1000).draws.std(axis=0)
    second = fit(mixed, intervals="bootstrap", method="ml", samples=1000).draws.std(axis=0)
    np.testing.assert_allclose(first, second, rtol=0.12)


def test_the_same_seed_gives_the_same_draws() -> None:
    evidence, _ = toy("food")
    runs = [fit(evidence, intervals="bootstrap", samples=20, rng=seed).draws for seed in (1, 1, 2, None, None)]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[3], runs[4])
    assert np.abs(runs[0] - runs[2]).max() > 0.01


def test_a_contestant_without_ballots_keeps_the_prior_whatever_the_intervals() -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([0, 1], [2, 1])] * 10, 3)
    for intervals in ("model", "sandwich", "clustered", "bootstrap"):
        found = fit(evidence, prior_sd=1.0, intervals=intervals, samples=2000)
        spread = found.covariance if found.draws is None else np.cov(found.draws.T)
        difference = spread[2, 2] + (spread[0, 0] + 2 * spread[0, 1] + spread[1, 1]) / 4 - spread[0, 2] - spread[1, 2]
        assert difference == pytest.approx(1.5, rel=0.1)  # a newcomer against the average of two: 1 + 1/2
        assert any("c2 is compared with nothing" in warning for warning in found.warnings)


def test_perfect_separation_is_finite_with_a_prior_and_refused_without() -> None:
    evidence = evidence_of([([0, 1], [1, 2])] * 50, 2)
    found = fit(evidence)
    assert np.isfinite(found.mean).all()
    assert any("no finite estimate (c0: never lost to any of the others)" in warning for warning in found.warnings)
    with pytest.raises(FitError, match=r"does not exist \(c0: never lost to any of the others\); use method=map"):
        fit(evidence, method="ml")


@pytest.mark.parametrize(
    ("ballots", "items", "reason"),
    [
        ([([0, 1], [1, 1]), ([2, 3], [1, 1])], 4, "c0, c1: never compared with the others"),
        ([([0, 1], [1, 1])], 3, "c2 is compared with nothing"),
        ([([0, 1], [1, 1]), ([1, 2], [2, 1])], 3, "c2: never lost to any of the others"),
        ([([0, 1], [1, 2]), ([1, 2], [1, 1])], 3, "c0: never lost to any of the others"),
        ([([0, 1], [1, 2]), ([1, 2], [1, 2]), ([2, 0], [1, 2])], 3, None),
    ],
)
def test_whether_an_estimate_exists_is_decided_by_who_lost_to_whom(ballots, items, reason) -> None:
    pairs = observed(evidence_of(ballots, items))
    assert existence(names(items), pairs) == reason


def test_real_data_in_three_strong_components_has_a_posterior_and_no_estimate() -> None:
    """The sparse image-editing arena of February 2024 (see the README of the data): decisive votes of 7 contestants."""
    with shared_data("genai_arena_20240220/pair_counts.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["task"] == "image_editing" and row["part"] == "anony"]
    items = sorted({row["model"] for row in rows} | {row["opponent"] for row in rows})
    won: dict[tuple[int, int], float] = {}
    for row in rows:
        if row["wins"]:  # an empty one is told by the opponent's row
            a, b, wins = items.index(row["model"]), items.index(row["opponent"]), round(float(row["wins"]))
            won[a, b], won[b, a] = wins, int(row["decisive_battles"]) - wins
    some = [(a, b) for (a, b), wins in won.items() if wins]
    evidence = Evidence.from_pairs(
        items, [a for a, _ in some], [b for _, b in some], [1] * len(some), weight=[float(won[pair]) for pair in some]
    )
    assert len(items) == 7
    assert len(strong_groups(observed(evidence))) == 3
    with pytest.raises(FitError, match="does not exist"):
        fit(evidence, method="ml")
    found = fit(evidence)
    assert found.converged
    assert any("without the prior there would be no finite estimate" in warning for warning in found.warnings)


def test_one_ballot_one_contestant_and_none() -> None:
    assert fit(evidence_of([([0, 1], [1, 2])], 2)).mean[0] > 0
    single = Evidence.from_arrays(["only"], np.empty((0, 2), int), np.empty((0, 2), int))
    assert fit(single).mean == pytest.approx([0])
    with pytest.raises(FitError, match="at least one observed pair; of 0 ballots"):
        fit(single, method="ml")
    with pytest.raises(FitError, match="at least two ballots that rank something, there is 1"):
        fit(evidence_of([([0, 1], [1, 2])], 2), intervals="bootstrap")


def test_a_million_identical_ballots() -> None:
    slots, ranks = np.tile([0, 1], (1_000_000, 1)), np.tile([1, 2], (1_000_000, 1))
    found = fit(Evidence.from_arrays(["a", "b"], slots, ranks), prior_sd=2.0)
    assert found.converged
    once = fit(Evidence.from_arrays(["a", "b"], slots[:1], ranks[:1], weight=[1_000_000.0]), prior_sd=2.0)
    np.testing.assert_allclose(found.mean, once.mean, atol=1e-9)


def test_longer_ballots_and_ties_are_stated() -> None:
    evidence = evidence_of([([0, 1, 2], [1, 1, None])], 3)
    warnings = " | ".join(fit(evidence).warnings)
    assert "1 ballots on three or more contestants are broken into 3 observed pairs" in warnings
    assert "sandwich or clustered" in warnings
    assert "1 of 3 observed pairs are ties; they count as half a win each way" in warnings


def test_few_and_unstated_voters_are_stated() -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([0, 1], [2, 1])] * 3, 2, voters=["a", "a", "b", "b", None, None])
    warnings = " | ".join(fit(evidence, intervals="clustered").warnings)
    assert "2 ballots state no voter" in warnings
    assert "from only 4 voters" in warnings


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "mle"}, "method must be map or ml, not 'mle'"),
        ({"intervals": "wide"}, "intervals must be one of model, sandwich, clustered"),
        ({"method": "ml", "prior_sd": 1.0}, "maximum likelihood has no prior"),
        ({"prior_sd": 0.0}, "must be a number from 1e-06 to 1e\\+06, not 0.0"),
        ({"prior_sd": float("nan")}, "must be a number from 1e-06 to 1e\\+06, not nan"),
        ({"intervals": "bootstrap", "samples": 1}, "samples must lie between 2 and"),
        ({"colour": 1}, "bradley-terry has no option colour"),
    ],
)
def test_senseless_options_are_refused(options, reason) -> None:
    evidence = evidence_of([([0, 1], [1, 2]), ([0, 1], [2, 1])], 2)
    with pytest.raises(EngineError, match=reason):
        engine_named("bradley-terry").fit(evidence, **options)


@pytest.mark.slow
@pytest.mark.parametrize("intervals", ["model", "sandwich"])
def test_ninety_five_percent_intervals_cover_the_truth(intervals) -> None:
    rng = np.random.default_rng(20)
    inside = []
    for _ in range(150):
        theta = rng.normal(size=12)
        found = fit(simulated(theta, 600, 2, rng), intervals=intervals)
        error = np.abs(found.mean - theta + theta.mean())
        inside.append((error < 1.96 * np.sqrt(np.diag(found.covariance))).mean())
    assert 0.93 <= np.mean(inside) <= 0.97
