"""What a batch costs on its device. Torch is imported by the functions, so importing this module costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from arena.generation.backends.protocol import Measured


class Meter:
    """Started with a batch: clock, device time and peak memory of a torch device."""

    def __init__(self, device: str) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self._cuda = self._device.type == "cuda"
        if self._cuda:
            torch.cuda.reset_peak_memory_stats(self._device)
        self._began = time.perf_counter()

    def cost(self, sharing: int, *, tokens: int | None = None) -> Measured:
        """Of one of `sharing` results that are ready now; waits for the device."""
        if self._cuda:
            self._torch.cuda.synchronize(self._device)
        seconds = time.perf_counter() - self._began
        return Measured(
            latency_ms=seconds * 1000,
            gpu_seconds=seconds / sharing if self._cuda else None,
            peak_memory_bytes=self._torch.cuda.max_memory_allocated(self._device) if self._cuda else None,
            tokens=tokens,
        )


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Distribution -> version, of those that are installed."""
    found = {}
    for library in libraries:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
