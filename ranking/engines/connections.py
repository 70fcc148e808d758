"""What the ballots can settle without a prior: who is linked to whom, and whose order stays open.

Two graphs. *Compared*: an edge between any two contestants whose order some ballot observed; its components share no
scale. *Beat*: an arrow from a to b when some ballot puts a above b, both ways for a tie. Contestants on a cycle of
arrows are in one *strong* group: there the data give finite differences. Between strong groups:

- arrows lead only from one to the other (possibly through others): the order is clear, its distance is not; the
  likelihood rises for ever as they are moved apart, and only the prior keeps the distance finite;
- no arrows lead either way: the data leave the order open. Either of them can be moved above the other without making
  any ballot less likely, and only the prior, or chance in how far each was moved, ranks them.

Maximum likelihood has a finite solution if and only if there is one strong group. For ballots that rank from the
bottom with an unknown middle the same arrows are used; they are what the ballot states.

Sources: Zermelo 1929, Ford 1957, Hunter 2004 (assumption 1). Cost: one pass over the observed pairs, and M^3 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from ranking.engines.evidence import Evidence
from ranking.engines.notes import SHOWN_NAMES, names

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Connections:
    """M items; groups are tuples of item indices, each group ascending.

    components  groups that were compared with each other, directly or in steps, largest first
    strong      strong groups, those above first; groups whose order is open follow the order of items
    reaches     bool[M, M]: arrows lead from a to b, in steps (also from a to itself)
    """

    items: tuple[str, ...]
    components: tuple[tuple[int, ...], ...]
    strong: tuple[tuple[int, ...], ...]
    reaches: Flags

    @property
    def identified(self) -> bool:
        """Whether the ballots alone give every difference a finite value."""
        return len(self.strong) <= 1

    @property
    def open_order(self) -> Flags:
        """bool[M, M], symmetric: the ballots leave open which of two is the stronger."""
        found: Flags = ~(self.reaches | self.reaches.T)
        return found

    @property
    def open_distance(self) -> Flags:
        """bool[M, M], symmetric: the order of two is clear from the ballots, their distance has no upper bound."""
        found: Flags = self.reaches ^ self.reaches.T
        return found

    def sentences(self) -> list[str]:
        """The same in plain words."""
        if not self.items:
            return ["there are no contestants"]
        if self.identified:
            return [
                "every contestant is linked to every other in both directions; the ballots alone give all distances"
            ]
        return [*self._linked(), *self._ordered()]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, with names."""
        return {
            "identified": self.identified,
            "components": [[self.items[item] for item in group] for group in self.components],
            "strong_groups": [[self.items[item] for item in group] for group in self.strong],
            "open_order": [
                [self.items[a], self.items[b]] for a, b in zip(*np.nonzero(np.triu(self.open_order)), strict=True)
            ],
            "open_distance_pairs": int(np.triu(self.open_distance).sum()),
            "sentences": self.sentences(),
        }

    def _linked(self) -> list[str]:
        if len(self.components) == 1:
            return []
        alone = [group[0] for group in self.components if len(group) == 1]
        joined = [group for group in self.components if len(group) > 1]
        found = []
        if alone:
            verb = "was" if len(alone) == 1 else "were"
            found.append(f"{names(self.items, alone)} {verb} compared with nobody; nothing but the prior places them")
        if len(joined) > 1:
            listed = "; ".join(names(self.items, group) for group in joined[:SHOWN_NAMES])
            more = f"; and {len(joined) - SHOWN_NAMES} more" if len(joined) > SHOWN_NAMES else ""
            found.append(f"{len(joined)} groups were never compared with each other: {listed}{more}")
        return found

    def _ordered(self) -> list[str]:
        found = []
        open_pairs = int(np.triu(self.open_order).sum())
        if open_pairs:
            a, b = (index[:SHOWN_NAMES] for index in np.nonzero(np.triu(self.open_order)))
            listed = ", ".join(f"{self.items[x]} and {self.items[y]}" for x, y in zip(a, b, strict=True))
            more = f" and {open_pairs - len(a)} more" if open_pairs > len(a) else ""
            found.append(f"the ballots leave the order open within {open_pairs} pairs: {listed}{more}")
        far = int(np.triu(self.open_distance).sum())
        if far:
            found.append(
                f"within {far} pairs one contestant never lost to the other, directly or in steps: the order is clear,"
                " the distance comes from the prior"
            )
        return found


def connections(evidence: Evidence) -> Connections:
    """The report for these ballots. Items that no ballot shows are groups of their own."""
    from ranking.engines.pairwise.pairs import observed

    if not evidence.items:
        return Connections((), (), (), np.zeros((0, 0), np.bool_))
    pairs = observed(evidence)
    arrows = pairs.arrows
    _, component = connected_components(arrows, directed=True, connection="weak")
    _, strong = connected_components(arrows, directed=True, connection="strong")
    reaches = _closure(arrows, strong)
    components = sorted(_groups(component), key=lambda group: (-len(group), group))
    below = reaches.sum(axis=1)  # who is above somebody reaches strictly more than they do
    ordered = sorted(_groups(strong), key=lambda group: (-int(below[group[0]]), group))
    return Connections(evidence.items, tuple(components), tuple(ordered), reaches)


def _groups(labels: NDArray[np.int32]) -> list[tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for item, label in enumerate(labels.tolist()):
        found.setdefault(label, []).append(item)
    return [tuple(group) for group in found.values()]


def _closure(arrows: Flags, strong: NDArray[np.int32]) -> Flags:
    """bool[M, M]: who reaches whom, by squaring the relation between strong groups until nothing is added."""
    count = int(strong.max()) + 1
    between = np.eye(count, dtype=np.float32)
    a, b = np.nonzero(arrows)
    between[strong[a], strong[b]] = 1
    while True:
        wider = np.minimum(between @ between, 1)
        if (wider == between).all():
            return np.asarray(between[np.ix_(strong, strong)] > 0)
        between = wider
