"""A browser's end of a websocket. (That of `channels.testing` needs daphne, a server that Podium does not use.)"""

from __future__ import annotations

from typing import Any

from asgiref.testing import ApplicationCommunicator

PATIENCE = 20.0  # seconds; never reached by a passing test


class Websocket:
    def __init__(self, application: Any, path: str, origin: str = "http://localhost") -> None:
        headers = [(b"host", b"localhost"), (b"origin", origin.encode())]
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": []}
        self._application = ApplicationCommunicator(application, scope)
        self._is_closed = False

    async def open(self) -> int | None:
        """None if the server accepted; else the code with which it closed."""
        await self._application.send_input({"type": "websocket.connect"})
        answer = await self._application.receive_output(PATIENCE)
        return None if answer["type"] == "websocket.accept" else int(answer.get("code", 1000))

    async def send(self, **message: Any) -> None:
        await self._application.send_input({"type": "websocket.receive", **message})

    async def receive(self) -> str:
        message = await self._application.receive_output(PATIENCE)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def hears_nothing(self) -> bool:
        return bool(await self._application.receive_nothing())

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self._application.send_input({"type": "websocket.disconnect", "code": 1000})
            await self._application.wait(PATIENCE)
