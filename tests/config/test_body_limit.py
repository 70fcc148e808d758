"""A body that is longer than anything that is taken here is refused before it is received."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from asgiref.testing import ApplicationCommunicator
from django.conf import settings

from config.asgi import application
from config.body_limit import with_body_limit
from tests.running import free_port
from tests.threads import PATIENCE

MOST = 2 * 2**20


async def counting(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message["body"])
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": str(length).encode()})


class Request:
    """A request to an ASGI application; what was not sent to it cannot have been received."""

    def __init__(self, app: Any, *headers: tuple[bytes, bytes]) -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": list(headers)}
        self._app = ApplicationCommunicator(app, scope)

    async def send(self, body: bytes, *, more: bool) -> None:
        await self._app.send_input({"type": "http.request", "body": body, "more_body": more})

    async def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        start = await self._app.receive_output(PATIENCE)
        body = await self._app.receive_output(PATIENCE)
        await self._app.wait(PATIENCE)
        return start["status"], dict(start["headers"]), body["body"]

    async def is_unanswered(self) -> bool:
        return bool(await self._app.receive_nothing())


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", str(number).encode()


class TestABody:
    async def test_up_to_the_limit_reaches_the_application(self) -> None:
        request = Request(with_body_limit(counting, MOST), length(MOST))
        await request.send(bytes(MOST - 1), more=True)
        await request.send(bytes(1), more=False)
        assert (await request.answer())[::2] == (200, str(MOST).encode())

    async def test_that_says_it_is_longer_is_refused_unread(self) -> None:
        status, headers, body = await Request(with_body_limit(counting, MOST), length(MOST + 1)).answer()
        assert (status, headers[b"connection"]) == (413, b"close")
        assert b"A request may have 2 MB." in body

    async def test_of_a_program_is_refused_with_a_code(self) -> None:
        accept = (b"accept", b"application/json")
        _, headers, body = await Request(with_body_limit(counting, MOST), length(MOST + 1), accept).answer()
        assert headers[b"content-type"] == b"application/problem+json"
        assert {key: json.loads(body)[key] for key in ("status", "code")} == {"status": 413, "code": "body_too_large"}

    @pytest.mark.parametrize("headers", [(), (length(1),), ((b"content-length", b"many"),)])
    async def test_that_does_not_say_how_long_it_is_is_cut_off_at_the_limit(
        self, headers: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        request = Request(with_body_limit(counting, MOST), *headers)
        await request.send(bytes(MOST), more=True)
        assert await request.is_unanswered()
        await request.send(b"x", more=True)
        assert (await request.answer())[0] == 413

    async def test_that_grows_after_the_answer_has_begun_ends_it(self) -> None:
        async def hasty(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await counting(scope, receive, send)

        request = Request(with_body_limit(hasty, MOST))
        assert (await request._app.receive_output(PATIENCE))["status"] == 200
        await request.send(bytes(MOST + 1), more=False)
        await request._app.wait(PATIENCE)
        assert await request.is_unanswered(), "a second answer would be none"


async def test_podium_itself_has_the_limit_of_its_settings() -> None:
    assert settings.MOST_REQUEST_BYTES == 64 * 2**20
    status, _, body = await Request(application, length(settings.MOST_REQUEST_BYTES + 1)).answer()
    assert status == 413
    assert b"A request may have 64 MB." in body


@pytest.fixture
def port() -> Iterator[int]:
    """That of a real server in a thread."""
    number = free_port()
    app = with_body_limit(counting, MOST)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=number, log_level="error", lifespan="off"))
    thread = threading.Thread(target=asyncio.run, args=[server.serve()], daemon=True)
    thread.start()
    waited = threading.Event()
    while not server.started and thread.is_alive():
        waited.wait(0.01)
    yield number
    server.should_exit = True
    thread.join(PATIENCE)


class TestOnARealServer:
    def test_a_long_body_is_refused_before_it_is_sent(self, port: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.putrequest("POST", "/")
        client.putheader("Content-Length", str(MOST + 1))
        client.endheaders()
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (413, "close")
        assert b"A request may have 2 MB." in answer.read()
        client.close()

    def test_one_in_chunks_is_cut_off(self, port: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.putrequest("POST", "/")
        client.putheader("Transfer-Encoding", "chunked")
        client.endheaders()
        client.send(f"{MOST + 1:x}\r\n".encode() + bytes(MOST + 1))  # and the chunk never ends
        assert client.getresponse().status == 413
        client.close()

    def test_what_is_no_longer_than_that_arrives(self, port: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.request("POST", "/", iter([bytes(MOST - 5), bytes(5)]), encode_chunked=True)
        assert client.getresponse().read() == str(MOST).encode()
        client.close()
