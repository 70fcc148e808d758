"""A backend for tests: it makes tiny pictures at once, or fails in the way its settings ask for."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from arena.generation.backends.protocol import (
    NO_ACCESS,
    QUIET,
    Access,
    GenerationError,
    Loaded,
    Measured,
    Media,
    Outcome,
    OutOfMemory,
    Request,
    Result,
    SettingsError,
    Watch,
)
from arena.generation.worker import Station

MOODS = ("well", "transient", "permanent", "defect", "short", "large", "huge", "picky", "slow to load")
loads: list[str] = []  # what was put on a device, in order
batches: list[int] = []  # the sizes of the batches that were made or tried
batch_size = 4
ROOM = 2  # a large contestant has memory for so many at once


def new_station(memory: int = 10**9, **options: Any) -> Station:
    """A worker's station that has loaded nothing yet."""
    loads.clear()
    batches.clear()
    return Station("test device", memory, **options)


class _Wound:
    def __init__(self, mood: str, device: str) -> None:
        self.mood, self.device = mood, device

    memory_bytes = 1000

    @property
    def batch_size(self) -> int:
        return batch_size

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        batches.append(len(requests))
        if self.mood == "huge" or (self.mood == "large" and len(requests) > ROOM):
            raise OutOfMemory(f"the test device has no room for {len(requests)} pictures")
        if self.mood == "picky":
            return [
                GenerationError("an odd seed", permanent=True) if request.seed % 2 else self._result(request)
                for request in requests
            ]
        if self.mood in {"transient", "permanent"}:
            raise GenerationError(f"a {self.mood} failure", permanent=self.mood == "permanent")
        if self.mood == "defect":
            raise ZeroDivisionError("the spring broke")
        results: list[Outcome] = [self._result(request) for request in requests]
        return results[1:] if self.mood == "short" else results

    def _result(self, request: Request) -> Result:
        file = io.BytesIO()
        Image.new("RGB", (8, 6), (request.seed % 256, len(request.prompt), 3)).save(file, "WEBP", lossless=True)
        return Result(
            measured=Measured(latency_ms=12.5, gpu_seconds=0.25, peak_memory_bytes=1_000),
            device=self.device,
            library_versions={"clockwork": "1.0"},
            media=Media(file.getvalue(), "image/webp"),
            width=8,
            height=6,
        )


class _Clockwork:
    remote = False
    reproducible = True

    def warnings(self, settings: str) -> list[str]:
        return []

    def validate(self, settings: Mapping[str, object]) -> str:
        mood = settings.get("mood", "well")
        if mood not in MOODS:
            raise SettingsError({"mood": f"{mood!r} is none of {', '.join(MOODS)}"})
        return str(mood)

    def load(self, settings: str, device: str, access: Access = NO_ACCESS) -> Loaded:
        loads.append(settings)
        if settings == "slow to load":
            time.sleep(0.05)
        return _Wound(settings, device)


CLOCKWORK = _Clockwork()
