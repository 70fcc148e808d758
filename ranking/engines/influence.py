"""How few ballots decide first place: drop or reverse them and somebody else leads.

A ballot k with score g_k moves the strengths, when it is dropped, by about -w S g_k (S the posterior covariance at
the mode), and when its ranks are reversed by w S (g_k' - g_k), g_k' being the score of the reversed ballot. For each
challenger the ballots are sorted by how much they narrow the leader's margin, and the fewest that close it are taken.
That is an approximation, so the refit decides: where first place has not changed the margin left is closed by more
ballots at the new fit, where it has the list is cut back by bisection as far as refits still agree.

The count is therefore an upper bound that was checked: this many ballots do it. A smaller set may exist; in small
examples where all sets can be tried it is rarely smaller, and then by one or two.

Sources: Broderick, Giordano and Meager 2020 (the fewest points that change a conclusion), Jaeckel 1972 (infinitesimal
jackknife). Cost: some twenty refits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ranking.engines import plackett_luce, posterior
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.scores import ballot_scores
from ranking.engines.terms import group

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
How = Literal["drop", "reverse"]

CHALLENGERS = 3  # whose sets are refined by refits: those whose approximate count is smallest
ROUNDS = 20


@dataclass(frozen=True, eq=False, slots=True)
class Influence:
    """The smallest change found that gives first place to another contestant.

    how          "drop" the ballots, or "reverse" their ranks
    leader       who is first now
    count        how many ballots; None when no change of ballots that narrow the margin takes first place away
    weight       their summed weight
    ballots      their indices in the evidence, ascending
    new_leader   who is first after the change, by a refit
    approximate  the count by the linear approximation alone, None where it sees no way
    verified     a refit with these ballots changed has another leader; False only when `count` is None
    """

    how: How
    leader: str
    total: int
    count: int | None
    weight: float | None
    ballots: Indices
    new_leader: str | None
    approximate: int | None
    verified: bool

    def sentence(self) -> str:
        verb = "dropping" if self.how == "drop" else "reversing"
        if self.count is None:
            return f"{verb} ballots does not take first place from {self.leader}"
        share = 100 * self.count / self.total
        noun = "ballot" if self.count == 1 else "ballots"
        return (
            f"{verb} {self.count} of {self.total} {noun} ({share:.2g} %) gives first place to {self.new_leader}"
            f" instead of {self.leader} (checked by a refit)"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("how", "leader", "total", "count", "weight", "new_leader", "approximate", "verified")
        found = {name: getattr(self, name) for name in names}
        return {**found, "ballots": self.ballots.tolist(), "sentence": self.sentence()}


def influence(evidence: Evidence, fit: Fit | None = None, *, how: How = "drop") -> Influence:
    """The fewest ballots whose change gives `fit` (plackett-luce; fitted here if absent) another leader.

    Refits learn the prior where `fit` did. Raises `FitError` for the fit of another engine, one with effects of
    covariates or without two contestants, and an unknown `how`.
    """
    if how not in ("drop", "reverse"):
        raise FitError(f"how must be drop or reverse, not {how!r}")
    chosen = plackett_luce.fit(evidence) if fit is None else fit
    plackett_luce.require_plain(chosen, evidence)
    if len(chosen.items) < 2:
        raise FitError("first place can only change where there are two contestants")
    search = _Search(evidence, chosen, how)
    candidates = sorted(search.approximations(), key=lambda found: (found[1] is None, found[1]))[:CHALLENGERS]
    best = None
    for challenger, _ in candidates:
        found = search.refined(challenger, None if best is None else len(best))
        best = found if found is not None and (best is None or len(found) < len(best)) else best
    approximate = candidates[0][1]
    leader, total = chosen.items[search.leader], int(evidence.informative().sum())
    if best is None:
        return Influence(how, leader, total, None, None, np.empty(0, np.int64), None, approximate, False)
    after = search.refit(best)
    return Influence(
        how=how,
        leader=leader,
        total=total,
        count=len(best),
        weight=float(evidence.weight[best].sum()),
        ballots=np.sort(best),
        new_leader=after.items[posterior.order(after)[0]],
        approximate=approximate,
        verified=search.dethroned(after),
    )


class _Search:
    """Sets of ballots whose change narrows the leader's margin over a challenger."""

    def __init__(self, evidence: Evidence, fit: Fit, how: How) -> None:
        self.evidence, self.fit, self.how = evidence, fit, how
        self.leader = int(posterior.order(fit)[0])
        self.given = float(fit.parameters["prior_sd"]) if fit.parameters["prior"] == "given" else None

    def approximations(self) -> list[tuple[int, int | None]]:
        """For each challenger the number of ballots that close the margin, as far as the linear view goes."""
        pull = _Pull.at(self.evidence, self.evidence, self.fit, self.how)
        found = []
        for challenger in range(len(self.fit.items)):
            if challenger != self.leader:
                _, count = pull.closing(self.leader, challenger)
                found.append((challenger, count))
        return found

    def refined(self, challenger: int, known: int | None) -> Indices | None:
        """A set that changes first place by refit, cut back; None if there is none (below `known`, if given)."""
        chosen, current, fit = np.empty(0, np.int64), self.evidence, self.fit
        for _ in range(ROUNDS):
            pull = _Pull.at(self.evidence, current, fit, self.how)
            pull.used[chosen] = True
            ordered, count = pull.closing(self.leader, challenger)
            if not len(ordered):
                return None
            chosen = np.concatenate([chosen, ordered[: len(ordered) if count is None else count]])
            if known is not None and len(chosen) > 2 * known + ROUNDS:
                return None
            current = self.changed(chosen)
            fit = self.refit(chosen)
            if self.dethroned(fit):
                return self._shortest(chosen)
        return None

    def _shortest(self, chosen: Indices) -> Indices:
        """The shortest beginning of the list found by bisection that still changes first place."""
        low, high = 0, len(chosen)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.dethroned(self.refit(chosen[:middle])) else (middle, high)
        return chosen[:high]

    def dethroned(self, fit: Fit) -> bool:
        return int(posterior.order(fit)[0]) != self.leader

    def refit(self, chosen: Indices) -> Fit:
        return plackett_luce.fit(self.changed(chosen), prior_sd=self.given, start=self.fit)

    def changed(self, chosen: Indices) -> Evidence:
        mask = np.zeros(len(self.evidence), np.bool_)
        mask[chosen] = True
        if self.how == "drop":
            return self.evidence.take(~mask)
        inside = np.repeat(mask, np.diff(self.evidence.offsets))
        return replace(self.evidence, ranks=np.where(inside, -self.evidence.ranks, self.evidence.ranks))


