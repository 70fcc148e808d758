"""A backend for tests: it makes tiny pictures at once, or fails in the way its settings ask for."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from PIL import Image

from arena.generation.backends.protocol import GenerationError, Loaded, Measured, Media, Request, Result, SettingsError

MOODS = ("well", "transient", "permanent", "defect", "short")
loads: list[str] = []  # what was put on a device, in order


class _Wound:
    def __init__(self, mood: str, device: str) -> None:
        self.mood, self.device = mood, device

    def generate(self, requests: Sequence[Request]) -> list[Result]:
        if self.mood in {"transient", "permanent"}:
            raise GenerationError(f"a {self.mood} failure", permanent=self.mood == "permanent")
        if self.mood == "defect":
            raise ZeroDivisionError("the spring broke")
        results = [self._result(request) for request in requests]
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
    def validate(self, settings: Mapping[str, object]) -> str:
        mood = settings.get("mood", "well")
        if mood not in MOODS:
            raise SettingsError({"mood": f"{mood!r} is none of {', '.join(MOODS)}"})
        return str(mood)

    def load(self, settings: str, device: str) -> Loaded:
        loads.append(settings)
        return _Wound(settings, device)


CLOCKWORK = _Clockwork()
