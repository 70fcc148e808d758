"""The websocket of a page on which contestants answer: all slots in one frame, at one pace, then the ballot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from arena.battles.models import LETTERS, Battle, BattleState
from arena.battles.rendering import render_markdown

from .pacing import Again, Pace, Written
from .queries import Progress, battle_of_token, look, mark_watched, progress_of
from .streaming import Reader

log = logging.getLogger(__name__)
NOT_FOUND = 4404
TRY_AGAIN = 1011  # after which the ws extension of htmx connects again
TICK = 0.25  # seconds between two frames
READ_AGAIN = 2.0  # seconds after which the database is asked though nobody said that something changed


class AnswersConsumer(AsyncWebsocketConsumer):
    battle: Battle
    _streaming: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        battle = await _in_database(battle_of_token, self.scope["url_route"]["kwargs"]["token"])
        if battle is None:
            await self.close(code=NOT_FOUND)
            return
        self.battle = battle
        await self.accept()
        self._streaming = asyncio.create_task(self._stream())

    async def disconnect(self, code: int) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._streaming

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages only listen; whatever a client sends is dropped."""

    async def _stream(self) -> None:
        try:
            await self._show_answers()
        except Exception:  # the cache or the database may be away; the page comes back by itself after this code
            log.exception("the answers of battle %s could not be shown", self.battle.public_id)
            await self.close(code=TRY_AGAIN)

    async def _show_answers(self) -> None:
        show, reader, battle = Show(), Reader(), self.battle.pk
        progress: Progress | None = None
        read_at = 0.0
        while True:
            now = time.monotonic()
            if progress is not None:
                written, version = await _in_thread(look, battle, progress.places, reader)
            if progress is None or now - read_at >= READ_AGAIN or version != progress.version:
                progress, read_at = await _in_database(progress_of, battle), now
                await _in_database(mark_watched, battle)
                written, _ = await _in_thread(look, battle, progress.places, reader)
            if progress.state not in {BattleState.PREPARING, BattleState.OPEN}:
                break
            finished = [place.text is not None for place in progress.places]
            frame = await _in_thread(show.frame, now, written, finished)  # a long text takes a while to render
            if frame:
                await self.send(text_data=frame)
            if show.over and progress.state == BattleState.OPEN:
                break
            await asyncio.sleep(TICK)
        context = {"arena": self.battle.arena, "battle_id": self.battle.public_id}
        await self.send(text_data=render_to_string("live/_over.html", context))
        await self.close()


class Show:
    """What one page has been shown, and the next frame of it."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._shown: list[str] = []
        self._pages: list[Page] = []
        self._again: dict[int, Again] = {}  # by position

    @property
    def over(self) -> bool:
        return self._pace.over

    def frame(self, now: float, texts: list[str], finished: list[bool]) -> str:
        """HTML for all slots whose words changed, as one message; "" where none did."""
        before = self._shown or [""] * len(texts)
        written = [Written(len(text), done) for text, done in zip(texts, finished, strict=True)]
        behind: dict[int, int] = {}  # characters that slots show which began anew, another try or another contestant
        for at, text in enumerate(texts):
            trimmed = finished[at] and before[at].startswith(text)
            if not text.startswith(before[at]) and not trimmed:
                self._again[at], behind[at] = Again(), 0
            elif at in self._again:
                behind[at] = self._again[at].advance(now, written[at], self._pace.shown)
                if behind[at] >= self._pace.shown:  # and from the next frame on they go on together
                    del self._again[at]
        waited_for = [Written(behind[at], False) if at in behind else slot for at, slot in enumerate(written)]
        length = self._pace.advance(now, waited_for)
        words = self._shown = [text[: behind.get(at, length)] for at, text in enumerate(texts)]
        self._pages = self._pages or [Page() for _ in words]
        changed = [
            {"letter": LETTERS[at], "html": self._pages[at].rendered(text)}
            for at, (text, old) in enumerate(zip(words, before, strict=True))
            if text != old
        ]
        return render_to_string("live/_frame.html", {"slots": changed}) if changed else ""


class Page:
    """A growing Markdown text as HTML. What stands before its last empty line is rendered once.

    A list with empty lines in it is shown as several until the ballot renders the whole: a small price, since rendering
    4,000 characters takes some 10 ms.
    """

    def __init__(self) -> None:
        self._settled = ""
        self._html = ""

    def rendered(self, text: str) -> str:
        if not text.startswith(self._settled):
            self._settled = self._html = ""
        rest = text[len(self._settled) :]
        end = rest.rfind("\n\n") + 2
        if end >= 2 and rest[:end].count("```") % 2 == 0:
            self._html += render_markdown(rest[:end])
            self._settled += rest[:end]
            rest = rest[end:]
        return mark_safe(self._html + render_markdown(rest))  # noqa: S308  (both parts are cleaned)


async def _in_thread(function: Any, *arguments: Any) -> Any:
    return await sync_to_async(function, thread_sensitive=False)(*arguments)


async def _in_database(function: Any, *arguments: Any) -> Any:
    return await database_sync_to_async(function, thread_sensitive=False)(*arguments)
