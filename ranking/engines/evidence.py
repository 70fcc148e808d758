"""Ballots as flat arrays: what every engine is fitted on.

Ballot b shows the items `slots[offsets[b]:offsets[b + 1]]` with the ranks at the same places. A rank counts from the
top when positive (1 is best), from the bottom when negative (-1 is last), and is `UNKNOWN` when the item lies between
the two with its order not observed. Equal ranks are a real tie. Only the order of ranks matters, not their gaps.

Evidence is checked once, when it is made, and cannot change afterwards: an engine may trust it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.engines.errors import EvidenceError
from ranking.engines.fields import MAX_WEIGHT
from ranking.engines.interchange import BallotRecord

UNKNOWN = 0  # no real rank is 0, so an unset rank can never be mistaken for an observed one
UNSTATED = -1


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """A name for each ballot: `names[index[b]]`, or none where `index[b]` is `UNSTATED`."""

    names: tuple[str, ...]
    index: NDArray[np.int32]

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Labels:
        """Labels from one name (or None) a ballot; names are kept in order of first appearance."""
        book = _Book()
        index = array("i", (book.number(value) for value in values))
        return cls(book.names, np.array(index, dtype=np.int32))

    @classmethod
    def unstated(cls, count: int) -> Labels:
        return cls((), np.full(count, UNSTATED, dtype=np.int32))

    def take(self, ballots: NDArray[np.int64]) -> Labels:
        return Labels(self.names, self.index[ballots])

    def counts(self) -> dict[str, int]:
        """How many ballots carry each name that occurs, in the order of `names`."""
        if not self.names:
            return {}
        found = np.bincount(self.index[self.index >= 0], minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, found, strict=True) if count}


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Ballots as read-only arrays; B ballots, S slots in all.

    items     names, one for each contestant, also of contestants that no ballot shows
    offsets   int64[B + 1], where each ballot's slots begin
    slots     int32[S], item index
    ranks     int32[S], see the module
    all_bad   bool[B]; such a ballot has no ranks
    strength  int8[B], 1 to 3 for a graded pair, 0 otherwise
    weight    float64[B], above 0; a weight of 2 is the ballot cast twice
    voters, prompts, protocols, voter_kinds   one optional name a ballot

    Raises `EvidenceError` naming the first ballot (from 0) that is wrong. Cost: one pass, about 10 ns a slot.
    """

    items: tuple[str, ...]
    offsets: NDArray[np.int64]
    slots: NDArray[np.int32]
    ranks: NDArray[np.int32]
    all_bad: NDArray[np.bool_]
    strength: NDArray[np.int8]
    weight: NDArray[np.float64]
    voters: Labels
    prompts: Labels
    protocols: Labels
    voter_kinds: Labels

    def __post_init__(self) -> None:
        for name in ("offsets", "slots", "ranks", "all_bad", "strength", "weight"):
            getattr(self, name).flags.writeable = False
        _check(self)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def from_arrays(
        cls,
        items: Sequence[str],
        slots: ArrayLike,
        ranks: ArrayLike,
        *,
        offsets: ArrayLike | None = None,
        all_bad: ArrayLike | None = None,
        strength: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        voters: Labels | Sequence[str | None] | None = None,
        prompts: Labels | Sequence[str | None] | None = None,
        protocols: Labels | Sequence[str | None] | None = None,
        voter_kinds: Labels | Sequence[str | None] | None = None,
    ) -> Evidence:
        """Evidence from arrays: `slots` and `ranks` of shape (B, K), or flat with `offsets`. Arrays are copied."""
        flat = _integers(slots, "slots")
        if offsets is None:
            if flat.ndim != 2:
                raise EvidenceError("slots must have one row a ballot, or be flat with offsets")
            starts = np.arange(flat.shape[0] + 1, dtype=np.int64) * flat.shape[1]
        else:
            starts = _integers(offsets, "offsets").astype(np.int64)
        rank_array = _integers(ranks, "ranks")
        if rank_array.shape != flat.shape:
            raise EvidenceError(f"ranks has shape {rank_array.shape}, slots has shape {flat.shape}")
        if len(starts) < 1:
            raise EvidenceError("offsets must hold at least the 0 that begins the first ballot")
        count = len(starts) - 1
        return cls(
            items=tuple(items),
            offsets=starts,
            slots=_narrow(flat.reshape(-1), np.int32, "slots"),
            ranks=_narrow(rank_array.reshape(-1), np.int32, "ranks"),
            all_bad=_flags(all_bad, count),
            strength=np.zeros(count, np.int8)
            if strength is None
            else _narrow(_integers(strength, "strength"), np.int8, "strength"),
            weight=np.ones(count) if weight is None else _weights(weight),
            voters=_labels(voters, count),
            prompts=_labels(prompts, count),
            protocols=_labels(protocols, count),
            voter_kinds=_labels(voter_kinds, count),
        )

    @classmethod
    def from_ballots(cls, ballots: Iterable[BallotRecord], items: Sequence[str] | None = None) -> Evidence:
        """Evidence from records, read once and in order; may be a `BallotReader`.

        With `items`, contestants have that order and a ballot with another item is refused; without, they have the
        order of first appearance.
        """
        builder = _Builder(items)
        for ballot in ballots:
            builder.add(ballot)
        return builder.finish()

    @classmethod
    def from_pairs(
        cls, items: Sequence[str], first: ArrayLike, second: ArrayLike, outcome: ArrayLike, **more: Any
    ) -> Evidence:
        """Pair ballots: `outcome` is 1 where the first item won, -1 where the second did, 0 for a tie."""
        result = _integers(outcome, "outcome")
        wrong = np.flatnonzero((result < -1) | (result > 1))
        if wrong.size:
            raise EvidenceError(f"ballot {wrong[0]}: outcome must be -1, 0 or 1, not {result[wrong[0]]}")
        slots = np.stack([_integers(first, "first"), _integers(second, "second")], axis=1)
        ranks = np.stack([1 + (result < 0), 1 + (result > 0)], axis=1)
        return cls.from_arrays(items, slots, ranks, **more)

    def take(self, ballots: ArrayLike) -> Evidence:
        """The chosen ballots (a mask, or indices, repeats allowed) with the same items and names."""
        chosen = np.asarray(ballots)
        if chosen.dtype == np.bool_:
            if len(chosen) != len(self):
                raise EvidenceError(f"a mask of {len(chosen)} for {len(self)} ballots")
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        sizes = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][chosen] - offsets[:-1], sizes)
        return Evidence(
            self.items,
            offsets,
            self.slots[places],
            self.ranks[places],
            self.all_bad[chosen],
            self.strength[chosen],
            self.weight[chosen],
            *(labels.take(chosen) for labels in (self.voters, self.prompts, self.protocols, self.voter_kinds)),
        )

    def informative(self) -> NDArray[np.bool_]:
        """bool[B]: whether a ballot says anything about order (some rank is known)."""
        from ranking.engines import kernels

        found = np.zeros(len(self), np.bool_)
        kernels.any_rank(self.offsets, self.ranks, found)
        return found

    def shown(self) -> NDArray[np.int64]:
        """int64[M]: how many ballots show each item, whatever they say."""
        from ranking.engines import kernels

        found = np.zeros(len(self.items), np.int64)
        kernels.count_shown(self.slots, found)
        return found


