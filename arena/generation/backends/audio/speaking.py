"""A loaded model that makes sound of text: batches of requests in, WAV files out."""

from __future__ import annotations

import inspect
import io
import math
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from arena.generation.backends import exact  # noqa: F401  (for its effect)
from arena.generation.backends.audio.dice import Dice
from arena.generation.backends.audio.settings import AudioSettings
from arena.generation.backends.devices import batch_size, weights_bytes
from arena.generation.backends.measuring import Meter, versions
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.protocol import (
    QUIET,
    GenerationError,
    Media,
    MissingLibrary,
    Outcome,
    Request,
    Result,
    Watch,
)

GPU_BATCH = 8
MEDIA_TYPE = "audio/wav"


class Speaker:
    """Fulfils `protocol.Loaded`. `door`: the pipeline of transformers, which knows how each model is asked."""

    def __init__(self, door: Any, settings: AudioSettings, device: torch.device, weights: str) -> None:
        self.settings = settings
        self.device = device
        self.model = door.model.eval()
        self._door = door
        self._writes = bool(self.model.can_generate())
        self._rate = door.sampling_rate
        if not isinstance(self._rate, int):
            raise ValueError("it does not say how many samples a second its sound has")
        self._arguments = self._checked_arguments()
        self._versions = versions(["torch", "transformers", "tokenizers", "safetensors"]) | {"weights": weights}

    @property
    def batch_size(self) -> int:
        return batch_size(self.settings.batch_size, self.device, gpu=GPU_BATCH)

    @property
    def memory_bytes(self) -> int:
        return weights_bytes([self.model])

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        """Sounds in the order of the requests. Models that speak in one pass, such as VITS, make one after another.

        Their noise depends on the longest text of a batch, so a seed would mean another sound in other company.
        """
        meter = Meter(str(self.device))
        outcomes: dict[int, Outcome] = {}
        asked = []
        for index, request in enumerate(requests):
            if request.media is None:
                asked.append(index)
            else:
                outcomes[index] = GenerationError("sound is made of text; this takes no source media", permanent=True)
                watch.done(index, outcomes[index])
        size = self.batch_size if self._writes else 1
        for first in range(0, len(asked), size):
            part = asked[first : first + size]
            with needing_memory(self.device, f"{len(part)} at once"):
                spoken = self._spoken([requests[index] for index in part], meter)
            for index, outcome in zip(part, spoken, strict=True):
                outcomes[index] = outcome
                watch.done(index, outcome)
        return [outcomes[index] for index in range(len(requests))]

    def _spoken(self, requests: Sequence[Request], meter: Meter) -> list[Outcome]:
        try:
            with torch.inference_mode():
                asked = self._asked([request.prompt for request in requests])
                if asked["input_ids"].shape[-1] == 0:
                    return [GenerationError("nothing of the prompt can be said by this model", permanent=True)]
                with Dice([request.seed for request in requests]):
                    made = self._door._forward(asked, forward_params=dict(self._arguments), generate_kwargs={})
                sounds = self._sounds(made, len(requests))
        except ImportError as error:
            raise MissingLibrary(f"{self.settings.model} needs a library that is not installed: {error}") from error
        except (ValueError, TypeError) as error:
            raise GenerationError(f"{self.settings.model} refuses: {error}", permanent=True) from error
        return [self._outcome(sound, meter, len(requests)) for sound in sounds]

    def _asked(self, prompts: list[str]) -> Any:
        # Bark pads by itself, and takes no word on it.
        options = {} if self.model.config.model_type == "bark" or len(prompts) == 1 else {"padding": True}
        return self._door._ensure_tensor_on_device(self._door.preprocess(prompts, **options), self.device)

    def _sounds(self, made: Any, requests: int) -> list[NDArray[np.float32]]:
        """One sound for each request, of shape (channels, samples), from the forms in which models give them."""
        lengths = None
        if isinstance(made, dict):
            decoded = next((made[name] for name in ("audio", "waveform") if name in made), None)
            if decoded is None:
                decoded = made["sequences"]
                if self._door.processor is not None:
                    decoded = self._door.processor.decode(decoded)
            made = decoded
        elif isinstance(made, tuple):
            made, lengths = made[0], made[1]
        if len(made) != requests:
            raise ValueError(f"it made {len(made)} sounds of {requests} prompts")
        sounds = []
        for index in range(requests):
            sound = made[index].to("cpu", torch.float32).numpy()
            sound = sound.reshape(-1, sound.shape[-1])
            sounds.append(sound if lengths is None else sound[:, : int(lengths[index])])
        return sounds

    def _outcome(self, sound: NDArray[np.float32], meter: Meter, sharing: int) -> Outcome:
        sound = sound[:, : math.floor(self.settings.max_seconds * self._rate)]
        if sound.shape[0] > 2 or sound.size == 0:
            return GenerationError(f"the model made no sound: its output has shape {sound.shape}", permanent=True)
        if not np.isfinite(sound).all():
            why = f"the sound holds values that are no numbers; {self.settings.model} may need dtype float32"
            return GenerationError(why, permanent=True)
        return Result(
            media=Media(_wav(sound, self._rate), MEDIA_TYPE),
            measured=meter.cost(sharing),
            device=str(self.device),
            library_versions=self._versions,
        )

    def _checked_arguments(self) -> dict[str, Any]:
        """What the model is called with; `ValueError` for what it would not notice."""
        arguments: dict[str, Any] = dict(self.settings.arguments)
        if self.settings.speaker is not None:
            arguments["speaker_id"] = self.settings.speaker
        taken = inspect.signature(self.model.generate if self._writes else self.model.forward).parameters
        named = {name for name, each in taken.items() if each.kind is not inspect.Parameter.VAR_KEYWORD}
        unknown = sorted(set(arguments) - named)
        # What generation takes beside them is checked by transformers; but a voice or a pass would be ignored.
        if unknown and (not self._writes or "speaker_id" in unknown):
            raise ValueError(f"{type(self.model).__name__} does not take {', '.join(unknown)}")
        voices = getattr(self.model.config, "num_speakers", None)
        if self.settings.speaker is not None and voices is not None and self.settings.speaker >= voices:
            raise ValueError(f"it has {voices} voices, counted from 0, and not number {self.settings.speaker}")
        if self._writes and "return_output_lengths" in named:  # Bark fills up the shorter sounds of a batch
            arguments["return_output_lengths"] = True
        pace = _frames_a_second(self.model.config)
        in_stages = self._door._passes_generation_params_to_submodels  # each writes as many as the one before asks for
        if self._writes and pace is not None and not in_stages:
            arguments.setdefault("max_new_tokens", math.ceil(self.settings.max_seconds * pace))
        return arguments


def _frames_a_second(config: Any) -> float | None:
    """Of the codec whose tokens the model writes, where it says so."""
    for name in ("audio_encoder", "codec_config"):
        pace = getattr(getattr(config, name, None), "frame_rate", None)
        if pace:
            return float(pace)
    return None


def _wav(sound: NDArray[np.float32], rate: int) -> bytes:
    """16 bits; peaks above full scale are cut off. `sound`: of shape (channels, samples), in -1 to 1."""
    samples = np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sink:
        sink.setnchannels(len(samples))
        sink.setsampwidth(2)
        sink.setframerate(rate)
        sink.writeframes(np.ascontiguousarray(samples.T).tobytes())
    return file.getvalue()
