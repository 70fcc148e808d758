"""A loaded pipeline: draws batches of requests on its device and encodes them without loss."""

from __future__ import annotations

import inspect
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, features

from arena.generation.backends import exact  # noqa: F401  (for its effect)
from arena.generation.backends.devices import batch_size, weights_bytes
from arena.generation.backends.diffusion import film
from arena.generation.backends.diffusion.settings import SIDE_STEP, DiffusionSettings
from arena.generation.backends.measuring import Meter, versions
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.protocol import (
    QUIET,
    GenerationError,
    Media,
    Outcome,
    Request,
    Result,
    Watch,
)
from arena.generation.backends.sources import source_picture

GPU_BATCH = 4  # pictures of a megapixel by a model of a few billion parameters, on a GPU of 24 GB
MEDIA_TYPE = "image/webp"
SOURCE_PIXELS = 1024 * 1024  # larger sources are made smaller: what most models were trained on
_SOURCE_STEP = 2 * SIDE_STEP  # transformers put two by two places of the autoencoder together


class Drawer:
    """Fulfils `protocol.Loaded`."""

    def __init__(self, pipeline: Any, settings: DiffusionSettings, device: torch.device, weights: str) -> None:
        self.settings = settings
        self.device = device
        self.pipeline = pipeline
        self._taken = inspect.signature(type(pipeline).__call__).parameters
        self._versions = versions(["torch", "diffusers", "transformers", "pillow", "av"])
        self._versions |= {"libwebp": str(features.version("webp")), "weights": weights}

    @property
    def batch_size(self) -> int:
        at_once = GPU_BATCH if self.settings.task != "text-to-video" else 1
        return batch_size(self.settings.batch_size, self.device, gpu=at_once)

    @property
    def memory_bytes(self) -> int:
        if self.settings.cpu_offload and self.device.type != "cpu":
            return 0  # between batches the weights wait in the machine's memory
        return weights_bytes(part for part in self.pipeline.components.values() if isinstance(part, torch.nn.Module))

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        """Pictures or videos in the order of the requests. Edits of sources of one size are drawn together."""
        outcomes: list[Outcome | None] = [None] * len(requests)
        groups: dict[tuple[int, int] | None, list[tuple[int, Image.Image | None]]] = {}
        for index, request in enumerate(requests):
            try:
                source = self._source(request)
            except GenerationError as error:
                outcomes[index] = error
                watch.done(index, error)
            else:
                groups.setdefault(None if source is None else source.size, []).append((index, source))
        meter = Meter(str(self.device))
        for group in groups.values():
            for first in range(0, len(group), self.batch_size):
                part = group[first : first + self.batch_size]
                with needing_memory(self.device, f"{len(part)} at once"):
                    drawn = self._drawn([(requests[index], source) for index, source in part], meter)
                for (index, _), outcome in zip(part, drawn, strict=True):
                    outcomes[index] = outcome
                    watch.done(index, outcome)
        return [outcome for outcome in outcomes if outcome is not None]

    def _source(self, request: Request) -> Image.Image | None:
        """The source picture of an edit, upright, without transparency, and of a size that a model can take."""
        if self.settings.task != "image-edit":
            if request.media is not None:
                raise GenerationError(f"{self.settings.task} takes no source media", permanent=True)
            return None
        if request.media is None:
            raise GenerationError("an edit needs a source picture, and this prompt has none", permanent=True)
        image = _on_white(source_picture(request.media))
        return image.resize(self._size(image.size), Image.Resampling.LANCZOS)

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        """As the settings say; a side that they leave open follows from the shape, and both from `SOURCE_PIXELS`."""
        width, height = self.settings.width, self.settings.height
        if width is not None and height is not None:
            return width, height
        if width is not None:
            scale = width / size[0]
        elif height is not None:
            scale = height / size[1]
        else:
            scale = min(1.0, (SOURCE_PIXELS / (size[0] * size[1])) ** 0.5)
        sides = [max(_SOURCE_STEP, round(side * scale / _SOURCE_STEP) * _SOURCE_STEP) for side in size]
        return width or sides[0], height or sides[1]

    def _drawn(self, batch: Sequence[tuple[Request, Image.Image | None]], meter: Meter) -> list[Outcome]:
        requests = [request for request, _ in batch]
        # On the CPU, so that a seed means the same noise on every device.
        generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
        arguments = self._arguments(len(batch))
        if batch[0][1] is not None:
            sides = dict(zip(("width", "height"), batch[0][1].size, strict=True))
            arguments |= {name: value for name, value in sides.items() if name in self._taken}
            arguments["image"] = [source for _, source in batch]
        prompts = [request.prompt for request in requests]
        try:
            with torch.inference_mode():
                made = self.pipeline(prompt=prompts, generator=generators, output_type="np", **arguments)
        except (ValueError, TypeError) as error:
            raise GenerationError(f"{self.settings.model} refuses: {error}", permanent=True) from error
        video = self.settings.task == "text-to-video"
        arrays = np.asarray(made.frames if video else made.images)
        if len(arrays) != len(batch):
            raise GenerationError(
                f"{self.settings.model} made {len(arrays)} outputs of {len(batch)} prompts", permanent=True
            )
        withheld = getattr(made, "nsfw_content_detected", None) or [False] * len(batch)
        return [
            self._outcome(array, bool(hidden), meter, len(batch))
            for array, hidden in zip(arrays, withheld, strict=True)
        ]

    def _arguments(self, batch: int) -> dict[str, Any]:
        settings = self.settings
        named = {
            "num_inference_steps": settings.steps,
            "guidance_scale": settings.guidance,
            "negative_prompt": [settings.negative_prompt] * batch if settings.negative_prompt else None,
            "width": settings.width if settings.task != "image-edit" else None,
            "height": settings.height if settings.task != "image-edit" else None,
            "num_frames": settings.frames,
            "frame_rate": settings.fps if "frame_rate" in self._taken else None,
        }
        return {name: value for name, value in named.items() if value is not None} | settings.arguments

    def _outcome(self, array: NDArray[np.float32], withheld: bool, meter: Meter, sharing: int) -> Outcome:
        """`array`: values of 0 to 1, of shape (height, width, channels), with the frames before it in a video."""
        if withheld:
            return GenerationError("the model's own safety checker withheld the picture", permanent=True)
        if not np.isfinite(array).all():
            why = f"the output holds values that are no numbers; {self.settings.model} may need dtype float32"
            return GenerationError(why, permanent=True)
        pixels = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
        if self.settings.task == "text-to-video":
            if self.settings.fps is None:
                raise ValueError("settings of a video have fps")
            media = Media(film.encode(pixels, self.settings.fps), film.MEDIA_TYPE)
        else:
            media = Media(_lossless(pixels), MEDIA_TYPE)
        return Result(
            media=media,
            width=pixels.shape[-2],
            height=pixels.shape[-3],
            measured=meter.cost(sharing),
            device=str(self.device),
            library_versions=self._versions,
        )


def _lossless(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, method=4)
    return file.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper.convert("RGB")
