"""A backend for tests whose contestants play when they are told to: each part may wait for others, or break off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from arena.generation.backends.protocol import (
    NO_ACCESS,
    QUIET,
    Access,
    Loaded,
    Measured,
    Outcome,
    Request,
    Result,
    Watch,
)
from tests.threads import PATIENCE

BYTES = 1000  # that a part holds when it is loaded


class Stage:
    """What happened, and what is to happen: what parts do before they are loaded, and while they play."""

    def __init__(self) -> None:
        self.on_load: dict[str, Callable[[], object]] = {}
        self.on_play: dict[str, Callable[[], object]] = {}
        self.loads: list[str] = []
        self.played: list[str] = []  # in the order in which they began
        self.playing: set[str] = set()
        self.most = 0  # parts that played at the same time
        self._guard = threading.Lock()

    def begin(self, part: str) -> None:
        with self._guard:
            assert part not in self.playing, f"{part} plays in two threads at once"
            self.played.append(part)
            self.playing.add(part)
            self.most = max(self.most, len(self.playing))

    def end(self, part: str) -> None:
        with self._guard:
            self.playing.discard(part)


STAGE = Stage()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)


@dataclass
class _Player:
    part: str
    device: str
    memory_bytes: int = BYTES
    batch_size: int = 4

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        STAGE.begin(self.part)
        try:
            STAGE.on_play.get(self.part, lambda: None)()
            return [
                Result(measured=Measured(latency_ms=1.0), device=self.device, text=f"{self.part}: {each.prompt}")
                for each in requests
            ]
        finally:
            STAGE.end(self.part)


class _Ensemble:
    remote = False
    reproducible = True

    def warnings(self, settings: str) -> list[str]:
        return []

    def validate(self, settings: Mapping[str, object]) -> str:
        return str(settings["part"])

    def load(self, settings: str, device: str, access: Access = NO_ACCESS) -> Loaded:
        STAGE.loads.append(settings)
        STAGE.on_load.get(settings, lambda: None)()
        return _Player(settings, device)


ENSEMBLE = _Ensemble()
