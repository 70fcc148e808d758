"""Kemeny: the order with the fewest disagreements with the ballots.

The order minimises sum over contestants a placed below b of (votes for a over b), where a ballot votes on every pair
whose order it shows, a tie half a vote each way. The score of a contestant is how many are placed below it.

Method. In the graph of strict majorities the strongly connected groups can be placed one after the other without
disagreement beyond the minority of each pair, so only inside a group is there something to search. A group of at most
`exact` (default 16) is solved exactly by a dynamic programme over its subsets; a larger one by moving single
contestants to better places from several starts. `parameters` says whether the order is proven optimal, its
`disagreement`, a `lower_bound` of that of any order (the minorities and what disjoint three-cycles add) and the
`gap` between the two as a share of the bound; and whether it is the only optimum, where that is known. Of several,
the one that a larger share of votes speaks for is taken, contestant by contestant from the last; of equal shares the
one by name, so that the order of the ballots decides nothing.

Intervals: "model" (default; each pair's share of votes from its Beta posterior), "bootstrap" over ballots,
"clustered-bootstrap" over voters, "none"; see `pairwise.resampling`. Draws are solved exactly for groups of at most
`DRAW_EXACT`, otherwise by moves from the order reported.

Sources: Kemeny 1959; Young and Levenglick 1978; Truchon 1998 (extended Condorcet criterion). Cost: n^2 2^n for an
exact group of n (16: a tenth of a second), some M^3 otherwise; as much for each of `samples` draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.pairwise import resampling
from ranking.engines.pairwise.pairs import Pairs, required
from ranking.engines.voting.copeland import majority_notes, margins

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

NAME = "kemeny"
EXACT = 16
MOST_EXACT = 20  # 2^20 subsets: 17 MB and some seconds
DRAW_EXACT = 8
SAMPLES = 200
RESTARTS = 20  # random starts of the search in a large group


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """An order (best first) and what is known of it; `unique` is None where that is not known."""

    order: Indices
    cost: float
    bound: float
    optimal: bool
    unique: bool | None
    largest: int


def fit(
    evidence: Evidence,
    *,
    exact: int = EXACT,
    intervals: str = "model",
    samples: int = SAMPLES,
    rng: np.random.Generator | int | None = None,
) -> Fit:
    """The order. Raises `FitError` for senseless options and evidence without an observed pair."""
    if not 1 <= exact <= MOST_EXACT:
        raise FitError(f"exact must lie between 1 and {MOST_EXACT}, not {exact}")
    pairs = required(evidence, NAME)
    named = np.array(sorted(range(len(evidence.items)), key=evidence.items.__getitem__), np.int64)
    found = solve(_taken(pairs, named), exact)

    def drawn(other: Pairs) -> Floats:
        return _scores(named[solve(_taken(other, named), min(exact, DRAW_EXACT), start=found.order).order])

    gap = (found.cost - found.bound) / found.bound if found.cost > found.bound > 0 else 0.0
    parameters: dict[str, Any] = {
        "optimal": found.optimal,
        "unique": found.unique,
        "disagreement": found.cost,
        "lower_bound": found.bound,
        "gap": gap,
        "intervals": intervals,
    }
    return Fit(
        engine=NAME,
        items=evidence.items,
        mean=_scores(named[found.order]),
        covariance=None,
        shown=evidence.shown(),
        ballots=len(evidence),
        parameters=parameters,
        converged=True,
        iterations=0,
        warnings=(
            *_solution_notes(found, exact, gap),
            *resampling.unused(intervals, samples, rng, default=SAMPLES, drawn=intervals != "none"),
            *majority_notes(evidence, pairs, intervals),
        ),
        draws=resampling.draws(evidence, drawn, intervals=intervals, samples=samples, rng=rng),
        unit="score",
    )


def solve(pairs: Pairs, exact: int, start: Indices | None = None) -> Solution:
    """The best order that is found; with `start`, groups too large to be exact are searched from there only."""
    from ranking.engines.voting import loops

    pays = pairs.halved
    margin = margins(pairs)
    groups = _groups(margin, pays)
    order, optimal, unique, bound = [], True, True, 0.0
    for group in groups:
        inside = np.ascontiguousarray(pays[np.ix_(group, group)])
        if len(group) <= exact:
            local = np.empty(len(group), np.int64)
            cost, ways = loops.best_order(inside, local)
            bound += float(cost)
            unique = unique and ways < 1.5
        else:
            local = _searched(inside, group, start)
            cost, bound_here = loops.order_cost(inside, local), loops.cycle_bound(inside)
            bound += float(bound_here)
            optimal = optimal and cost <= bound_here * (1 + 1e-12)
        order.append(group[local])
    for before, after in pairwise(order):  # groups may interleave unless the last of one must precede the next
        unique = unique and bool(margin[before[-1], after[0]] > 0)
    whole = np.concatenate(order)
    total = float(loops.order_cost(pays, whole))
    inner = sum(float(loops.order_cost(pays[np.ix_(part, part)], np.arange(len(part)))) for part in order)
    largest = max(len(group) for group in groups)
    exactly = largest <= exact
    return Solution(whole, total, bound + total - inner, optimal, unique if exactly else None, largest)


def _groups(margin: Floats, pays: Floats) -> list[Indices]:
    """Strongly connected groups of the strict majorities, in an order that no majority contradicts.

    Among groups that may come next the one with the larger share of votes does, and a group lists its members by that
    share, so that nothing depends on how contestants are numbered unless their shares are equal.
    """
    count, labels = connected_components(margin > 0, directed=True, connection="strong")
    votes = (pays + pays.T).sum(axis=1)
    played = np.where(votes > 0, votes, 1.0)
    share = np.round(pays.sum(axis=1) / played, 12)
    ranked = np.argsort(-share, kind="stable")
    members = [ranked[labels[ranked] == label] for label in range(count)]
    beats = np.zeros((count, count), np.bool_)
    above, below = np.nonzero(margin > 0)
    beats[labels[above], labels[below]] = True
    beats[np.diag_indices(count)] = False
    together = [float(np.average(share[group], weights=played[group])) for group in members]
    waiting, placed = set(range(count)), []
    losses = beats.sum(axis=0)
    while waiting:
        free = [group for group in waiting if losses[group] == 0]
        chosen = max(free, key=lambda group: (together[group], -int(members[group].min())))
        waiting.remove(chosen)
        losses = losses - beats[chosen]
        placed.append(members[chosen])
    return placed


def _searched(pays: Floats, group: Indices, start: Indices | None) -> Indices:
    """The best local optimum from the order by shares of votes and from random ones, or from the given order alone."""
    from ranking.engines.voting import loops

    if start is not None:
        position = np.empty(start.max() + 1, np.int64)
        position[start] = np.arange(len(start))
        local = np.argsort(position[group])
        loops.improve_order(pays, local)
        return np.asarray(local)
    rng = np.random.default_rng(resampling.SEED)
    starts = [np.arange(len(group))]  # by share of votes
    starts += [rng.permutation(len(group)) for _ in range(RESTARTS)]
    for trial in starts:
        loops.improve_order(pays, trial)
    return np.asarray(min(starts, key=lambda trial: float(loops.order_cost(pays, trial))))


def _taken(pairs: Pairs, order: Indices) -> Pairs:
    """The same counts with the items in this order; by name, nothing depends on the order of the ballots."""
    chosen = np.ix_(order, order)
    return Pairs(pairs.wins[chosen], pairs.ties[chosen], pairs.tally)


def _scores(order: Indices) -> Floats:
    """How many are placed below each item."""
    scores = np.empty(len(order))
    scores[order] = np.arange(len(order))[::-1]
    return scores


def _solution_notes(found: Solution, exact: int, gap: float) -> list[str]:
    notes = []
    if not found.optimal:
        notes.append(
            f"{found.largest} contestants form a group too large for an exact search (limit {exact}); the order found"
            f" disagrees at most {100 * gap:.2g} % more than the best one"
        )
    if found.unique is False:
        notes.append("several orders agree equally well with the ballots; shares of votes, then names, chose this one")
    return notes
