"""What is known of an arena when a battle is chosen: who can be shown on which prompt, beliefs and exposure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranking.engines.matchmaking import loops
from ranking.engines.matchmaking.in_flight import expect, expect_all
from ranking.engines.matchmaking.situation import Played, Situation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Having just seen a contestant halves how gladly a voter sees it again; it is forgotten at this rate a battle.
FADING = 0.8


@dataclass(frozen=True)
class Stock:
    """What battles can be made of. n contestants, P prompts.

    contestants: ids, ascending; apart: a word each, equal ones are never shown together; weights: of `fixed-weights`;
    prompts: ids; categories: paths of each; judged: (P,) ballots on each; ready: (P, n), who has an output for it.
    """

    contestants: Ints
    apart: tuple[str, ...]
    weights: Floats
    prompts: Ints
    categories: tuple[tuple[str, ...], ...]
    judged: Ints
    ready: Bools

    @cached_property
    def groups(self) -> Ints:
        """(P,): how many who can be shown together are ready on each prompt at most."""
        counts = np.asarray(self.ready.sum(axis=1))
        words = np.array(self.apart)
        for word in set(self.apart) - {""}:
            same = self.ready[:, words == word].sum(axis=1)
            counts = counts - np.maximum(same - 1, 0)
        return counts


@dataclass(frozen=True)
class Recent:
    """The latest battles by id: prompt and members; of those that are decided who won, None for nobody alone; and which
    await a ballot. Winners are read for tournaments only.
    """

    prompts: Mapping[int, int]
    members: Mapping[int, tuple[int, ...]]
    winners: Mapping[int, int | None]
    in_flight: tuple[int, ...]


@dataclass
class Knowledge:
    """Stock, exposure and beliefs by the index of the stock. `note` adds a battle that was opened since.

    mean, covariance: with what open battles will tell already taken off (`in_flight.expect`); shown, met: in the recent
    battles; newcomers: with too few ballots to be on the board for good; busy: open battles that each is in.
    """

    stock: Stock
    mean: Floats
    covariance: Floats
    shown: Ints
    met: Ints
    newcomers: Bools
    busy: Ints
    rounds: Mapping[int, Sequence[tuple[tuple[int, ...], int | None]]] = field(default_factory=dict)
    _worth: Floats | None = None

    def situation(
        self, prompt: int, size: int, forbidden: Sequence[frozenset[int]] = (), lately: Sequence[Collection[int]] = ()
    ) -> tuple[Situation, Ints]:
        """Of the prompt with this index, with the indices of the contestants that are eligible on it.

        forbidden: sets of contestant ids that the voter has judged on it; lately: members of the voter's latest
        battles in the arena, oldest first.
        """
        here = np.flatnonzero(self.stock.ready[prompt])
        local = {int(contestant): at for at, contestant in enumerate(self.stock.contestants[here])}
        grid = np.ix_(here, here)
        rounds = self.rounds.get(int(self.stock.prompts[prompt]), ())
        situation = Situation(
            mean=self.mean[here],
            covariance=self.covariance[grid],
            size=size,
            shown=self.shown[here],
            met=self.met[grid],
            newcomers=self.newcomers[here],
            conflicts=conflicts_of([self.stock.apart[index] for index in here]),
            fatigue=_gladness(lately, local) * self._spare(here),
            forbidden=tuple(_local(members, local) for members in forbidden if members <= local.keys()),
            weights=self.stock.weights[here],
            rounds=tuple(
                Played(_local(members, local), local.get(winner) if winner is not None else None)
                for members, winner in rounds
            ),
        )
        return situation, here

    def worth(self, size: int) -> Floats:
        """(P,): how much is open between the contestants that a battle on each prompt could show, by misorder."""
        if self._worth is None:
            self._worth = loops.misorder(self.mean, self.covariance, 0.0).sum(axis=1)
        own = np.sort(np.where(self.stock.ready, self._worth, 0.0), axis=1)
        return np.asarray(own[:, -size:].sum(axis=1))

    def note(self, prompt: int, members: Sequence[int]) -> None:
        """A battle was opened on the prompt with this index between the contestants with these."""
        here = np.array(members)
        self.covariance = expect(self.mean, self.covariance, members)
        self.shown[here] += 1
        self.busy[here] += 1
        self.met[np.ix_(here, here)] += 1
        self.stock.judged[prompt] += 1
        self._worth = None

    def _spare(self, here: Ints) -> Floats:
        """Below 1 for those in more open battles than others: what these will say of the means nobody can foresee, so
        the uncertainty that they will leave is not all that counts against one battle more of the same.
        """
        return np.asarray(1 / (1 + self.busy[here] / (1 + self.busy.mean())) ** 2)


def conflicts_of(apart: Sequence[str]) -> Bools | None:
    """(n, n): pairs with the same word; no word is nobody's. None where there are none."""
    words = np.array(apart)
    if not len(words) or not (words != "").any():
        return None
    same = (words[:, None] == words[None, :]) & (words != "")[:, None]
    np.fill_diagonal(same, False)
    return np.asarray(same) if same.any() else None


def assemble(stock: Stock, recent: Recent, mean: Floats, covariance: Floats, newcomers: Bools) -> Knowledge:
    """Knowledge from its parts. mean, covariance and newcomers follow `stock.contestants`. Cost: n^2 a battle open."""
    where = {int(contestant): index for index, contestant in enumerate(stock.contestants)}
    shown = np.zeros(len(where), np.int64)
    met = np.zeros((len(where), len(where)), np.int64)
    rounds: dict[int, list[tuple[tuple[int, ...], int | None]]] = {}
    for battle, members in sorted(recent.members.items()):
        here = np.array([where[member] for member in members if member in where], np.int64)
        shown[here] += 1
        met[np.ix_(here, here)] += 1
        if battle in recent.winners:
            rounds.setdefault(recent.prompts[battle], []).append((members, recent.winners[battle]))
    busy = np.zeros(len(where), np.int64)
    awaited = []
    for battle in recent.in_flight:
        open_members = [where[member] for member in recent.members.get(battle, ()) if member in where]
        busy[open_members] += 1
        if len(open_members) >= 2:
            awaited.append(open_members)
    if awaited:
        covariance = expect_all(mean, covariance, awaited)
    return Knowledge(stock, mean, covariance, shown, met, newcomers, busy, rounds)


def _local(members: Sequence[int] | frozenset[int], local: Mapping[int, int]) -> frozenset[int]:
    return frozenset(local[member] for member in members if member in local)


def _gladness(lately: Sequence[Collection[int]], local: Mapping[int, int]) -> Floats:
    """How gladly the voter sees each again: 1 / (1 + sum of FADING^age over its latest battles)."""
    seen = np.zeros(len(local))
    for age, members in enumerate(reversed(lately)):
        for member in members:
            if member in local:
                seen[local[member]] += FADING**age
    return 1 / (1 + seen)
