"""Running a batch: its size as the memory allows, an outcome for every request whatever the backend does."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass

from arena.generation.backends.protocol import (
    QUIET,
    GenerationError,
    Loaded,
    Outcome,
    OutOfMemory,
    Request,
    TooLarge,
    Watch,
)


@dataclass
class _Shifted(Watch):
    """Passes on what part of a batch reports, with its place in the whole."""

    watch: Watch
    first: int

    def delta(self, index: int, text: str) -> None:
        self.watch.delta(self.first + index, text)

    def done(self, index: int, outcome: Outcome) -> None:
        self.watch.done(self.first + index, outcome)


def run(loaded: Loaded, requests: Sequence[Request], watch: Watch = QUIET) -> tuple[list[Outcome], int]:
    """The outcomes in order, and the largest batch that memory was enough for (0: not even one).

    Out of memory halves the batch and tries again; a request that is too much alone is `TooLarge`. Deltas of a batch
    that ran out of memory are reported again from the start.
    """
    try:
        outcomes = list(loaded.generate(requests, watch))
    except OutOfMemory as error:
        if len(requests) <= 1:
            alone = TooLarge(f"{error.message} (for this request alone)")
            return [alone for _ in requests], 0
        error.__traceback__ = None  # its frames hold the tensors that did not fit
    except GenerationError as error:
        return [error for _ in requests], len(requests)
    else:
        if len(outcomes) != len(requests):  # nobody knows which outcome belongs to which request
            message = f"the backend returned {len(outcomes)} outcomes for {len(requests)} requests"
            return [GenerationError(message, permanent=True) for _ in requests], len(requests)
        return outcomes, len(requests)
    free_memory()
    half = len(requests) // 2
    first, size = run(loaded, requests[:half], watch)
    second, other = run(loaded, requests[half:], _Shifted(watch, half))
    return first + second, max(1, min(size, other)) if max(size, other) else 0


def free_memory() -> None:
    """Give back what torch keeps for later, if torch is loaded at all."""
    import sys

    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
