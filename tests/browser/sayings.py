"""An arena whose contestants answer over HTTP, from a server of the test's own that writes as slowly as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.arena.generation.backends.openai_compatible.server import Asked, Handler, Server
from tests.running import Podium

ARENA = "sayings"
NAMES = ("Zephyrine", "Quorndon", "Ultravox", "Malachite")
TEXT = (
    "The **harbour** lies quiet under a wide sky, and the boats come home one by one. "
    "Somebody on the pier counts them:\n\n- the red one\n- the blue one\n- the one that leaks\n\n"
    "Then the light goes on, and the evening is complete. "
)


@dataclass
class Speakers:
    """What each contestant does when it is asked.

    texts: what it says; seconds: between two words; broken: who fails; held: none goes on while this is not set.
    """

    texts: dict[str, str] = field(default_factory=lambda: {name: f"{TEXT}{name[::-1]}." for name in NAMES})
    seconds: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    held: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.held.set()

    def answer(self, handler: Handler, asked: Asked) -> None:
        name = asked.body["model"]
        if name in self.broken:
            body = json.dumps({"error": {"message": "no such model"}}).encode()
            handler.head(404, "application/json", {"Content-Length": str(len(body))})
            handler.wfile.write(body)
            return
        handler.head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        pieces = [{"content": piece + " "} for piece in self.texts[name].split(" ")]
        for number, delta in enumerate(pieces):
            if number == len(pieces) // 2:
                self.held.wait(20)
            self._event(handler, {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            time.sleep(self.seconds.get(name, 0.0))
        self._event(handler, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._chunk(handler, b"data: [DONE]\n\n")
        self._chunk(handler, b"")

    def _event(self, handler: Handler, event: object) -> None:
        self._chunk(handler, b"data: " + json.dumps(event).encode() + b"\n\n")

    @staticmethod
    def _chunk(handler: Handler, content: bytes) -> None:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        handler.wfile.flush()


@contextmanager
def speaking(podium: Podium) -> Iterator[Speakers]:
    """The arena in a running Podium, with four contestants of whom three answer a prompt."""
    speakers, server = Speakers(), Server()
    server.answers = [speakers.answer]
    code = f"""
from arena.generation.models import GenerationHost
from arena.models import Arena, Contestant, ContestantRevision
GenerationHost.objects.get_or_create(host="127.0.0.1", defaults=dict(is_private=True))
arena, _ = Arena.objects.get_or_create(slug="{ARENA}", defaults=dict(name="Sayings", battle_size=3, live_prompts=True))
for name in {NAMES}:
    contestant, _ = Contestant.objects.get_or_create(arena=arena, name=name)
    number = contestant.revisions.count() + 1
    settings = dict(base_url="{server.url}", model=name, retries=0)
    ContestantRevision.objects.create(
        contestant=contestant, number=number, backend="openai-compatible", settings=settings
    )
"""
    with server.running():
        done = podium.command("shell", "-c", code)
        assert done.returncode == 0, done.stderr
        yield speakers
