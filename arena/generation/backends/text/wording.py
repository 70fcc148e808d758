"""Text from tokens as they come: whole characters only, nothing of a stop text nor beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_BROKEN = "\ufffd"  # what decoders write for bytes that are no character (yet)
# A character has at most 4 bytes. What is still broken after so many tokens will never be whole.
_LONGEST_WAIT = 8


class Wording:
    """One text that grows. The parts that `add` and `finish` return make up the text."""

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stop = stop
        self._tokens: list[int] = []
        self._start = 0  # tokens from here to `read` are decoded again: what they give can depend on what was before
        self._read = 0
        self._before = ""  # what the tokens from `start` to `read` give
        self._held = ""  # may be the beginning of a stop text
        self.stopped = False
        self.text = ""

    def add(self, token: int) -> str:
        """What is certain now and was not before, often nothing. Sets `stopped` once a stop text is complete."""
        if self.stopped:
            return ""
        self._tokens.append(token)
        text = self._decode(self._tokens[self._start :])
        waiting = len(self._tokens) - self._read
        if text.endswith(_BROKEN) and waiting < _LONGEST_WAIT:
            return ""
        fresh = text[len(self._before) :]
        self._start, self._read = self._read, len(self._tokens)
        self._before = self._decode(self._tokens[self._start :])
        return self._given(fresh)

    def finish(self) -> str:
        """The rest, when no more tokens come. A character of which only the beginning came is left out."""
        if self.stopped:
            return ""
        text = self._decode(self._tokens[self._start :]) if self._read < len(self._tokens) else self._before
        part = self._given(text[len(self._before) :].rstrip(_BROKEN))
        if not self.stopped:
            part += self._held
            self.text += self._held
            self._held = ""
        return part

    def _given(self, fresh: str) -> str:
        """`held` and `fresh`, as far as they cannot belong to a stop text."""
        # No database stores a NUL, and what is shown while it grows has to be what is kept.
        pending = self._held + fresh.replace("\x00", _BROKEN)
        places = [place for place in (pending.find(stop) for stop in self._stop) if place >= 0]
        if places:
            self.stopped = True
            part, self._held = pending[: min(places)], ""
        else:
            keep = max((_overlap(pending, stop) for stop in self._stop), default=0)
            part, self._held = pending[: len(pending) - keep], pending[len(pending) - keep :]
        self.text += part
        return part


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that `stop` begins with, short of all of it."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
