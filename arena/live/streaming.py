"""From the worker to the pages: the text of an answer so far, in the cache under its candidate.

The cache rather than messages: a page that opens late, or again, finds everything that was written; nothing arrives
twice or out of order; and a page shows answers at its own steady pace anyway, so nothing would be quicker.

A text lies there in blocks that are written once, and a head with the rest that fills no block yet: however long it
gets, what is written and read again with each piece is less than a block.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from arena.generation.actions import MOST_TEXT_BYTES

from .moderation import reads_texts, word_list

log = logging.getLogger(__name__)
KEPT_SECONDS = 900
EVERY = 0.1  # seconds between two writings of one answer; its beginning is written at once
BLOCK = 4096  # characters
_READ_EVERY = 400  # characters between two looks of a model
_READ_AGAIN = 400  # characters before these that it sees once more, for what began there
_READ_AT_ONCE = 4000  # characters at most, however far it is behind
_MOST = 1000  # answers in the making that one process keeps

Later = Callable[[float, Callable[[], None]], None]
TooLong = Callable[[Any], None]
ReadOn = Callable[[int, str, str, int], object]


@dataclass(frozen=True)
class Head:
    """What a page reads of an answer first. `attempt` tells the blocks of one try from those of another."""

    attempt: str
    blocks: int
    rest: str


@dataclass
class _Draft:
    """guard: held while it is added to or written. Tries of a candidate share one; an earlier try writes no more."""

    lease: uuid.UUID | None
    guard: Any = field(default_factory=threading.RLock)
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex)
    text: str = ""
    pieces: list[str] = field(default_factory=list)  # came after `text`: joining each at once would copy all of it
    size: int = 0  # bytes
    listed: int = 0  # characters that the word list has seen
    read: int = 0  # characters that models were given
    passed: int = 0  # characters that they have passed
    blocks: int = 0  # that are in the cache
    written_at: float = float("-inf")
    refused: bool = False
    too_long: bool = False


class Scribe:
    """Takes the pieces of answers as they come, from any thread.

    later: runs a function after so many seconds; it brings what came in a burst and was followed by silence.
    too_long: told once of a candidate whose answer is longer than what is stored; nothing more of it is taken.
    read_on: lets models look at what is new of an answer, as the task of this name does; `note_verdict` brings back
    what they say.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        later: Later | None = None,
        too_long: TooLong | None = None,
        read_on: ReadOn | None = None,
    ) -> None:
        self._clock = clock
        self._later = later or _in_a_thread
        self._too_long = too_long
        self._read_on = read_on or _in_a_task
        self._drafts: OrderedDict[int, _Draft] = OrderedDict()
        self._flush_is_due = False
        self._guard = threading.Lock()  # of the two above; never held while something is written

    def write(self, candidate: Any, text: str) -> None:
        draft = self._draft_of(candidate)
        with draft.guard:
            if draft.too_long:
                return
            draft.size += len(text.encode(errors="replace"))
            draft.too_long = draft.size > MOST_TEXT_BYTES
            if not draft.too_long:
                self._take(candidate.pk, draft, text)
                return
            draft.text, draft.pieces = "", []
        if self._too_long is not None:
            self._too_long(candidate)

    def flush(self) -> None:
        """Write what is waiting."""
        with self._guard:
            self._flush_is_due = False
            drafts = list(self._drafts.items())
        for candidate, draft in drafts:
            with draft.guard:
                if draft.pieces:
                    self._write(candidate, draft)

    def _take(self, candidate: int, draft: _Draft, text: str) -> None:
        draft.pieces.append(text)
        if self._clock() - draft.written_at >= EVERY:
            self._write(candidate, draft)
            return
        with self._guard:
            asked, self._flush_is_due = self._flush_is_due, True
        if not asked:
            self._later(EVERY, self.flush)

    def _draft_of(self, candidate: Any) -> _Draft:
        with self._guard:
            draft = self._drafts.get(candidate.pk)
            if draft is None:
                draft = self._drafts[candidate.pk] = _Draft(candidate.lease)
            elif draft.lease != candidate.lease:  # another try begins anew
                draft = self._drafts[candidate.pk] = _Draft(candidate.lease, draft.guard)
            while len(self._drafts) > _MOST:
                self._drafts.popitem(last=False)
            return draft

    def _write(self, candidate: int, draft: _Draft) -> None:
        if self._drafts.get(candidate) is not draft:  # another try has begun meanwhile
            draft.pieces.clear()
            return
        draft.text += "".join(draft.pieces)
        draft.pieces.clear()
        draft.written_at = self._clock()
        length = 0 if draft.refused else self._passed(candidate, draft)
        if length == 0:
            return
        blocks = length // BLOCK
        new = {
            _block_key(candidate, draft.attempt, number): draft.text[number * BLOCK : (number + 1) * BLOCK]
            for number in range(draft.blocks, blocks)
        }
        if new:
            cache.set_many(new, KEPT_SECONDS)
        draft.blocks = blocks
        # After its blocks: whoever reads the head finds them.
        cache.set(key_of(candidate), Head(draft.attempt, blocks, draft.text[blocks * BLOCK : length]), KEPT_SECONDS)

    def _passed(self, candidate: int, draft: _Draft) -> int:
        """How many characters may be shown so far, 0 for no more than before. All are checked again in the end."""
        words = word_list()
        if words.check_on(draft.text, draft.listed).refused:
            # At the very end it may be the beginning of a longer word, as the next piece will tell.
            draft.refused = words.check_on(draft.text + "x", draft.listed).refused
            return 0
        draft.listed = len(draft.text)
        return self._passed_by_models(candidate, draft) if reads_texts() else len(draft.text)

    def _passed_by_models(self, candidate: int, draft: _Draft) -> int:
        """One look after the other, each at what is new: together they cost twice the length of the answer."""
        if draft.passed < draft.read:
            refused = cache.get(_verdict_key(candidate, draft.attempt, draft.read))
            if refused is None:
                return draft.passed
            draft.refused = refused
            if refused:
                return 0
            draft.passed = draft.read
        if len(draft.text) - draft.read >= _READ_EVERY:
            begin, end = max(0, draft.read - _READ_AGAIN), min(len(draft.text), draft.read + _READ_AT_ONCE)
            self._read_on(candidate, draft.attempt, draft.text[begin:end], end)
            draft.read = end
        return draft.passed


