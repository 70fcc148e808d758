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

    def ready_on(self, prompt: int) -> list[int]:
        """Ids of the contestants that are ready on the prompt with this id; nobody on one that is not there."""
        at = int(np.searchsorted(self.prompts, prompt))
        if at == len(self.prompts) or self.prompts[at] != prompt:
            return []
        return [int(contestant) for contestant in self.contestants[self.ready[at]]]

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
    """The members of the latest battles by id, and which await a ballot."""

    members: Mapping[int, tuple[int, ...]]
    in_flight: tuple[int, ...]


@dataclass
class Knowledge:
    """Stock, exposure and beliefs by the index of the stock. `note` adds a battle that was opened since.

    mean, covariance: with what open battles will tell already taken off (`in_flight.expect`); shown, met: in the recent
    battles; newcomers: with too few ballots to be on the board for good; busy: open battles that each is in; rounds: by
    prompt id the battles of its tournament, oldest first, with contestants by id.
    """

    stock: Stock
    mean: Floats
    covariance: Floats
    shown: Ints
    met: Ints
    newcomers: Bools
    busy: Ints
    rounds: Mapping[int, Sequence[Played]] = field(default_factory=dict)
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
                Played(_local(played.members, local), None if played.winner is None else local.get(played.winner))
                for played in rounds
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


def covered(ready: Bools, least: float) -> Bools:
    """(n,): who has outputs for enough prompts to be shown: this share of what the median of those with any has.

    ready: (P, n). While all outputs are being made side by side nobody waits; one that joins later does.
    """
    outputs = ready.sum(axis=0)
    some = outputs[outputs > 0]
    return np.asarray(outputs >= least * np.median(some)) if len(some) else np.ones(len(outputs), np.bool_)


def why_no_battle(stock: Stock, size: int) -> str:
    """In a sentence, where it is for those that are kept apart; empty where outputs are missing or nothing is."""
    if (stock.groups >= size).any() or not (stock.ready.sum(axis=1) >= size).any():
        return ""
    return f"Too many of the contestants are kept apart from each other: no {size} of them may meet on any prompt."


def conflicts_of(apart: Sequence[str]) -> Bools | None:
    """(n, n): pairs with the same word; no word is nobody's. None where there are none."""
    words = np.array(apart)
    if not len(words) or not (words != "").any():
        return None
    same = (words[:, None] == words[None, :]) & (words != "")[:, None]
    np.fill_diagonal(same, False)
    return np.asarray(same) if same.any() else None


def assemble(
    stock: Stock,
    recent: Recent,
    mean: Floats,
    covariance: Floats,
    newcomers: Bools,
    rounds: Mapping[int, Sequence[Played]] | None = None,
) -> Knowledge:
    """Knowledge from its parts. mean, covariance and newcomers follow `stock.contestants`. Cost: n^2 a battle open."""
    where = {int(contestant): index for index, contestant in enumerate(stock.contestants)}
    here = {
        battle: [where[member] for member in members if member in where] for battle, members in recent.members.items()
    }
    shown, met = _exposure(list(here.values()), len(where))
    awaited = [here[battle] for battle in recent.in_flight if battle in here]
    busy, _ = _exposure(awaited, len(where))
    telling = [members for members in awaited if len(members) >= 2]
    if telling:
        covariance = expect_all(mean, covariance, telling)
    return Knowledge(stock, mean, covariance, shown, met, newcomers, busy, rounds or {})


def _exposure(battles: Sequence[Sequence[int]], count: int) -> tuple[Ints, Ints]:
    """(n,) how often each of `count` was shown, and (n, n) how often together with each other."""
    shown = np.bincount(np.array([member for members in battles for member in members], np.int64), minlength=count)
    pairs = [one * count + other for members in battles for one in members for other in members]
    return shown, np.bincount(np.array(pairs, np.int64), minlength=count * count).reshape(count, count)


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
