"""Trying again: what is worth it, how long to wait first, and when to stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from arena.generation.backends.protocol import GenerationError

T = TypeVar("T")

FIRST_WAIT = 0.5  # seconds; doubled with each try
LONGEST_WAIT = 60.0  # seconds, where the server asks for none


class Transient(GenerationError):
    """A failure that may pass. `wait`: the seconds the server asks for; `begun`: part of the answer was passed on."""

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message, permanent=False, wait=wait)
        self.begun = False


@dataclass(frozen=True)
class Clock:
    """What time it is, and waiting. monotonic and now: in seconds, now since 1970; chance: uniform in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Deadline:
    """The end of what one candidate may take, all tries and waits together."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds, 0 when it has passed."""
        return max(0.0, self._end - self._clock.monotonic())


def retried(attempt: Callable[[], T], *, retries: int, deadline: Deadline, clock: Clock) -> T:
    """What `attempt` returns, tried anew after `Transient` up to `retries` times while the deadline lasts.

    The wait is FIRST_WAIT doubled with each try, of which a random half is taken off so that many waiting together do
    not come back together, and at most LONGEST_WAIT; but never less than what the server asked for. If that lies
    beyond the deadline, it fails at once and says when to come back. An answer of which a part was passed on is not
    tried again: whoever watches would read it twice.
    """
    tries = 0
    while True:
        try:
            return attempt()
        except Transient as failure:
            asked = failure.wait or 0.0
            wait = max(asked, min(LONGEST_WAIT, FIRST_WAIT * 2**tries * (1 + clock.chance()) / 2))
            tries += 1
            if failure.begun or tries > retries:
                raise
            if wait >= deadline.left():
                if asked < deadline.left():
                    raise
                raise Transient(f"{failure.message}; {_when(asked, deadline, clock)}", wait=asked) from failure
        clock.sleep(wait)


def _when(wait: float, deadline: Deadline, clock: Clock) -> str:
    try:
        moment = f" ({datetime.fromtimestamp(clock.now() + wait, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    except (ValueError, OverflowError, OSError):  # beyond the calendar
        moment = ""
    return f"it asks to come back in {wait:.0f} s{moment}, later than the {deadline.seconds:g} s of total_timeout allow"


def retry_after(text: str | None, now: float) -> float | None:
    """The seconds a `Retry-After` header asks for, given as such or as a date; None if it says nothing intelligible.

    Source: RFC 9110, section 10.2.3.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
