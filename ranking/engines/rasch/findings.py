"""Sentences for the reader of a faceted Rasch fit, and which elements the ratings join."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ranking.engines.notes import SHOWN_NAMES, names
from ranking.engines.rasch.cells import Cells
from ranking.engines.rasch.results import Facet, Thresholds
from ranking.engines.ratings import Ratings

Integers = NDArray[np.int64]

ERRATIC, MUTED = 1.5, 0.5  # mean squares outside are no use for measuring (Linacre 2002)
SURE = 3.0  # standardised: of a thousand sound elements about one is further out


def subsets(one: Integers, other: Integers, sizes: tuple[int, int]) -> list[tuple[Integers, Integers]]:
    """The sets of elements of two facets that ratings join, largest first; who has no ratings is in none."""
    graph = coo_array((np.ones(len(one)), (one, sizes[0] + other)), shape=(sum(sizes), sum(sizes)))
    _, label = connected_components(graph, directed=False)
    found = [np.flatnonzero(label == each) for each in np.unique(label[one])]
    pairs = [(members[members < sizes[0]], members[members >= sizes[0]] - sizes[0]) for members in found]
    return sorted(pairs, key=lambda pair: (-len(pair[0]), -len(pair[1]), int(pair[0][0])))


def unrated(ratings: Ratings) -> list[str]:
    """What nothing but the prior places."""
    found = []
    for nouns, of, listed in (
        (("item", "items"), ratings.item, ratings.items),
        (("rater", "raters"), ratings.rater, ratings.raters),
        (("criterion", "criteria"), ratings.criterion, ratings.criteria),
    ):
        silent = np.setdiff1d(np.arange(len(listed)), of).tolist()
        if silent:
            what = f"{len(silent)} {nouns[len(silent) > 1]} without ratings ({names(listed, silent)})"
            found.append(f"{what}; only the prior places them")
    unused = np.setdiff1d(np.arange(len(ratings.categories)), ratings.value).tolist()
    if unused:
        what = f"nobody used {names(ratings.categories, unused)}"
        found.append(f"{what}; only the prior places the thresholds beside them")
    return found


def links(ratings: Ratings, cells: Cells) -> list[str]:
    """Says when ratings never compare some elements with others, for each two facets."""
    facets = [("items", cells.item, ratings.items), ("raters", cells.rater, ratings.raters)]
    if cells.criteria:
        facets.append(("criteria", cells.criterion, ratings.criteria))
    found = []
    for number, (one, of, listed) in enumerate(facets):
        for other, by, others in facets[number + 1 :]:
            sets = subsets(of, by, (len(listed), len(others)))
            if len(sets) < 2:
                continue
            shown = "; ".join(names(listed, mine.tolist()) for mine, _ in sets[:SHOWN_NAMES])
            more = f"; and {len(sets) - SHOWN_NAMES} more sets" if len(sets) > SHOWN_NAMES else ""
            found.append(
                f"{one} and {other} fall into {len(sets)} sets that no rating joins ({one}: {shown}{more}); "
                "only the priors place one set against another"
            )
    return found


def extremes(ratings: Ratings) -> list[str]:
    """Elements with none but the highest, or none but the lowest ratings: the likelihood puts them infinitely far."""
    found = []
    for noun, of, listed in (("items", ratings.item, ratings.items), ("raters", ratings.rater, ratings.raters)):
        rated, low, high = (
            np.bincount(of[chosen], minlength=len(listed))
            for chosen in (slice(None), ratings.value == 0, ratings.value == len(ratings.categories) - 1)
        )
        out = np.flatnonzero((rated > 0) & ((low == rated) | (high == rated))).tolist()
        if out:
            found.append(
                f"{len(out)} of {len(listed)} {noun} have only the highest or only the lowest ratings "
                f"({names(listed, out)}); how far out they lie comes from the prior"
            )
    return found


def disordered(ratings: Ratings, thresholds: Thresholds) -> list[str]:
    """Categories that are nowhere the likeliest, with how sure that is."""
    found, measure, covariance = [], thresholds.measure, thresholds.covariance
    for category in np.unique(ratings.value).tolist():
        below, above = category - 1, category
        if below < 0 or above == len(measure) or measure[below] <= measure[above]:
            continue
        variance = covariance[below, below] + covariance[above, above] - 2 * covariance[below, above]
        sure = math.erfc(-(measure[below] - measure[above]) / math.sqrt(2 * variance)) / 2
        found.append((-sure, category))
    if not found:
        return []
    shown = [f"{ratings.categories[category]} ({-sure:.2f})" for sure, category in sorted(found)[:SHOWN_NAMES]]
    more = f" and {len(found) - SHOWN_NAMES} more" if len(found) > SHOWN_NAMES else ""
    return [
        f"the thresholds of {len(found)} of {len(ratings.categories)} categories are disordered, so that they are "
        f"nowhere the likeliest (with probability): {', '.join(shown)}{more}"
    ]


def misfits(items: Facet, raters: Facet) -> list[str]:
    """Who rates, or is rated, more erratically or more predictably than the model allows."""
    found = []
    for noun, facet in (("raters", raters), ("items", items)):
        infit, z = facet.misfit.infit, facet.misfit.infit_z
        for chosen, what in (
            ((infit > ERRATIC) & (z > SURE), f"more erratic than the model allows (infit above {ERRATIC})"),
            ((infit < MUTED) & (z < -SURE), f"more predictable than the model allows (infit below {MUTED})"),
        ):
            which = np.flatnonzero(chosen).tolist()
            if which:
                found.append(f"{len(which)} of {len(infit)} {noun} are {what}: {names(facet.names, which)}")
    return found