class _Book:
    """Numbers for names, in order of first appearance."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}

    def number(self, name: str | None) -> int:
        return UNSTATED if name is None else self._numbers.setdefault(name, len(self._numbers))

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._numbers)


class _Builder:
    """Collects records into growing arrays: about 12 bytes a slot, whatever the length of names."""

    def __init__(self, items: Sequence[str] | None) -> None:
        self.items = _Book(items or ())
        self.closed = items is not None
        self.offsets, self.slots, self.ranks = array("q", [0]), array("i"), array("i")
        self.all_bad, self.strength, self.weight = array("b"), array("b"), array("d")
        self.books = tuple(_Book() for _ in range(4))
        self.labels = tuple(array("i") for _ in range(4))

    def add(self, ballot: BallotRecord) -> None:
        number = len(self.all_bad)
        if len(ballot.ranks) != len(ballot.items):
            raise EvidenceError(f"ballot {number}: {len(ballot.ranks)} ranks for {len(ballot.items)} items")
        for item, rank in zip(ballot.items, ballot.ranks, strict=True):
            if self.closed and item not in self.items:
                raise EvidenceError(f"ballot {number}: unknown item {item!r}")
            if rank == UNKNOWN:
                raise EvidenceError(f"ballot {number}: rank 0; the best rank is 1, the last is -1")
            self.slots.append(self.items.number(item))
            self.ranks.append(UNKNOWN if rank is None else rank)
        self.offsets.append(len(self.slots))
        self.all_bad.append(ballot.all_bad)
        self.strength.append(ballot.strength or 0)
        self.weight.append(ballot.weight)
        names = (ballot.voter, ballot.prompt, ballot.protocol, ballot.voter_kind)
        for name, book, index in zip(names, self.books, self.labels, strict=True):
            index.append(book.number(name))

    def finish(self) -> Evidence:
        labels = (
            Labels(book.names, np.array(index, dtype=np.int32))
            for book, index in zip(self.books, self.labels, strict=True)
        )
        return Evidence(
            self.items.names,
            np.array(self.offsets, dtype=np.int64),
            np.array(self.slots, dtype=np.int32),
            np.array(self.ranks, dtype=np.int32),
            np.array(self.all_bad, dtype=np.bool_),
            np.array(self.strength, dtype=np.int8),
            np.array(self.weight, dtype=np.float64),
            *labels,
        )


def _check(evidence: Evidence) -> None:
    from ranking.engines import kernels  # loads the compiler: only when there is evidence to check

    _check_shapes(evidence)
    if kernels.sound(
        evidence.offsets, evidence.slots, evidence.ranks, evidence.all_bad, evidence.strength, evidence.weight,
        len(evidence.items), MAX_WEIGHT,
    ):  # fmt: skip
        return
    _explain(evidence)


def _explain(evidence: Evidence) -> None:
    """Raise the error that says which ballot is wrong, and how."""
    from ranking.engines import kernels

    sizes = np.diff(evidence.offsets)
    _refuse(sizes < 2, "a ballot needs at least two items, this one has {}", sizes)
    bad = (evidence.slots < 0) | (evidence.slots >= len(evidence.items))
    if bad.any():
        place = int(np.argmax(bad))
        ballot = int(np.searchsorted(evidence.offsets, place, side="right")) - 1
        raise EvidenceError(f"ballot {ballot}: item index {evidence.slots[place]} with {len(evidence.items)} items")
    repeated = kernels.first_repeated(evidence.offsets, evidence.slots, len(evidence.items))
    if repeated >= 0:
        raise EvidenceError(f"ballot {repeated}: an item appears twice")
    weight = evidence.weight
    _refuse(
        ~((weight > 0) & (weight <= MAX_WEIGHT)), f"weight must be above 0 and at most {MAX_WEIGHT:g}, not {{}}", weight
    )
    informative = evidence.informative()
    _refuse(evidence.all_bad & informative, "all_bad, but some ranks are known", sizes)
    strength = evidence.strength
    _refuse((strength < 0) | (strength > 3), "strength must be 1, 2 or 3 (0 for none), not {}", strength)
    first, last = evidence.ranks[evidence.offsets[:-1]], evidence.ranks[evidence.offsets[1:] - 1]
    undecided = (sizes != 2) | (first == last)  # equal ranks are a tie, or both unknown
    _refuse((strength > 0) & undecided, "strength is for pairs with a winner", strength)
    raise AssertionError("the quick check and the slow one disagree")


def _check_shapes(evidence: Evidence) -> None:
    if len(set(evidence.items)) < len(evidence.items):
        raise EvidenceError("items holds the same name twice")
    offsets, count = evidence.offsets, len(evidence)
    if offsets[0] != 0 or offsets[-1] != len(evidence.slots) or (np.diff(offsets) < 0).any():
        raise EvidenceError("offsets must rise from 0 to the number of slots")
    if len(evidence.ranks) != len(evidence.slots):
        raise EvidenceError(f"ranks has {len(evidence.ranks)} entries for {len(evidence.slots)} slots")
    columns = {"all_bad": evidence.all_bad, "strength": evidence.strength, "weight": evidence.weight}
    for name in ("voters", "prompts", "protocols", "voter_kinds"):
        labels: Labels = getattr(evidence, name)
        columns[name] = labels.index
        if len(labels.index) and not UNSTATED <= labels.index.min() <= labels.index.max() < len(labels.names):
            raise EvidenceError(f"{name} has an index outside its {len(labels.names)} names")
    for name, column in columns.items():
        if column.shape != (count,):
            raise EvidenceError(f"{name} has shape {column.shape} for {count} ballots")


def _refuse(wrong: NDArray[np.bool_], message: str, values: NDArray[Any]) -> None:
    if wrong.any():
        ballot = int(np.argmax(wrong))
        raise EvidenceError(f"ballot {ballot}: {message.format(values[ballot])}")


def _integers(values: ArrayLike, name: str) -> NDArray[Any]:
    result = np.asarray(values)
    if result.size == 0:
        return result.astype(np.int64)
    if result.dtype.kind not in "iu":
        raise EvidenceError(f"{name} must be whole numbers, not {result.dtype}")
    return result


def _narrow(values: NDArray[Any], kind: type[np.integer[Any]], name: str) -> NDArray[Any]:
    limits = np.iinfo(kind)
    if values.size and not limits.min <= values.min() <= values.max() <= limits.max:
        raise EvidenceError(f"{name} holds a number outside {limits.min} to {limits.max}")
    return np.array(values, dtype=kind, order="C")


def _flags(values: ArrayLike | None, count: int) -> NDArray[np.bool_]:
    if values is None:
        return np.zeros(count, np.bool_)
    result = np.array(values)
    if result.dtype != np.bool_ and result.size:
        raise EvidenceError(f"all_bad must be true or false, not {result.dtype}")
    return result.astype(np.bool_)


def _weights(values: ArrayLike) -> NDArray[np.float64]:
    result = np.array(values)
    if result.dtype.kind not in "iuf" and result.size:
        raise EvidenceError(f"weight must be numbers, not {result.dtype}")
    return result.astype(np.float64)


def _labels(values: Labels | Sequence[str | None] | None, count: int) -> Labels:
    if values is None:
        return Labels.unstated(count)
    if not isinstance(values, Labels):
        return Labels.of(values)
    return Labels(values.names, _narrow(_integers(values.index, "labels"), np.int32, "labels"))
