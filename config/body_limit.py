"""Requests that are longer than anything that is taken here are refused before their body is received.

Django's own limits come too late for that: under ASGI it has received the whole body before it looks at the request.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

from .problems import wants_json


def with_body_limit(application: Any, most: int) -> Any:
    """The ASGI application, given no request with a body of more than `most` bytes.

    One that says so in its header is answered at once. Of one that does not say how long it is, no more is received.
    """

    async def limited(scope: Any, receive: Any, send: Any) -> None:
        if _length(scope) > most:
            await _refuse(scope, send, most)
            return
        received = 0
        answered = False

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _TooLong
            return message

        async def watched(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await application(scope, counted, watched)
        except _TooLong:
            if not answered:
                await _refuse(scope, send, most)

    return limited


class _TooLong(Exception):
    """Ends the request within the application."""


def _length(scope: Any) -> int:
    """What the header says; 0 where it says nothing or nonsense: then what comes is counted."""
    said = _header(scope, b"content-length")
    return int(said) if said.isdigit() else 0


async def _refuse(scope: Any, send: Any, most: int) -> None:
    status = int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    title = "Too much at once"
    message = f"A request may have {most // 2**20} MB. Send less; nothing of it was recorded."
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = _header(scope, b"accept").decode("latin1")
    if wants_json(request):
        problem = {"type": "about:blank", "status": status, "title": title, "detail": message, "code": "body_too_large"}
        kind, body = b"application/problem+json", json.dumps(problem).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{title}. {message}\n".encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # or the server would receive the rest, to find the next request behind it
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Any, name: bytes) -> bytes:
    value: bytes = dict(scope["headers"]).get(name, b"")
    return value
