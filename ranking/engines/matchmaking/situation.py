"""What is known when a set of contestants is chosen: beliefs, exposure and constraints."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from ranking.engines.errors import EngineError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST = 8  # contestants in a battle: probabilities of sets are exact at a cost of 2^K


class SituationError(EngineError):
    """Beliefs, exposure and constraints that do not fit together; the message says which."""


@dataclass(frozen=True)
class Played:
    """A battle on the same prompt that is over: who was in it and who came first (None: nobody alone)."""

    members: frozenset[int]
    winner: int | None


@dataclass(frozen=True)
class Situation:
    """The n contestants that are eligible on a prompt, by index, and what is known about them.

    mean: (n,) log-strengths; covariance: (n, n); size: contestants to choose, 2 to 8; shown: (n,) battles that each was
    shown in, open ones included; met: (n, n) battles in which both were; newcomers: (n,) who is to be placed against
    the others; conflicts: (n, n) pairs that are never shown together; fatigue: (n,) in (0, 1], how gladly this voter
    sees each again; forbidden: the sets that this voter has judged on this prompt; weights: (n,) of `fixed-weights`;
    rounds: the battles on this prompt, oldest first, of `tournament`.
    """

    mean: Floats
    covariance: Floats
    size: int
    shown: Ints
    met: Ints | None = None
    newcomers: Bools | None = None
    conflicts: Bools | None = None
    fatigue: Floats | None = None
    forbidden: tuple[frozenset[int], ...] = ()
    weights: Floats | None = None
    rounds: tuple[Played, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.mean)
        if not 2 <= self.size <= MOST:
            raise SituationError(f"a battle has 2 to {MOST} contestants, not {self.size}")
        for name, shape in (
            ("covariance", (n, n)), ("shown", (n,)), ("met", (n, n)), ("newcomers", (n,)), ("conflicts", (n, n)),
            ("fatigue", (n,)), ("weights", (n,)),
        ):  # fmt: skip
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise SituationError(f"{name} has shape {array.shape} for {n} contestants; it must be {shape}")
        for name in ("mean", "covariance", "fatigue", "weights"):
            array = getattr(self, name)
            if array is not None and not np.isfinite(array).all():
                raise SituationError(f"{name} holds a number that is not finite")
        if self.fatigue is not None and not ((self.fatigue > 0) & (self.fatigue <= 1)).all():
            raise SituationError("fatigue must lie above 0 and at most at 1")
        if self.weights is not None and not (self.weights > 0).all():
            raise SituationError("weights must be above 0; leave a contestant out to give it none")
        if self.conflicts is not None and not np.array_equal(self.conflicts, self.conflicts.T):
            raise SituationError("conflicts must be symmetric: if a is never shown with b, b is never shown with a")

    @property
    def count(self) -> int:
        return len(self.mean)

    @cached_property
    def blocked(self) -> Bools:
        """(n, n): pairs that cannot be shown together; nobody is shown twice."""
        together = np.eye(self.count, dtype=np.bool_)
        return together if self.conflicts is None else together | self.conflicts

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...] | None:
        """Who is apart from all others of the same group and from nobody else; None where conflicts are no groups."""
        if self.conflicts is None:
            return tuple((member,) for member in range(self.count))
        first = self.blocked.argmax(axis=1) if self.count else np.zeros(0, np.int64)
        if not np.array_equal(self.blocked, first[:, None] == first[None, :]):
            return None
        groups: dict[int, list[int]] = {}
        for member, group in enumerate(first.tolist()):
            groups.setdefault(group, []).append(member)
        return tuple(tuple(group) for group in groups.values())

    @cached_property
    def components(self) -> Ints:
        """(n,): the number of each one's group; those who conflict, directly or through others, have the same."""
        return np.asarray(connected_components(self.blocked, directed=False)[1], np.int64)

    @cached_property
    def judged(self) -> tuple[tuple[int, ...], ...]:
        """The forbidden sets that could be chosen otherwise, each once: of this size, of these contestants, allowed."""
        return tuple(tuple(sorted(group)) for group in dict.fromkeys(self.forbidden) if self._could_be(group))

    def _could_be(self, group: frozenset[int]) -> bool:
        if len(group) != self.size or not all(0 <= member < self.count for member in group):
            return False
        members = list(group)
        return self.conflicts is None or int(self.blocked[np.ix_(members, members)].sum()) == self.size

    @cached_property
    def gladness(self) -> Floats:
        return np.ones(self.count) if self.fatigue is None else np.ascontiguousarray(self.fatigue, np.float64)
