"""A backend for tests that writes text piece by piece, and fails in the way its settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from arena.generation.backends.protocol import (
    NO_ACCESS,
    QUIET,
    Access,
    GenerationError,
    Loaded,
    Measured,
    Outcome,
    Request,
    Result,
    Watch,
)

WORDS = ("The ", "harbour ", "lies ", "quiet ", "under ", "a ", "wide ", "sky.")
pauses: list[Callable[[int], None]] = []  # called before each piece with its number
asked: list[Request] = []


class _Chatterer:
    batch_size = 8
    memory_bytes = 0

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._says = str(settings.get("says", "".join(WORDS)))
        self._mood = str(settings.get("mood", "well"))

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        return [self._answer(index, request, watch) for index, request in enumerate(requests)]

    def _answer(self, index: int, request: Request, watch: Watch) -> Outcome:
        asked.append(request)
        pieces = [piece + " " for piece in self._says.split(" ")]
        pieces[-1] = pieces[-1][:-1]
        for number, piece in enumerate(pieces):
            for pause in pauses:
                pause(number)
            if self._mood != "well" and number == 1:
                return GenerationError(f"a {self._mood} failure", permanent=self._mood == "permanent")
            watch.delta(index, piece)
        return Result(measured=Measured(latency_ms=5.0), device="test device", text=self._says)


class _Chatty:
    remote = False
    reproducible = True

    def validate(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        return settings

    def warnings(self, settings: Mapping[str, object]) -> list[str]:
        return []

    def load(self, settings: Mapping[str, object], device: str, access: Access = NO_ACCESS) -> Loaded:
        return _Chatterer(settings)


CHATTY = _Chatty()
