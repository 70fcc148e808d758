"""A message from another thread wakes a receiver that sleeps. Channels' own layer would let it sleep on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from asgiref.sync import async_to_sync

from config.embedded.channel_layer import EmbeddedChannelLayer
from tests.threads import PATIENCE


def received(method: str, target: str, message: dict[str, Any]) -> dict[str, Any]:
    """What a receiver in a loop of its own gets when this thread calls `method`."""
    layer = EmbeddedChannelLayer()
    got: list[dict[str, Any]] = []
    names: list[str] = []
    listening, awake = threading.Event(), threading.Event()

    async def listen() -> None:
        names.append(await layer.new_channel())
        await layer.group_add("board.1", names[0])
        asyncio.get_running_loop().call_soon(listening.set)
        got.append(await layer.receive(names[0]))
        awake.set()

    threading.Thread(target=asyncio.run, args=[listen()], daemon=True).start()
    assert listening.wait(PATIENCE)
    async_to_sync(getattr(layer, method))(target or names[0], message)
    assert awake.wait(PATIENCE), "the receiver sleeps on"
    return got[0]


def test_a_message_to_a_group_wakes_a_receiver_that_sleeps() -> None:
    message = {"type": "board.changed"}
    assert received("group_send", "board.1", message) == message


def test_a_message_to_one_channel_wakes_it_as_well() -> None:
    message = {"type": "hello"}
    assert received("send", "", message) == message


def test_before_anybody_listens_a_message_is_dropped_without_a_word() -> None:
    async_to_sync(EmbeddedChannelLayer().group_send)("board.1", {"type": "board.changed"})


def test_after_the_server_has_stopped_a_message_is_dropped_without_a_word() -> None:
    layer = EmbeddedChannelLayer()
    asyncio.run(layer.new_channel())

    async_to_sync(layer.group_send)("board.1", {"type": "board.changed"})
