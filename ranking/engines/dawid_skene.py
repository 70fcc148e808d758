"""Dawid-Skene: the true category of each item, and each rater's errors, from labels that disagree.

Model. Item i has a true category j with probability p_j. Rater k calls an item of category j an l with probability
pi_kjl, independently of everybody else and of the item. A rater's labels of one item, several or none, all count:

    L = prod_i sum_j p_j prod_k prod_l pi_kjl ^ n_ikl .

Prior: `smoothing` a > 0 is Dirichlet(1 + a) on p and on every row of pi, so that a label never seen is unlikely and not
impossible. a = 0 is the published maximum likelihood.

Expectation-maximisation from the shares of each item's labels: p and pi from the probabilities of the categories, these
by Bayes' rule from p and pi, until the objective rises by less than 1e-10 of its size. It never falls. The maximum
found is the one reached from there; there may be others (at the least, with categories exchanged).

It takes `Ratings`, not ballots, and says nothing about contestants, so it is a function and not an engine of the
registry. Of several criteria at once it is refused: fit each.

Own code because the one maintained Python library for it (crowd-kit 1.4) brings pandas, pyarrow, scikit-learn, nltk and
transformers, and offers no smoothing towards rows that are merely unlikely.

Source: Dawid and Skene 1979, Applied Statistics 28, 20-28, equations 2.3 to 2.5, 2.7 and 3.1. Units: probabilities.
Cost: N x J operations and numbers an iteration for N labels of J categories; some tens to hundreds of iterations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.ratings import Ratings

Floats = NDArray[np.float64]

SMOOTHING = 0.1  # of a label in each cell: a rater seen twice is not believed to be perfect
TOLERANCE = 1e-10  # of the objective, relative
MAX_ITERATIONS = 2000


@dataclass(frozen=True, eq=False, slots=True)
class Labelling:
    """The result; I items, R raters, J categories.

    probability      float64[I, J], of each category being the true one; an item without labels has the prevalences
    prevalence       float64[J], p
    confusion        float64[R, J, J], pi[rater, true, said]; the prior's uniform rows for a rater without labels
    log_likelihood   of the labels, without the prior
    objective        after each iteration: log-likelihood and log prior (up to a constant)
    warnings         one plain sentence each
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    categories: tuple[str, ...]
    probability: Floats
    prevalence: Floats
    confusion: Floats
    log_likelihood: float
    objective: tuple[float, ...]
    converged: bool
    warnings: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The likeliest category of each item; of equally likely ones the first."""
        return tuple(self.categories[best] for best in self.probability.argmax(axis=1))

    @property
    def accuracy(self) -> Floats:
        """float64[R]: P(a rater's label is right) on an item drawn by the prevalences."""
        return np.asarray(np.einsum("j,rjj->r", self.prevalence, self.confusion))


def fit(ratings: Ratings, *, smoothing: float = SMOOTHING) -> Labelling:
    """Estimate. Raises `FitError` for smoothing below zero, no ratings, or ratings under several criteria."""
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise FitError(f"smoothing must be a number of at least 0, not {smoothing}")
    if not len(ratings):
        raise FitError("there are no ratings")
    criteria = len(np.unique(ratings.criterion))
    if criteria > 1:
        raise FitError(f"the ratings are under {criteria} criteria; fit each by itself")
    probability, history, converged = _shares(ratings), [-math.inf], False
    while not converged and len(history) <= MAX_ITERATIONS:
        prevalence, confusion = _maximise(ratings, probability, smoothing)
        probability, log_likelihood = _expect(ratings, prevalence, confusion)
        history.append(log_likelihood + _log_prior(prevalence, confusion, smoothing))
        converged = abs(history[-1] - history[-2]) <= TOLERANCE * (1 + abs(history[-1]))
    return Labelling(
        ratings.items, ratings.raters, ratings.categories, probability, prevalence, confusion,
        log_likelihood, tuple(history[1:]), converged, tuple(_notes(ratings, converged, len(history) - 1)),
    )  # fmt: skip


def _shares(ratings: Ratings) -> Floats:
    """Of an item's labels that name each category; of an item without labels, of all labels."""
    counts = np.zeros((len(ratings.items), len(ratings.categories)))
    np.add.at(counts, (ratings.item, ratings.value), 1.0)
    total = counts.sum(axis=1, keepdims=True)
    shares: Floats = np.where(total > 0, counts / np.maximum(total, 1), counts.sum(axis=0) / len(ratings))
    return shares


def _maximise(ratings: Ratings, probability: Floats, smoothing: float) -> tuple[Floats, Floats]:
    """p over the items that have labels, and pi; a row that nothing is known of is uniform."""
    labelled = np.bincount(ratings.item, minlength=len(ratings.items)) > 0
    prevalence = probability[labelled].sum(axis=0) + smoothing
    categories = len(ratings.categories)
    confusion = np.full((len(ratings.raters), categories, categories), smoothing, np.float64)
    np.add.at(confusion.transpose(0, 2, 1), (ratings.rater, ratings.value), probability[ratings.item])
    total = confusion.sum(axis=2, keepdims=True)
    rows = np.where(total > 0, confusion / np.where(total > 0, total, 1.0), 1 / categories)
    return prevalence / prevalence.sum(), rows


def _expect(ratings: Ratings, prevalence: Floats, confusion: Floats) -> tuple[Floats, float]:
    """Probabilities of the true categories and the log-likelihood."""
    with np.errstate(divide="ignore"):  # the logarithm of an impossible label is -inf, as it should be
        said = np.log(confusion)[ratings.rater, :, ratings.value]
        joint = np.tile(np.log(prevalence), (len(ratings.items), 1))
    np.add.at(joint, ratings.item, said)
    top = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - top)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, float(np.sum(top + np.log(total)))


def _log_prior(prevalence: Floats, confusion: Floats, smoothing: float) -> float:
    if smoothing == 0:
        return 0.0
    return smoothing * float(np.log(prevalence).sum() + np.log(confusion).sum())


def _notes(ratings: Ratings, converged: bool, iterations: int) -> list[str]:
    found = [] if converged else [f"the fit did not converge in {iterations} iterations"]
    labels = np.bincount(ratings.item, minlength=len(ratings.items))
    none, alone = int((labels == 0).sum()), int((labels == 1).sum())
    if none:
        found.append(f"{none} of {len(labels)} items have no label; only the prevalences speak for them")
    if alone:
        found.append(f"{alone} of {len(labels)} items have one label, which says nothing about who errs")
    silent = len(ratings.raters) - len(np.unique(ratings.rater))
    if silent:
        found.append(f"{silent} of {len(ratings.raters)} raters gave no label")
    return found
