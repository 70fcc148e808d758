"""What must not matter does not, extremes stay finite, what is wrong is named, and the result goes on a board."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.errors import EvidenceError, FitError
from ranking.engines.rasch import faceted
from ranking.engines.rasch.faceted import fit
from ranking.engines.ratings import Ratings
from ranking.engines.standings import standings
from tests.ranking.engines.rasch.plain import log_probability
from tests.ranking.engines.rasch.simulated import simulated

FEW = settings(max_examples=8, deadline=None)
SEEDS = st.integers(0, 10_000)
OWNERS = st.sampled_from(["common", "criterion", "rater"])


def some(seed: int, **options):
    return simulated(np.random.default_rng(seed), **{"items": 7, "raters": 4, "categories": 4, "each": 6, **options})


def same(one, other, *, raters=slice(None), items=slice(None), atol=2e-4) -> None:
    """Both fits say the same of the elements in the order given for the first."""
    assert one.fit.converged
    assert other.fit.converged
    np.testing.assert_allclose(one.items.measure[items], other.items.measure, atol=atol)
    np.testing.assert_allclose(one.fit.covariance[items][:, items], other.fit.covariance, atol=atol)
    np.testing.assert_allclose(one.raters.measure[raters], other.raters.measure, atol=atol)
    np.testing.assert_allclose(one.raters.sd[raters], other.raters.sd, atol=atol)
    np.testing.assert_allclose(one.raters.misfit.infit_z[raters], other.raters.misfit.infit_z, atol=10 * atol)
    np.testing.assert_allclose(one.thresholds.measure, other.thresholds.measure, atol=atol)
    np.testing.assert_allclose(one.fair[items], other.fair, atol=atol)


@FEW
@given(SEEDS, OWNERS)
def test_names_and_order_do_not_matter(seed, thresholds) -> None:
    ratings, _ = some(seed, criteria=2)
    rng = np.random.default_rng(seed)
    items, raters, rows = rng.permutation(7), rng.permutation(4), rng.permutation(len(ratings))
    moved = Ratings.from_arrays(
        [ratings.items[old] for old in items], [ratings.raters[old] for old in raters], ratings.categories,
        items.argsort()[ratings.item][rows], raters.argsort()[ratings.rater][rows], ratings.value[rows],
        criteria=ratings.criteria, criterion=ratings.criterion[rows],
    )  # fmt: skip
    one, other = fit(ratings, thresholds=thresholds), fit(moved, thresholds=thresholds)
    same(one, other, items=items, raters=raters)
    assert [len(part) for part in other.subsets[0]] == [7, 4]


@FEW
@given(SEEDS, OWNERS)
def test_a_weight_is_a_repetition(seed, thresholds) -> None:
    ratings, _ = some(seed, criteria=2)
    times = np.random.default_rng(seed).integers(1, 4, len(ratings))
    again = Ratings.from_arrays(
        ratings.items, ratings.raters, ratings.categories, *(
            np.repeat(column, times) for column in (ratings.item, ratings.rater, ratings.value)
        ), criteria=ratings.criteria, criterion=np.repeat(ratings.criterion, times),
    )  # fmt: skip
    one, other = fit(ratings, weight=times, thresholds=thresholds), fit(again, thresholds=thresholds)
    same(one, other, atol=1e-9)
    np.testing.assert_allclose(one.items.average, other.items.average)
    assert other.fit.shown.sum() == times.sum()
    assert one.fit.shown.sum() == len(ratings)


@FEW
@given(SEEDS, OWNERS)
def test_a_scale_read_from_the_other_end_turns_everything_round(seed, thresholds) -> None:
    ratings, _ = some(seed, criteria=2)
    turned = dataclasses.replace(ratings, value=len(ratings.categories) - 1 - ratings.value)
    one, other = fit(ratings, thresholds=thresholds), fit(turned, thresholds=thresholds)
    np.testing.assert_allclose(one.items.measure, -other.items.measure, atol=2e-4)
    np.testing.assert_allclose(one.raters.measure, -other.raters.measure, atol=2e-4)
    np.testing.assert_allclose(one.thresholds.measure, -other.thresholds.measure[::-1], atol=2e-4)
    np.testing.assert_allclose(one.fair + other.fair, one.scores[0] + one.scores[-1], atol=2e-4)


@FEW
@given(SEEDS)
def test_raters_are_items_seen_from_the_other_side(seed) -> None:
    """One facet is eliminated, the other is not; the model does not know which."""
    ratings, _ = some(seed)
    swapped = Ratings.from_arrays(
        ratings.raters, ratings.items, ratings.categories, ratings.rater, ratings.item, ratings.value
    )
    one, other = fit(ratings), fit(swapped)
    np.testing.assert_allclose(one.items.measure, -other.raters.measure, atol=2e-4)
    np.testing.assert_allclose(one.items.sd, other.raters.sd, atol=2e-4)
    np.testing.assert_allclose(one.raters.measure, -other.items.measure, atol=2e-4)
    np.testing.assert_allclose(one.thresholds.measure, other.thresholds.measure, atol=2e-4)
    assert one.items.reliability == pytest.approx(other.raters.reliability, abs=1e-4)


def test_the_same_ratings_give_the_same_fit() -> None:
    ratings, _ = some(3)
    one, other = fit(ratings), fit(ratings)
    assert one.items.measure.tobytes() == other.items.measure.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        one.raters.measure[0] = 0


def test_severity_is_taken_out_of_measures_and_fair_averages() -> None:
    """`hard` is judged by the severe rater alone, `easy` by the lenient one, the rest by both."""
    rng = np.random.default_rng(4)
    rows = []
    for _ in range(60):
        for rater, shift in (("severe", -1.5), ("lenient", 1.5)):
            for item, theta in (("low", -1.0), ("high", 1.0)):
                rows.append((item, rater, int(np.clip(round(3 + theta + shift + rng.normal(0, 0.7)), 1, 5))))
        rows.append(("hard", "severe", int(np.clip(round(3 - 1.5 + rng.normal(0, 0.7)), 1, 5))))
        rows.append(("easy", "lenient", int(np.clip(round(3 + 1.5 + rng.normal(0, 0.7)), 1, 5))))
    found = fit(Ratings.from_rows(rows, categories=[1, 2, 3, 4, 5]))
    of = dict(zip(found.fit.items, range(4), strict=True))
    assert found.items.average[of["easy"]] - found.items.average[of["hard"]] > 2.5
    assert abs(found.fair[of["easy"]] - found.fair[of["hard"]]) < 0.3
    assert found.fair[of["high"]] - found.fair[of["low"]] > 1.5
    assert found.raters.measure[found.raters.names.index("severe")] > 1


def test_a_fair_average_is_the_expected_score_by_an_average_rater() -> None:
    ratings, _ = some(5, criteria=2)
    found = fit(ratings)
    np.testing.assert_array_equal(found.scores, [0, 1, 2, 3])
    for item, measure in enumerate(found.items.measure):
        steps = found.thresholds.measure.tolist()
        shares = [math.exp(log_probability(category, float(measure), steps)) for category in range(4)]
        assert found.fair[item] == pytest.approx(np.dot(shares, found.scores))
    assert (found.fair_low < found.fair).all()
    assert (found.fair < found.fair_high).all()
    named = Ratings.from_rows(
        [("a", "x", "bad"), ("b", "x", "good"), ("a", "y", "ok")], categories=["bad", "ok", "good"]
    )
    np.testing.assert_array_equal(fit(named).scores, [1, 2, 3])
    halves = Ratings.from_rows([("a", "x", 0.5), ("b", "x", 1.5), ("a", "y", 4)])
    np.testing.assert_array_equal(fit(halves).scores, [0.5, 1.5, 4])


def test_joint_maximum_likelihood_stretches_distances_and_this_does_not() -> None:
    """Every item is rated by the same four raters: joint estimates are too far apart by about 4 / 3."""
    stretch = {"joint": [], "variational": []}
    for seed in range(12):
        ratings, truth = simulated(
            np.random.default_rng(seed), items=120, raters=4, categories=3, each=4, item_sd=1.5, rater_sd=1.0
        )
        sigma = truth.raters - truth.raters.mean()
        wide = {"prior_sd": 30.0, "rater_sd": 30.0, "threshold_sd": 30.0, "method": "joint"}
        for method, options in (("joint", wide), ("variational", {})):
            found = fit(ratings, **options).raters.measure
            stretch[method].append(found @ sigma / (sigma @ sigma))
    assert 1.25 < np.mean(stretch["joint"]) < 1.5
    assert 0.93 < np.mean(stretch["variational"]) < 1.05


def test_two_raters_are_twice_as_far_apart_by_joint_maximum_likelihood() -> None:
    """Andersen 1980, section 6.1: of two yes-or-no ratings an item, the joint estimate of the distance between the
    raters is exactly twice the conditional one, log(n10 / n01), whatever the items."""
    counts = {(1, 0): 30, (0, 1): 12, (1, 1): 40, (0, 0): 35}
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    ratings = Ratings.from_rows([(n, rater, pair[at]) for n, pair in enumerate(pairs) for at, rater in enumerate("xy")])
    conditional = math.log(30 / 12)
    joint = fit(ratings, method="joint", prior_sd=100.0, rater_sd=100.0, threshold_sd=100.0).raters.measure
    assert joint[1] - joint[0] == pytest.approx(2 * conditional, rel=5e-3)  # the priors are wide, not absent
    here = fit(ratings, rater_sd=100.0).raters.measure
    assert here[1] - here[0] == pytest.approx(conditional, rel=0.05)


@pytest.mark.parametrize("widths", [{}, {"prior_sd": 1e-3, "rater_sd": 100.0}, {"prior_sd": 100.0, "rater_sd": 1e-3}])
@pytest.mark.parametrize("weight", [[1e9] * 5, [1e-6] * 5, [1e9, 1e-6, 1.0, 1e9, 1e-6]])
def test_absurd_weights_and_widths_end_in_finite_numbers(weight, widths) -> None:
    rows = [("a", "x", 1), ("b", "x", 2), ("a", "y", 2), ("b", "y", 3), ("c", "x", 3)]
    found = fit(Ratings.from_rows(rows), weight=weight, **widths)
    for facet in (found.items, found.raters):
        assert np.isfinite([facet.measure, facet.low, facet.high]).all()
    assert found.fit.converged or any("did not converge" in warning for warning in found.fit.warnings)


def test_the_evidence_prefers_thresholds_of_their_own_where_raters_have_them() -> None:
    gains = {}
    for deviation in (0.0, 0.7):
        gains[deviation] = []
        for seed in range(8):
            ratings, _ = some(seed, items=40, raters=8, each=8, thresholds="rater", deviation_sd=deviation)
            own, common = fit(ratings, thresholds="rater"), fit(ratings)
            gains[deviation].append(own.fit.parameters["log_evidence"] - common.fit.parameters["log_evidence"])
    assert np.mean(gains[0.0]) < 0
    assert np.mean(gains[0.7]) > 2


@pytest.mark.parametrize("method", ["variational", "joint"])
@pytest.mark.parametrize(
    "rows",
    [
        [(item, rater, 5) for item in range(6) for rater in range(4)],  # nothing but the top
        [(item, rater, 1) for item in range(6) for rater in range(4)],
        [("best", rater, 5) for rater in range(4)]
        + [(item, rater, (item + rater) % 4 + 1) for item in range(5) for rater in range(4)],
        [("a", "x", 1), ("b", "x", 5)] * 20,  # apart without overlap
        [("a", "x", 3)],  # a single rating
        [("a", rater, rater) for rater in range(1, 6)],  # a single item
        [(item, "x", item) for item in range(1, 6)],  # a single rater
    ],
)
def test_extreme_ratings_stay_finite(rows, method) -> None:
    widths = {} if method == "variational" else {"prior_sd": 1.0, "rater_sd": 1.0}
    found = fit(Ratings.from_rows(rows, categories=[1, 2, 3, 4, 5]), method=method, **widths)
    assert found.fit.converged
    for facet in (found.items, found.raters):
        assert np.isfinite([facet.measure, facet.sd, facet.low, facet.high]).all()
        assert np.abs(facet.measure).max() < 25
        assert 0 <= facet.reliability < 1
        assert facet.strata >= 1 / 3
    assert np.isfinite([found.fair, found.fair_low, found.fair_high]).all()
    assert ((found.fair >= 1) & (found.fair <= 5)).all()
    assert np.isfinite(found.thresholds.measure).all()


def test_the_top_item_is_finite_above_all_and_said_to_lean_on_the_prior() -> None:
    rows = [("best", rater, 5) for rater in range(6)]
    rows += [(item, rater, (item + rater) % 4 + 1) for item in range(8) for rater in range(6)]
    found = fit(Ratings.from_rows(rows))
    best = found.fit.items.index("best")
    assert found.items.measure.argmax() == best
    assert found.items.sd.argmax() == best
    said = [warning for warning in found.fit.warnings if "only the highest" in warning]
    assert said == ["1 of 9 items have only the highest or only the lowest ratings (best); "
                    "how far out they lie comes from the prior"]  # fmt: skip


def test_what_nobody_rated_or_used_is_placed_by_the_prior_and_said() -> None:
    ratings = Ratings.from_arrays(
        ["a", "b", "new"], ["x", "y", "idle"], ["0", "1", "2", "3"], [0, 1, 0, 1, 0, 1] * 10, [0, 0, 1, 1, 0, 1] * 10,
        [0, 1, 1, 3, 1, 1] * 10,
    )  # fmt: skip
    found = fit(ratings)
    assert math.isnan(found.items.average[2])
    assert math.isnan(found.raters.misfit.outfit[2])
    assert found.items.ratings.tolist() == [30, 30, 0]
    assert found.items.sd[2] > 1.4 * found.items.sd[:2].max()
    assert found.raters.sd[2] > 1.4 * found.raters.sd[:2].max()
    assert found.fit.warnings[:3] == (
        "1 item without ratings (new); only the prior places them",
        "1 rater without ratings (idle); only the prior places them",
        "nobody used 2; only the prior places the thresholds beside them",
    )


def test_sets_that_no_rating_joins_are_said_and_named() -> None:
    rows = [(item, rater, (number * 7) % 3) for number, (item, rater) in enumerate(
        [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y"), ("c", "z"), ("d", "z")] * 40)]  # fmt: skip
    found = fit(Ratings.from_rows(rows))
    assert found.subsets == ((("a", "b"), ("x", "y")), (("c", "d"), ("z",)))
    assert (
        "items and raters fall into 2 sets that no rating joins (items: a, b; c, d); "
        "only the priors place one set against another"
    ) in found.fit.warnings
    between = found.fit.covariance[0, 0] + found.fit.covariance[2, 2] - 2 * found.fit.covariance[0, 2]
    within = found.fit.covariance[0, 0] + found.fit.covariance[1, 1] - 2 * found.fit.covariance[0, 1]
    assert between > 2 * within
    crossed = [(item, rater, criterion, (number * 5) % 3) for number, (item, rater, criterion) in enumerate(
        [("a", "x", "style"), ("a", "y", "facts"), ("b", "x", "style"), ("b", "y", "facts")] * 4)]  # fmt: skip
    said = fit(Ratings.from_rows(crossed)).fit.warnings
    assert any("raters and criteria fall into 2 sets" in warning for warning in said)
    assert not any("items and" in warning for warning in said)


def test_disordered_thresholds_are_said_with_how_sure_it_is() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (item, rater, int(rng.choice([1, 2, 3], p=[0.48, 0.04, 0.48]))) for item in range(20) for rater in range(10)
    ]
    found = fit(Ratings.from_rows(rows))
    assert found.thresholds.measure[0] > found.thresholds.measure[1] + 2
    assert any(
        warning == "the thresholds of 1 of 3 categories are disordered, so that they are nowhere the likeliest "
        "(with probability): 2 (1.00)"
        for warning in found.fit.warnings
    )
    ordered, _ = some(0, items=30, each=4)
    assert not any("disordered" in warning for warning in fit(ordered).fit.warnings)


def test_a_fit_that_does_not_settle_says_so(monkeypatch) -> None:
    monkeypatch.setattr("ranking.engines.rasch.solver.MAX_ITERATIONS", 2)
    found = fit(some(1)[0])
    assert not found.fit.converged
    assert found.fit.warnings[0].startswith("the fit did not converge in")


def test_a_learned_width_at_its_limit_is_said() -> None:
    found = fit(Ratings.from_rows([("a", "x", 1), ("b", "x", 2)] * 50))
    assert "the learned prior_sd is at its upper limit, 10" in found.fit.warnings


def test_given_widths_are_kept_and_unlearned() -> None:
    found = fit(some(2)[0], prior_sd=0.5, rater_sd=0.25)
    assert found.fit.parameters["prior_sd"] == 0.5
    assert found.fit.parameters["rater_sd"] == 0.25
    assert found.fit.parameters["learned"] == []
    assert "criterion_sd" not in found.fit.parameters
    assert fit(some(2)[0]).fit.parameters["learned"] == ["prior_sd", "rater_sd"]


def test_a_wider_level_is_a_wider_interval() -> None:
    ratings, _ = some(6)
    narrow, wide = fit(ratings, level=0.5), fit(ratings, level=0.99)
    assert (wide.items.low < narrow.items.low).all()
    assert (wide.raters.high > narrow.raters.high).all()
    assert (wide.fair_high > narrow.fair_high).all()
    np.testing.assert_allclose((wide.items.high - wide.items.measure) / wide.items.sd, 2.5758, atol=1e-3)


def test_the_measures_go_on_a_board() -> None:
    ratings, truth = some(7, items=10, raters=6, each=60, item_sd=1.5)
    found = fit(ratings)
    rows = standings(found.fit, scale="elo")
    assert [row.item for row in rows] == [f"i{item}" for item in np.argsort(-found.items.measure)]
    assert rows[0].ballots == 60
    assert rows[0].rank_low == 1
    assert sum(row.p_best for row in rows) == pytest.approx(1)
    natural = {row.item: row for row in standings(found.fit)}
    for number, name in enumerate(found.items.names):
        assert natural[name].low == pytest.approx(found.items.low[number])
        assert natural[name].high == pytest.approx(found.items.high[number])
    assert np.corrcoef(found.items.measure, truth.items)[0, 1] > 0.95
    assert found.fit.mean.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"thresholds": "item"}, "thresholds must be one of common, criterion, rater"),
        ({"method": "em"}, "method must be one of variational, joint"),
        ({"level": 1.0}, "the level must lie between 0 and 1, not 1.0"),
        ({"prior_sd": 0.0}, "prior_sd must be a number from 0.001 to 100, not 0.0"),
        ({"rater_sd": math.nan}, "rater_sd must be a number from 0.001 to 100, not nan"),
        ({"threshold_sd": None}, "threshold_sd must be a number"),
        ({"criterion_sd": 1.0}, "criterion_sd has nothing to be the width of: these ratings have one"),
        ({"deviation_sd": 1.0}, "deviation_sd has nothing to be the width of: thresholds are common"),
        ({"thresholds": "criterion"}, "thresholds by criterion need more than one criterion"),
        ({"method": "joint"}, "the joint mode does not learn the priors; give prior_sd, rater_sd"),
        ({"weight": [1.0] * 41}, "weight must be 42 numbers, one for each rating"),
        ({"weight": ["1"] * 42}, "weight must be 42 numbers"),
        ({"weight": [1.0] * 40 + [0.0, 1.0]}, "rating 40: weight 0.0 is not a number from 1e-06 to 1e+09"),
        ({"weight": [1.0] * 41 + [math.nan]}, "rating 41: weight nan is not a number from 1e-06"),
        ({"weight": [-1] * 42}, "rating 0: weight -1 is not a number from 1e-06"),
        ({"weight": [1e300] * 42}, "rating 0: weight 1e+300 is not a number from 1e-06"),
        ({"weight": [1e-300] * 42}, "rating 0: weight 1e-300 is not a number from 1e-06"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said) -> None:
    ratings, _ = some(8)
    with pytest.raises(FitError) as refused:
        fit(ratings, **options)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_ratings_that_cannot_be_fitted_are_refused(monkeypatch) -> None:
    with pytest.raises(FitError, match="there are no ratings"):
        fit(Ratings.from_rows([], categories=[1, 2]))
    with pytest.raises(FitError, match="at least two categories, not 1: name also those that nobody used"):
        fit(Ratings.from_rows([("a", "x", 5)]))
    with pytest.raises(FitError, match="two categories have one threshold"):
        fit(Ratings.from_rows([("a", "x", 0), ("a", "y", 1)]), thresholds="rater")
    monkeypatch.setattr(faceted, "MOST_NUMBERS", 50)
    with pytest.raises(FitError, match=r"7 items, 1 criteria and 4 raters need a matrix of .* fit fewer at once"):
        fit(some(9)[0])


@pytest.mark.parametrize("nothing", [None, math.nan, np.float64("nan")])
def test_a_rating_without_a_category_is_refused(nothing) -> None:
    with pytest.raises(EvidenceError, match=r"rating 1: (None|nan) is no category; leave out what was not rated"):
        Ratings.from_rows([("a", "x", 1), ("a", "y", nothing)])
    with pytest.raises(EvidenceError, match="value must be whole numbers"):
        Ratings.from_arrays(["a"], ["x"], ["1"], [0], [0], [math.nan])
