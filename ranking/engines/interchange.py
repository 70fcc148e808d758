"""The JSONL form of a ballot: one JSON object a line, read strictly and written canonically.

Import, export, the command line and the API share this module, so a file one of them writes is a file all of them
read. Only `items` and `ranks` are required. Every other key may be absent or null.

Reading never stops at a bad line and never hides one: a reader yields the good ballots and keeps a `Problem`
(line number, reason) for each bad line. What is odd but usable (an unknown key, a ballot that says nothing, the same
ballot twice) is kept as a counted warning.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from ranking.engines import fields
from ranking.engines.errors import BallotError
from ranking.engines.fields import STRENGTHS

MAX_LINE_BYTES = 1 << 20  # a ballot is a few hundred bytes; a longer line is not a ballot
MAX_ITEMS = 2_000  # nobody ranks more, and one ballot must not hold up a fit: time grows with the square
MAX_ODDITIES = 100  # kinds that are told apart: keys are anybody's, and a file may hold millions of unknown ones


@dataclass(frozen=True, slots=True)
class BallotRecord:
    """One ballot. `ranks` aligns with `items`: positive from the top, negative from the bottom, None in between.

    The constructor checks nothing: `parse_line` and `check` do.
    """

    items: tuple[str, ...]
    ranks: tuple[int | None, ...]
    id: str | None = None
    voter: str | None = None
    voter_kind: str | None = None
    protocol: str | None = None
    prompt: str | None = None
    all_bad: bool = False
    categories: tuple[str, ...] = ()
    strength: int | None = None
    weight: float = 1.0
    at: datetime | None = None

    @property
    def informative(self) -> bool:
        """Whether the ballot says anything about the order of its items."""
        return not self.all_bad and any(rank is not None for rank in self.ranks)


KEYS = frozenset(field.name for field in dataclasses.fields(BallotRecord))


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one line was refused. Lines count from 1."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(slots=True)
class Oddity:
    """Something accepted but worth saying, with where it was first seen and how often."""

    message: str
    line: int
    count: int = 1

    def __str__(self) -> str:
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        return f"{self.message} (line {self.line}{more})"


def parse_line(text: str | bytes, *, known_items: Container[str] | None = None) -> BallotRecord:
    """Read one line. Raises `BallotError` with the reason; oddities are dropped (use `BallotReader` to see them)."""
    return parse_line_with_oddities(text, known_items=known_items)[0]


def parse_line_with_oddities(
    text: str | bytes, *, known_items: Container[str] | None = None
) -> tuple[BallotRecord, tuple[str, ...]]:
    """Read one line; return the ballot and what was odd about it. Raises `BallotError` with the reason."""
    row = fields.decoded(text)
    oddities = [f"unknown key {fields.shown(key)} is ignored" for key in row if key not in KEYS]
    for key in ("items", "ranks"):
        if row.get(key) is None:
            raise BallotError(f"{key} is missing")
    at, naive = fields.time(row.get("at"))
    if naive:
        oddities.append("at has no time zone and is read as UTC")
    record = BallotRecord(
        items=fields.strings(row["items"], "items"),
        ranks=fields.ranks(row["ranks"]),
        id=fields.optional_text(row, "id"),
        voter=fields.optional_text(row, "voter"),
        voter_kind=fields.optional_text(row, "voter_kind"),
        protocol=fields.optional_text(row, "protocol"),
        prompt=fields.optional_text(row, "prompt"),
        all_bad=fields.flag(row.get("all_bad")),
        categories=fields.strings(row["categories"], "categories") if row.get("categories") is not None else (),
        strength=fields.strength(row.get("strength")),
        weight=fields.weight(row.get("weight")),
        at=at,
    )
    return record, (*oddities, *check(record, known_items=known_items))


def check(record: BallotRecord, *, known_items: Container[str] | None = None) -> tuple[str, ...]:
    """Refuse a ballot that makes no sense (`BallotError`); return what is odd about one that does."""
    items, ranks = record.items, record.ranks
    if len(items) < 2:
        raise BallotError(f"a ballot needs at least two items, this one has {len(items)}")
    if len(ranks) != len(items):
        raise BallotError(f"ranks has {len(ranks)} entries for {len(items)} items")
    if len(items) > MAX_ITEMS:
        raise BallotError(f"a ballot has at most {MAX_ITEMS} items, this one has {len(items)}")
    if len(set(items)) < len(items):
        raise BallotError(f"item {fields.shown(fields.first_repeated(items))} appears twice")
    if known_items is not None:
        for item in items:
            if item not in known_items:
                raise BallotError(f"unknown item {fields.shown(item)}")
    ranked = [rank for rank in ranks if rank is not None]
    if record.all_bad and ranked:
        raise BallotError("all_bad is true but some ranks are not null")
    if record.strength is not None:
        _check_strength(record, ranked)
    if not ranked:
        return () if record.all_bad else ("a ballot with no rank says nothing and counts for nothing",)
    return ("ranks skip a position; only their order is used",) if _skips(ranked) else ()


def to_line(record: BallotRecord) -> str:
    """The canonical line of a ballot, without a line end. `parse_line(to_line(r)) == r` for every valid ballot."""
    at = record.at
    if at is not None and at.tzinfo is not None:
        at = at.astimezone(UTC)
    row = {
        "id": record.id,
        "voter": record.voter,
        "voter_kind": record.voter_kind,
        "protocol": record.protocol,
        "prompt": record.prompt,
        "items": list(record.items),
        "ranks": list(record.ranks),
        "all_bad": record.all_bad,
        "categories": list(record.categories),
        "strength": record.strength,
        "weight": record.weight,
        "at": at.isoformat().replace("+00:00", "Z") if at is not None else None,
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


class BallotReader:
    """Iterate over the valid ballots of a file, line by line; `problems` and `oddities` fill up meanwhile.

    `source` is a binary file or an iterable of lines (text or bytes). Blank lines are not ballots and are skipped.
    A line whose id was seen before is refused when its content differs, and skipped with an oddity when it is the
    same ballot again. Memory: about 150 bytes for each id.
    """

    def __init__(self, source: BinaryIO | Iterable[str | bytes], *, known_items: Container[str] | None = None) -> None:
        self.problems: list[Problem] = []
        self.line = 0
        self._source = source
        self._known_items = known_items
        self._seen: dict[str, bytes] = {}
        self._oddities: dict[str, Oddity] = {}

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """What was odd so far, first seen first."""
        return tuple(self._oddities.values())

    def __iter__(self) -> Iterator[BallotRecord]:
        for text in _lines(self._source):
            self.line += 1
            try:
                if text is None:
                    raise BallotError(f"the line is longer than {MAX_LINE_BYTES} bytes")
                if not text.strip():
                    continue
                record, oddities = parse_line_with_oddities(text, known_items=self._known_items)
                repeated = self._repeats(record)
            except BallotError as error:
                self.problems.append(Problem(self.line, str(error)))
                continue
            for message in oddities:
                self._note(message)
            if repeated:
                self._note("the same ballot again (same id, same content) is counted once")
            else:
                yield record

    def _repeats(self, record: BallotRecord) -> bool:
        if record.id is None:
            return False
        # Python's hash() is no fingerprint here: hash(-1) == hash(-2), and both are ranks.
        content = hashlib.blake2b(repr(record).encode(), digest_size=16).digest()
        first = self._seen.setdefault(record.id, content)
        if first is content:
            return False
        if first != content:
            raise BallotError(f"id {fields.shown(record.id)} was used before by a different ballot")
        return True

    def _note(self, message: str) -> None:
        if message not in self._oddities and len(self._oddities) >= MAX_ODDITIES:
            message = "something else is odd, and not listed"
        oddity = self._oddities.get(message)
        if oddity is None:
            self._oddities[message] = Oddity(message, self.line)
        else:
            oddity.count += 1


@dataclass(frozen=True, slots=True)
class BallotFile:
    """A whole file: the valid ballots, every bad line, and what was odd."""

    ballots: tuple[BallotRecord, ...]
    problems: tuple[Problem, ...]
    oddities: tuple[Oddity, ...]


def read_ballots(source: BinaryIO | Iterable[str | bytes], *, known_items: Container[str] | None = None) -> BallotFile:
    """Read everything at once. Nothing is raised for bad lines: look at `problems` before using `ballots`."""
    reader = BallotReader(source, known_items=known_items)
    ballots = tuple(reader)
    return BallotFile(ballots, tuple(reader.problems), reader.oddities)


def _lines(source: BinaryIO | Iterable[str | bytes]) -> Iterator[str | bytes | None]:
    """The lines of `source`; None stands for one that is too long, which is never held in memory."""
    readline = getattr(source, "readline", None)
    if readline is None:
        for line in source:
            yield None if len(line) > MAX_LINE_BYTES else line
        return
    while line := readline(MAX_LINE_BYTES + 1):
        end = b"\n" if isinstance(line, bytes) else "\n"
        too_long = len(line) > MAX_LINE_BYTES and not line.endswith(end)
        while too_long and line and not line.endswith(end):
            line = readline(MAX_LINE_BYTES)
        yield None if too_long else line


def _skips(ranked: list[int]) -> bool:
    """Whether ranks leave a position out that no tie explains ([1, 2, 2, 3] and [1, 2, 2, 4] both do not)."""
    for side in ([rank for rank in ranked if rank > 0], [-rank for rank in ranked if rank < 0]):
        side.sort()
        previous = 0
        for count, rank in enumerate(side, start=1):
            if rank not in (previous, previous + 1, count):
                return True
            previous = rank
    return False


def _check_strength(record: BallotRecord, ranked: list[int]) -> None:
    if record.strength not in STRENGTHS:
        raise BallotError(f"strength must be 1, 2 or 3, not {record.strength}")
    if len(record.items) != 2:
        raise BallotError(f"strength is for pairs, this ballot has {len(record.items)} items")
    if len(ranked) == 0 or (len(ranked) == 2 and ranked[0] == ranked[1]):
        raise BallotError("strength is given but neither item is ahead")