def _in_a_thread(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def _in_a_task(candidate: int, attempt: str, text: str, length: int) -> None:
    from .tasks import read_on

    read_on.delay(candidate, attempt, text, length)


def note_verdict(candidate: int, attempt: str, length: int, *, refused: bool) -> None:
    """Whether models refuse the first so many characters of an answer. Twice is once."""
    cache.set(_verdict_key(candidate, attempt, length), refused, KEPT_SECONDS)


def key_of(candidate: int) -> str:
    """Of its `Head`."""
    return f"live-text:{candidate}"


def _block_key(candidate: int, attempt: str, number: int) -> str:
    return f"live-text:{candidate}:{attempt}:{number}"


def _verdict_key(candidate: int, attempt: str, length: int) -> str:
    return f"live-verdict:{candidate}:{attempt}:{length}"


class Reader:
    """Reads answers as they grow; of what it has read before it asks for nothing again. One for each page."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[str, list[str]]] = {}  # candidate -> attempt and its blocks

    def texts(self, candidates: Sequence[int], heads: Mapping[str, Any]) -> dict[int, str]:
        """What is written so far, given the heads by key: another look into the cache only where a block is new."""
        found = {candidate: heads.get(key_of(candidate)) for candidate in candidates}
        there = {candidate: head for candidate, head in found.items() if head is not None}
        missing = {}
        for candidate, head in there.items():
            attempt, blocks = self._read.get(candidate, ("", []))
            if attempt != head.attempt:
                blocks = []
                self._read[candidate] = (head.attempt, blocks)
            for number in range(len(blocks), head.blocks):
                missing[_block_key(candidate, head.attempt, number)] = (candidate, number)
        read = cache.get_many(missing) if missing else {}
        for key, (candidate, number) in missing.items():
            blocks = self._read[candidate][1]
            if key in read and len(blocks) == number:  # otherwise one before it was forgotten
                blocks.append(read[key])
        return {candidate: self._text(candidate, there.get(candidate)) for candidate in candidates}

    def _text(self, candidate: int, head: Head | None) -> str:
        if head is None:
            return ""
        blocks = self._read[candidate][1]
        return "".join(blocks) + head.rest if len(blocks) >= head.blocks else "".join(blocks)


def texts_of(candidates: Sequence[int]) -> dict[int, str]:
    """What is written so far, by candidate."""
    return Reader().texts(candidates, cache.get_many([key_of(candidate) for candidate in candidates]))
