"""A loaded language model: writes batches of requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch

from arena.generation.backends.devices import batch_size
from arena.generation.backends.measuring import Meter, versions
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.protocol import (
    QUIET,
    GenerationError,
    Outcome,
    Request,
    Result,
    Watch,
)
from arena.generation.backends.text.continuous import has_flash, has_pages, write_continuously
from arena.generation.backends.text.desk import Desk, Page
from arena.generation.backends.text.prompting import Asked, Asking
from arena.generation.backends.text.settings import TextSettings
from arena.generation.backends.text.static import can_pad, padded, write_together

# Requests at once where the settings do not say. On a GPU a step takes about as long for 64 rows as for one; on a CPU
# more than these gain little (docs/reference/backends.md).
CPU_BATCH = 16
GPU_BATCH = 64


class Writer:
    """Fulfils `protocol.Loaded`."""

    def __init__(self, model: Any, asking: Asking, settings: TextSettings, device: torch.device, weights: str) -> None:
        self.model = model
        self.asking = asking
        self.settings = settings
        self.device = device
        own = model.generation_config
        self.ends = _numbers(own.eos_token_id) | _numbers(asking.tokenizer.eos_token_id)
        pad = asking.tokenizer.pad_token_id
        self.pad: int = pad if pad is not None else min(self.ends, default=0)
        # Only what the settings say shapes a text; what the weights recommend would be a second, unseen setting.
        model.generation_config = type(own)(
            bos_token_id=own.bos_token_id, eos_token_id=sorted(self.ends) or None, pad_token_id=self.pad
        )
        self._versions = versions(["torch", "transformers", "tokenizers", "bitsandbytes"]) | {"weights": weights}
        self.can_pad = not getattr(model, "_is_stateful", False) or can_pad(model, self.pad)
        self.is_continuous = settings.batching == "continuous" or (
            settings.batching == "auto" and self._gains_from_pages() and self._manages_pages()
        )

    @property
    def batch_size(self) -> int:
        return batch_size(self.settings.batch_size, self.device, gpu=GPU_BATCH, cpu=CPU_BATCH)

    @property
    def memory_bytes(self) -> int:
        return int(self.model.get_memory_footprint())

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        """Texts in the order of the requests. Requests of like length are worked on together, to pad little."""
        meter = Meter(str(self.device))
        failed: dict[int, GenerationError] = {}
        asked: dict[int, Asked] = {}
        with needing_memory(self.device, f"{len(requests)} texts at once"):
            for index, request in enumerate(requests):
                try:
                    asked[index] = self.asking.ask(request)
                except GenerationError as error:
                    failed[index] = error
                    watch.done(index, error)
            desk = Desk(self, meter, len(requests), watch)
            for batch in self._batches(asked):
                pages = [desk.page(index, requests[index], asked[index]) for index in batch]
                self._write(desk, pages)
        return [failed[index] if index in failed else desk.results[index] for index in range(len(requests))]

    def result(self, text: str, meter: Meter, sharing: int, tokens: int) -> Result:
        return Result(
            text=text,
            measured=meter.cost(sharing, tokens=tokens),
            device=str(self.device),
            library_versions=self._versions,
        )

    def _batches(self, asked: dict[int, Asked]) -> Iterator[list[int]]:
        """Places in the batch, by length; what cannot be padded together apart."""

        def apart(index: int) -> tuple[bool, int]:
            return asked[index].picture is not None, 0 if self.can_pad else len(asked[index].ids)

        places = sorted(asked, key=lambda index: (apart(index), len(asked[index].ids), index))
        for _, alike in groupby(places, key=apart):
            group = list(alike)
            for first in range(0, len(group), self.batch_size):
                yield group[first : first + self.batch_size]

    def _write(self, desk: Desk, pages: list[Page]) -> None:
        if self.is_continuous and pages[0].asked.picture is None:
            write_continuously(self.model, self.settings, pages, desk, self.ends)
        else:
            write_together(
                self.model,
                self.settings,
                pages,
                desk,
                self._inputs(pages),
                pad=self.pad,
                can_drop=self.asking.processor is None,
            )

    def _inputs(self, pages: list[Page]) -> dict[str, torch.Tensor]:
        asked = [page.asked for page in pages]
        inputs = padded(asked, self.pad) if asked[0].picture is None else self.asking.together(asked)
        return {
            name: value.to(self.device, self.model.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }

    def _gains_from_pages(self) -> bool:
        """Without flash attention each row would attend to the pages of all rows, and a mask undo it."""
        flash = self.settings.attention.startswith("flash") or (self.settings.attention == "auto" and has_flash())
        text = self.asking.processor is None and self.settings.repetition_penalty == 1
        return self.device.type == "cuda" and flash and text and has_pages(self.model)

    def _manages_pages(self) -> bool:
        """Whether transformers can run the model so at all: tried once, with a text of two tokens."""
        desk = Desk(self, Meter(str(self.device)), 1, QUIET)
        try:
            page = desk.page(0, Request("", 0), Asked([self.pad] * 4, 2, ""))
            write_continuously(self.model, self.settings, [page], desk, self.ends)
        except GenerationError:
            return False
        return True


def _numbers(ids: int | list[int] | None) -> set[int]:
    return set() if ids is None else {ids} if isinstance(ids, int) else set(ids)
