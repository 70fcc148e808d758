"""A real HTTP server on loopback that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 20.0  # seconds after which a test that waits gives up; never reached by a passing one


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


Answering = Callable[["Handler", Asked], None]


class Server:
    """`answers`: what is done with each request in turn; the last of them again and again."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Answering] = []
        self.asked: list[Asked] = []
        self.busiest = 0
        self.stopping = threading.Event()
        self.heard = threading.Event()  # set by a test once its client has read what was sent
        self._busy = 0
        self._lock = threading.Lock()
        self._http = _Listening(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.owner = self  # type: ignore[attr-defined]
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join(PATIENCE)

    def answer(self, handler: Handler, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
            answering = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answering(handler, asked)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts who is in it at the same time. To be left before the answer ends, or the next request comes first."""
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        yield
        with self._lock:
            self._busy -= 1


class _Listening(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # the client has gone
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        owner: Server = self.server.owner  # type: ignore[attr-defined]
        body = json.loads(content) if content else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        with contextlib.suppress(OSError):  # the client has gone
            owner.answer(self, Asked(self.command, self.path, headers, body))
        self.close_connection = True

    def do_GET(self) -> None:
        self.do_POST()

    @property
    def owner(self) -> Server:
        return self.server.owner  # type: ignore[attr-defined,no-any-return]

    def head(self, status: int, content_type: str | None, headers: dict[str, str]) -> None:
        self.send_response(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def whole(
    body: bytes | str | object, status: int = 200, content_type: str | None = "application/json", **headers: str
) -> Answering:
    """A body of known length."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def answering(handler: Handler, asked: Asked) -> None:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.head(status, content_type, fields | {"Content-Length": str(len(content))})
        handler.wfile.write(content)

    return answering


def pieces(
    chunks: Sequence[bytes], *, then: str = "end", content_type: str = "text/event-stream; charset=utf-8"
) -> Answering:
    """A body in chunks. then: end (as it should), cut (closed without the last chunk), reset, or hang."""

    def answering(handler: Handler, asked: Asked) -> None:
        handler.head(200, content_type, {"Transfer-Encoding": "chunked"})
        for chunk in chunks:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            handler.wfile.flush()
        if then == "end":
            handler.wfile.write(b"0\r\n\r\n")
        elif then == "reset":
            handler.owner.heard.wait(PATIENCE)  # what has not been read may be lost by a reset
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        elif then == "hang":
            handler.owner.stopping.wait(PATIENCE)

    return answering


def silent(handler: Handler, asked: Asked) -> None:
    """Accepts the request and says nothing."""
    handler.owner.stopping.wait(PATIENCE)


def event(body: object) -> bytes:
    return b"data: " + (body if isinstance(body, bytes) else json.dumps(body).encode()) + b"\n\n"


def delta(text: str | None, finish: str | None = None, **more: object) -> bytes:
    piece = {} if text is None else {"content": text}
    return event({"model": "toy-2", "choices": [{"index": 0, "delta": piece | more, "finish_reason": finish}]})


DONE = event(b"[DONE]")


def said(*texts: str, tokens: int | None = None) -> Answering:
    """A good answer in as many deltas."""
    usage = [] if tokens is None else [event({"choices": [], "usage": {"completion_tokens": tokens}})]
    return pieces([*(delta(text) for text in texts), delta(None, "stop"), *usage, DONE])
