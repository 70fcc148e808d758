"""The websocket of an open board: it says "changed", and the page fetches the cached standings."""

from __future__ import annotations

import random
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.template.loader import render_to_string

from .boards import board_page, group_of

NOT_FOUND = 4404
SPREAD_MS = 300  # a thousand pages that hear of a change do not all ask within the same millisecond


class BoardConsumer(AsyncWebsocketConsumer):
    group: str | None = None

    async def connect(self) -> None:
        self.slug = self.scope["url_route"]["kwargs"]["arena_slug"]
        page = await database_sync_to_async(board_page, thread_sensitive=False)(self.slug)
        if page is None or not page.public:
            await self.close(code=NOT_FOUND)
            return
        self.group = group_of(page.arena["id"])
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Boards only listen; whatever a client sends is dropped."""

    async def board_changed(self, event: dict[str, Any]) -> None:
        context = {"arena": {"slug": self.slug}, "delay_ms": random.randrange(SPREAD_MS)}
        await self.send(text_data=render_to_string("leaderboards/_changed.html", context))