@dataclass(eq=False, slots=True)
class _Pull:
    """What changing each ballot would do at the current strengths; `used` ballots are changed already."""

    evidence: Evidence
    mean: Floats
    covariance: Floats
    change: Floats
    used: NDArray[np.bool_]

    @classmethod
    def at(cls, evidence: Evidence, current: Evidence, fit: Fit, how: How) -> _Pull:
        """Scores are those of the ballots as cast; the covariance is that of the `current`, changed, evidence."""
        information = group(current).evaluate(fit.mean)[2]
        precision = float(fit.parameters["prior_sd"]) ** -2
        change = -ballot_scores(evidence, fit.mean).slots
        if how == "reverse":
            change += ballot_scores(replace(evidence, ranks=-evidence.ranks), fit.mean).slots
        change *= np.repeat(evidence.weight, np.diff(evidence.offsets))
        covariance = np.asarray(np.linalg.inv(information + precision * np.eye(len(fit.mean))), np.float64)
        return cls(evidence, fit.mean, covariance, change, np.zeros(len(evidence), np.bool_))

    def closing(self, leader: int, challenger: int) -> tuple[Indices, int | None]:
        """Ballots that narrow the margin, the strongest first, and how many close it; None if all do not."""
        margin = self.mean[leader] - self.mean[challenger]
        direction = self.covariance[leader] - self.covariance[challenger]
        if not len(self.evidence):
            return np.empty(0, np.int64), None
        effect = np.add.reduceat(self.change * direction[self.evidence.slots], self.evidence.offsets[:-1])
        effect[self.used] = 0.0
        narrowing = np.flatnonzero(effect < 0)
        ordered = narrowing[np.argsort(effect[narrowing], kind="stable")]
        left = margin + np.cumsum(effect[ordered])
        closed = np.flatnonzero(left < 0)
        return ordered, int(closed[0]) + 1 if len(closed) else None
