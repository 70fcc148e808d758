"""A bar on standard error for whoever waits in front of a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 30


class Bar:
    """Shown where `stream` is a terminal or `always`; wiped when it ends."""

    def __init__(self, *, always: bool = False, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = always or self._stream.isatty()
        self._begin = time.monotonic()
        self._longest = 0

    def __call__(self, done: int, total: int) -> None:
        if not self._shown:
            return
        spent = time.monotonic() - self._begin
        filled = WIDTH * done // total
        line = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total} trials, {spent:.0f} s"
        if done < total:
            line += f", about {spent / done * (total - done):.0f} s left"
        self._write(line)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._longest:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()

    def _write(self, line: str) -> None:
        self._longest = max(self._longest, len(line))
        self._stream.write("\r" + line.ljust(self._longest))
        self._stream.flush()
