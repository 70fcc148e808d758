"""Time that tests move by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Django's clock and the one its signatures are stamped with, running on from wherever they were put."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def advance(self, **by: float) -> None:
        self.offset += timedelta(**by)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def time(self) -> float:
        return time.time() + self.offset.total_seconds()
