"""From the worker to the pages: the text of an answer so far, in the cache under its candidate.

The cache rather than messages: a page that opens late, or again, finds everything that was written; nothing arrives
twice or out of order; and a page shows answers at its own steady pace anyway, so nothing would be quicker.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from .moderation import checked, moderators, needs_worker, word_list

KEPT_SECONDS = 900
EVERY = 0.1  # seconds between two writings of one answer; its beginning is written at once
_CHECKED_EVERY = 400  # characters between two looks of a model
_MOST = 1000  # answers in the making that one process keeps

Later = Callable[[float, Callable[[], None]], None]


@dataclass
class _Draft:
    lease: uuid.UUID | None
    text: str = ""
    written: int = 0  # characters of it that are in the cache or were held back
    written_at: float = float("-inf")
    passed: int = 0  # characters that models have seen
    refused: bool = False


class Scribe:
    """Takes the pieces of answers as they come, from any thread.

    later: runs a function after so many seconds; it brings what came in a burst and was followed by silence.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, later: Later | None = None) -> None:
        self._clock = clock
        self._later = later or _in_a_thread
        self._drafts: OrderedDict[int, _Draft] = OrderedDict()
        self._flush_is_due = False
        self._guard = threading.RLock()

    def write(self, candidate: Any, text: str) -> None:
        with self._guard:
            draft = self._draft_of(candidate)
            draft.text += text
            if self._clock() - draft.written_at >= EVERY:
                self._write(candidate.pk, draft)
            elif not self._flush_is_due:
                self._flush_is_due = True
                self._later(EVERY, self.flush)

    def flush(self) -> None:
        """Write what is waiting."""
        with self._guard:
            self._flush_is_due = False
            for candidate, draft in self._drafts.items():
                if draft.written < len(draft.text):
                    self._write(candidate, draft)

    def _draft_of(self, candidate: Any) -> _Draft:
        draft = self._drafts.get(candidate.pk)
        if draft is None or draft.lease != candidate.lease:  # another try begins anew
            draft = self._drafts[candidate.pk] = _Draft(candidate.lease)
        while len(self._drafts) > _MOST:
            self._drafts.popitem(last=False)
        return draft

    def _write(self, candidate: int, draft: _Draft) -> None:
        draft.written, draft.written_at = len(draft.text), self._clock()
        shown = "" if draft.refused else self._passed(draft)
        if shown:
            cache.set(key_of(candidate), shown, KEPT_SECONDS)

    def _passed(self, draft: _Draft) -> str:
        """What may be shown so far. The whole is checked again when it is finished."""
        if word_list().check(draft.text).refused:
            draft.refused = True
            return ""
        if not needs_worker():
            return draft.text
        if len(draft.text) - draft.passed >= _CHECKED_EVERY:
            draft.refused = checked(draft.text, moderators()).refused
            if draft.refused:
                return ""
            draft.passed = len(draft.text)
        return draft.text[: draft.passed]


def _in_a_thread(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def key_of(candidate: int) -> str:
    return f"live-text:{candidate}"


def texts_of(candidates: Sequence[int]) -> dict[int, str]:
    """What is written so far, by candidate; one look into the cache."""
    found = cache.get_many([key_of(candidate) for candidate in candidates])
    return {candidate: found.get(key_of(candidate), "") for candidate in candidates}
