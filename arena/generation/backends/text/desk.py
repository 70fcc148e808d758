"""Where texts of a batch grow: tokens come in, deltas and results go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arena.generation.backends.measuring import Meter
from arena.generation.backends.protocol import Request, Result, Watch
from arena.generation.backends.text.prompting import Asked
from arena.generation.backends.text.wording import Wording

if TYPE_CHECKING:
    from arena.generation.backends.text.writer import Writer


@dataclass
class Page:
    """One text that is being written. `index` is the request's place in the batch."""

    index: int
    request: Request
    asked: Asked
    wording: Wording
    tokens: int = 0
    ended: bool = False


class Desk:
    """Of one call of `generate`."""

    def __init__(self, writer: Writer, meter: Meter, sharing: int, watch: Watch) -> None:
        self.results: dict[int, Result] = {}
        self.watch = watch
        self._writer = writer
        self._meter = meter
        self._sharing = sharing

    def page(self, index: int, request: Request, asked: Asked) -> Page:
        return Page(index, request, asked, Wording(self._writer.asking.decode, self._writer.settings.stop))

    def write(self, page: Page, token: int) -> None:
        """Take the next token of a page, and end the page if that was its last."""
        page.tokens += 1
        ends = token in self._writer.ends
        if not ends:
            self._tell(page, page.wording.add(token))
        if ends or page.wording.stopped or page.tokens >= page.asked.room:
            self._tell(page, page.wording.finish())
            page.ended = True
            result = self._writer.result(page.wording.text, self._meter, self._sharing, page.tokens)
            self.results[page.index] = result
            self.watch.done(page.index, result)

    def _tell(self, page: Page, text: str) -> None:
        if text:
            self.watch.delta(page.index, text)
