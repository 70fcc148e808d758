from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpcore2
import pytest

from arena.generation.backends.openai_compatible.backend import OpenAICompatibleBackend
from arena.generation.backends.openai_compatible.retrying import Clock
from arena.generation.backends.protocol import Access, Loaded, Outcome, Watch
from tests.arena.generation.backends.openai_compatible.server import Server

KEY = "sk-Zt9fQ2pLm4Xv7Rb1Nc8Kd3Ws"


class Waits:
    """A clock on which waiting takes no time but moves it on, and is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.moved = 0.0
        self.clock = Clock(
            monotonic=lambda: time.monotonic() + self.moved,
            now=lambda: 1_800_000_000.0 + self.moved,  # 2027-01-15 08:00:00 UTC
            sleep=self._sleep,
            chance=lambda: 0.0,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moved += seconds


class Heard(Watch):
    """What a batch reported."""

    def __init__(self) -> None:
        self.deltas: list[tuple[int, str]] = []
        self.outcomes: dict[int, Outcome] = {}

    def delta(self, index: int, text: str) -> None:
        self.deltas.append((index, text))

    def done(self, index: int, outcome: Outcome) -> None:
        assert index not in self.outcomes
        self.outcomes[index] = outcome

    def texts(self) -> list[str]:
        return [text for _, text in self.deltas]


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


Load = Callable[..., Loaded]
TLS = httpcore2.default_ssl_context()  # reading all the certificates a system trusts takes a while


@pytest.fixture
def load(server: Server, waits: Waits) -> Load:
    """A contestant on the server, with more settings or others."""

    def loading(access: Access | None = None, **settings: object) -> Loaded:
        backend = OpenAICompatibleBackend(clock=waits.clock, tls=TLS)
        given = {"base_url": server.url, "model": "toy", "key": "toy"} | settings
        access = access or Access(secrets={"toy": KEY}, hosts={"127.0.0.1": True})
        return backend.load(backend.validate(given), "cpu", access)

    return loading
