"""A loaded painter: draws batches of requests on its device and encodes them."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, features

from arena.generation.backends import exact  # noqa: F401  (for its effect)
from arena.generation.backends.devices import batch_size, weights_bytes
from arena.generation.backends.measuring import versions
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.painter.dice import generator
from arena.generation.backends.painter.network import Network
from arena.generation.backends.painter.picture import SIDE, paint
from arena.generation.backends.painter.settings import PainterSettings
from arena.generation.backends.protocol import (
    QUIET,
    GenerationError,
    Measured,
    Media,
    Request,
    Result,
    Watch,
)

# Pictures drawn at once. On a CPU one at a time keeps the working set near the caches; on a GPU
# each picture needs about 0.2 GB while it is painted.
CPU_BATCH = 1
GPU_BATCH = 8
MEDIA_TYPE = "image/webp"
# The first quality whose file fits is taken: fine grain and halftones cost the most.
QUALITIES = (90, 84, 76, 64)
LARGEST_BYTES = 150_000


class Studio:
    """Fulfils `protocol.Loaded`."""

    def __init__(self, settings: PainterSettings, device: str) -> None:
        self.settings = settings
        try:
            self.device = torch.device(device)
            self.network = Network(settings).to(self.device).eval()
        except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
            raise GenerationError(f"cannot use device {device!r}: {error}", permanent=False) from error

    @property
    def batch_size(self) -> int:
        return batch_size(None, self.device, gpu=GPU_BATCH, cpu=CPU_BATCH)

    @property
    def memory_bytes(self) -> int:
        return weights_bytes([self.network])

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Result]:
        """Pictures of 512 x 512, in the order of the requests."""
        for request in requests:
            if request.media is not None:
                raise GenerationError("a painter paints from text and takes no source media", permanent=True)
        started = time.perf_counter()
        results: list[Result] = []
        for first in range(0, len(requests), self.batch_size):
            part = requests[first : first + self.batch_size]
            with needing_memory(self.device, f"{len(part)} pictures at once"):
                drawn = self._draw(part, started)
            for index, result in enumerate(drawn, len(results)):
                watch.done(index, result)
            results += drawn
        return results

    def _draw(self, requests: Sequence[Request], started: float) -> list[Result]:
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        begun = time.perf_counter()
        pixels = self._pixels(requests)  # copying to the host waits for the device
        busy = (time.perf_counter() - begun) / len(requests)
        peak = torch.cuda.max_memory_allocated(self.device) if cuda else None
        results = []
        for picture in pixels:
            content = encode(picture)
            results.append(
                Result(
                    media=Media(content, MEDIA_TYPE),
                    width=SIDE,
                    height=SIDE,
                    measured=Measured(
                        latency_ms=(time.perf_counter() - started) * 1000,
                        gpu_seconds=busy if cuda else None,
                        peak_memory_bytes=peak,
                    ),
                    device=str(self.device),
                    library_versions=_versions(),
                )
            )
        return results

    def _pixels(self, requests: Sequence[Request]) -> NDArray[np.uint8]:
        generators = [generator("picture", self.settings.hand, request.seed, request.prompt) for request in requests]
        with torch.inference_mode():
            drawn = paint(self.settings, self.network, [each.prompt for each in requests], generators)
            pixels: NDArray[np.uint8] = drawn.cpu().numpy()
            return pixels


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """WebP with no metadata, at the best of `QUALITIES` that fits `LARGEST_BYTES`."""
    image = Image.fromarray(pixels)
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=4)
        if file.tell() <= LARGEST_BYTES:
            break
    return file.getvalue()


def _versions() -> dict[str, str]:
    return versions(["torch", "pillow"]) | {"libwebp": str(features.version("webp"))}
