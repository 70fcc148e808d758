"""Dawid-Skene on the paper's own patients, by recovery, and at the extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.dawid_skene import _maximise, _shares, fit
from ranking.engines.errors import EvidenceError, FitError
from ranking.engines.ratings import Ratings

# Dawid and Skene 1979, table 1: 45 patients in order, each with three gradings by the first anaesthetist and one by
# each of the four others.
PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
""".split()  # noqa: SIM905 - three lines read better than 45
ANAESTHETISTS = (1, 1, 1, 2, 3, 4, 5)


def patients() -> Ratings:
    return Ratings.from_rows(
        (f"p{number}", rater, int(grade))
        for number, grades in enumerate(PATIENTS, start=1)
        for rater, grade in zip(ANAESTHETISTS, grades, strict=True)
    )


def simulated(rng: np.random.Generator, items: int, raters: int, categories: int, sharp: float) -> tuple:
    prevalence = rng.dirichlet(np.full(categories, 5.0))
    confusion = rng.dirichlet(np.ones(categories), (raters, categories)) * (1 - sharp) + sharp * np.eye(categories)
    truth = rng.choice(categories, items, p=prevalence)
    said = np.array([[rng.choice(categories, p=confusion[r, j]) for r in range(raters)] for j in truth])
    item, rater = np.indices(said.shape)
    ratings = Ratings.from_arrays(
        [f"i{n}" for n in range(items)], [f"r{n}" for n in range(raters)], [f"k{n}" for n in range(categories)],
        item.ravel(), rater.ravel(), said.ravel(),
    )  # fmt: skip
    return ratings, truth, prevalence, confusion


def test_the_published_prevalences_to_the_printed_digit() -> None:
    found = fit(patients(), smoothing=0)
    assert found.converged
    assert [f"{share:.2f}" for share in found.prevalence] == ["0.40", "0.42", "0.11", "0.07"]
    assert found.labels[0] == "1"
    assert found.labels[10] == "4"


def test_the_first_step_is_the_papers_by_hand() -> None:
    """Equations 3.1 and 2.4: patient shares, then the first anaesthetist's rows as share-weighted label counts."""
    shares = np.array([[grades.count(str(grade)) / 7 for grade in range(1, 5)] for grades in PATIENTS])
    counts = np.array([[grades[:3].count(str(grade)) for grade in range(1, 5)] for grades in PATIENTS])
    np.testing.assert_allclose(_shares(patients()), shares)
    prevalence, confusion = _maximise(patients(), shares, 0)
    np.testing.assert_allclose(prevalence, shares.mean(axis=0))
    rows = shares.T @ counts
    np.testing.assert_allclose(confusion[0], rows / rows.sum(axis=1, keepdims=True))


def test_the_estimate_is_a_fixed_point_and_its_likelihood_is_the_sum_over_truths() -> None:
    found, total = fit(patients(), smoothing=0), 0.0
    for number, grades in enumerate(PATIENTS):
        joint = found.prevalence.copy()
        for rater, grade in zip(ANAESTHETISTS, grades, strict=True):
            joint *= found.confusion[rater - 1, :, int(grade) - 1]
        total += math.log(joint.sum())
        np.testing.assert_allclose(found.probability[number], joint / joint.sum(), atol=1e-12)
    assert found.log_likelihood == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(found.prevalence, found.probability.mean(axis=0), atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 2.0]))
def test_no_iteration_lowers_the_objective(seed, smoothing) -> None:
    ratings, *_ = simulated(np.random.default_rng(seed), 25, 4, 3, 0.5)
    found = fit(ratings, smoothing=smoothing)
    assert np.diff(found.objective).min(initial=0) > -1e-9
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)


def test_categories_and_errors_are_recovered() -> None:
    ratings, truth, prevalence, confusion = simulated(np.random.default_rng(1), 2000, 7, 3, 0.6)
    found = fit(ratings)
    np.testing.assert_allclose(found.prevalence, prevalence, atol=0.05)
    np.testing.assert_allclose(found.confusion, confusion, atol=0.08)
    right = np.mean([label == f"k{j}" for label, j in zip(found.labels, truth, strict=True)])
    votes = np.zeros((2000, 3))
    np.add.at(votes, (ratings.item, ratings.value), 1)
    assert right >= (votes.argmax(axis=1) == truth).mean()
    assert found.probability.max(axis=1).mean() == pytest.approx(right, abs=0.02)  # it knows how often it is right
    np.testing.assert_allclose(found.accuracy, np.einsum("j,rjj->r", prevalence, confusion), atol=0.05)


def test_a_rater_who_always_errs_the_same_way_is_as_good_as_a_right_one() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    rows = [(n, r, int(j if rng.random() < 0.9 else 1 - j)) for n, j in enumerate(truth) for r in range(3)]
    rows += [(n, "contrary", int(1 - j)) for n, j in enumerate(truth)]
    found = fit(Ratings.from_rows(rows))
    assert found.accuracy[found.raters.index("contrary")] < 0.05
    right = np.mean([int(label) == j for label, j in zip(found.labels, truth, strict=True)])
    assert right > 0.99


def test_smoothing_keeps_the_unseen_possible() -> None:
    rows = [(n, r, n % 2) for n in range(6) for r in range(3)]
    assert fit(Ratings.from_rows(rows), smoothing=0).confusion.min() == 0
    assert fit(Ratings.from_rows(rows)).confusion.min() > 0


def test_items_and_raters_without_labels_are_said() -> None:
    ratings = Ratings.from_arrays(["a", "b", "c"], ["x", "y", "z"], ["no", "yes"], [0, 0, 1], [0, 1, 0], [1, 1, 0])
    found = fit(ratings)
    np.testing.assert_allclose(found.probability[2], found.prevalence)
    np.testing.assert_allclose(found.confusion[2], 0.5)
    assert found.warnings == (
        "1 of 3 items have no label; only the prevalences speak for them",
        "1 of 3 items have one label, which says nothing about who errs",
        "1 of 3 raters gave no label",
    )


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(FitError, match="no ratings"):
        fit(Ratings.from_rows([]))
    with pytest.raises(FitError, match="smoothing"):
        fit(patients(), smoothing=-1)
    with pytest.raises(FitError, match="2 criteria"):
        fit(Ratings.from_rows([("a", "x", "style", 1), ("a", "x", "facts", 2)]))


def test_ratings_name_what_is_wrong() -> None:
    with pytest.raises(EvidenceError, match="rating 1: value 2 with 2 names"):
        Ratings.from_arrays(["a"], ["x"], ["no", "yes"], [0, 0], [0, 0], [1, 2])
    with pytest.raises(EvidenceError, match="rater has shape"):
        Ratings.from_arrays(["a"], ["x"], ["no"], [0, 0], [0], [0, 0])
    with pytest.raises(EvidenceError, match="same name twice"):
        Ratings.from_arrays(["a", "a"], ["x"], ["no"], [0], [0], [0])
    with pytest.raises(EvidenceError, match="whole numbers"):
        Ratings.from_arrays(["a"], ["x"], ["no"], [0.5], [0], [0])
    with pytest.raises(EvidenceError, match="unknown category 3"):
        Ratings.from_rows([("a", "x", 3)], categories=[1, 2])
    with pytest.raises(EvidenceError, match="2 entries"):
        Ratings.from_rows([("a", 1)])
    assert Ratings.from_rows([("a", "x", 10), ("a", "y", 9)]).categories == ("9", "10")
