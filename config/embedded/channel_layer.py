"""The in-memory channel layer, usable from the worker's threads.

Channels' own is bound to the event loop that receives: its queues wake a waiting consumer only from that loop, so a
message sent from the worker thread would lie there until something else wakes the loop. This one hands such a message
to the receiving loop.
"""

from __future__ import annotations

import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer


class EmbeddedChannelLayer(InMemoryChannelLayer):
    _home: asyncio.AbstractEventLoop | None = None

    async def new_channel(self, prefix: str = "specific.") -> str:
        # Only consumers ask for a channel of their own, and they live on the server's loop.
        self._home = asyncio.get_running_loop()
        return str(await super().new_channel(prefix))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._at_home(super().group_send(group, message))

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._at_home(super().send(channel, message))

    async def _at_home(self, sending: Any) -> None:
        home = self._home
        if home is None or home.is_closed() or home is asyncio.get_running_loop():
            await sending
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(sending, home))
