"""One pace for all answers, so that speed tells nothing about who writes.

All slots show their first n characters, with one n for all. It begins to grow when every slot has a first step to
show, at a rate that is the same whatever is written, and halts for all while one slot that is not finished has no more
to give. After a halt the rate is lowered to what was kept up so far and never raised again, so that no slot can be
recognised by the moment at which the others speed up. n moves in steps of `STEP` characters, since the ends of single
tokens would show whom the others wait for. That a slot is finished shows when all are and everything has been shown.

Once all are finished, and none has held up the others, the rest comes within seconds: this tells when the last one was
finished, and of those that still go on not which. After a halt it would: the rest would come just where the text of the
slow one ends, and point at it.

What a recording of the frames still tells is said in docs/explanation/blindness.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP = 16  # characters, three or four tokens
FASTEST = 300.0  # characters a second: three times as fast as anybody skims
SLOWEST = 60.0  # likewise; below it a voter would wait for an answer that is there
REST = 2.5  # seconds for what is left once all are finished

SETTLING = 2.0  # seconds after the beginning in which a halt says nothing about the rate: texts come in bursts
CALM = 5.0  # seconds after such a halt in which nobody hurries


@dataclass(frozen=True)
class Written:
    """What a slot has so far."""

    length: int
    finished: bool


@dataclass
class Pace:
    """The growing n. `over`: everything is shown and finished."""

    shown: int = 0
    over: bool = False
    rate: float = FASTEST
    _began: float | None = None  # seconds of the caller's clock
    _anchor: tuple[float, float] = (0.0, 0)  # since when, and from which n, the rate counts

    def advance(self, now: float, slots: Sequence[Written]) -> int:
        """How many characters of each slot to show at this moment; never fewer than before."""
        if self._began is None:
            if not all(slot.finished or slot.length >= STEP for slot in slots):
                return 0
            self._began = now
            self._anchor = (now, STEP)  # the first step comes at once
        since, base = self._anchor
        due = base + self.rate * (now - since)
        pending = [slot.length for slot in slots if not slot.finished]
        longest = max(slot.length for slot in slots)
        there = min(pending, default=longest)
        self.shown = max(self.shown, _steps(min(due, there)))
        if pending and due >= there + STEP:
            self._halt(now)
        elif not pending and self._is_held_up_by_nobody(now):
            self.rate = max(self.rate, (longest - due) / REST)
            self._anchor = (now, due)
        self.over = not pending and due >= longest
        if self.over:
            self.shown = max(self.shown, longest)
        return self.shown

    def _halt(self, now: float) -> None:
        began = now if self._began is None else self._began
        if now - began >= SETTLING:
            self.rate = min(self.rate, max(SLOWEST, self.shown / (now - began)))
        self._anchor = (now, self.shown + STEP)

    def _is_held_up_by_nobody(self, now: float) -> bool:
        since, _ = self._anchor
        return self.rate == FASTEST and (since == self._began or now - since >= CALM)


@dataclass
class Again:
    """The pace of a slot that begins anew after something of it was shown: that of a first try.

    It stays empty until it has as much to show as the others do, so that what it shows then grows at one rate,
    whoever writes; the others wait for it.
    """

    _since: float | None = None

    def advance(self, now: float, slot: Written, length: int) -> int:
        """How many of its characters to show; `length` when it has caught up with the others."""
        if self._since is None:
            if not slot.finished and slot.length < length:
                return 0
            self._since = now
        return min(length, _steps(STEP + FASTEST * (now - self._since)))


def _steps(characters: float) -> int:
    return int(characters) // STEP * STEP
