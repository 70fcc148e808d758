"""How much of an answer is taken, and how fast."""

from __future__ import annotations

import threading

import pytest

from arena.generation.backends.openai_compatible import chat, client

from .conftest import Heard, Load
from .server import DONE, Asked, Handler, Server, delta, said
from .test_chat import failure, one, text


def test_the_size_of_an_answer_is_limited(server: Server, load: Load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "MOST_CHAT", 2000)
    server.answers = [said(*["word "] * 100)]
    error = failure(one(load()))
    assert "more than 2000 bytes" in error.message
    assert error.permanent


def test_the_text_of_an_answer_is_limited(server: Server, load: Load, heard: Heard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chat, "MOST_TEXT", 40)
    server.answers = [said(*["ünd"] * 10), said(*["ünd"] * 10, "!")]
    assert text(one(load())) == "ünd" * 10
    error = failure(one(load(), heard=heard))
    assert "answered with a text of more than 40 bytes" in error.message
    assert error.permanent
    assert "".join(heard.texts()) == "ünd" * 10


def test_a_server_waits_for_whoever_watches(server: Server, load: Load, monkeypatch: pytest.MonkeyPatch):
    """Of 30 MB that go with an answer, more than what fits on the way is not sent before it can be taken."""
    monkeypatch.setattr(client, "_MOST_NEWS", 2)
    sent = []

    def flooding(handler: Handler, asked: Asked) -> None:
        handler.head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        for piece in [*[delta("tea ", padding="x" * 30_000)] * 1000, delta(None, "stop") + DONE]:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            sent.append(len(piece))
        handler.wfile.write(b"0\r\n\r\n")

    class Slow(Heard):
        sent_meanwhile = 0

        def delta(self, index: int, text: str) -> None:
            while not self.deltas and self.sent_meanwhile < len(sent):
                self.sent_meanwhile = len(sent)
                pause.wait(0.5)
            super().delta(index, text)

    pause = threading.Event()
    server.answers = [flooding]
    slow = Slow()
    assert text(one(load(), heard=slow)) == "tea " * 1000
    assert 0 < slow.sent_meanwhile < 1000
