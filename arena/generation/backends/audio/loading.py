"""From settings to a model on its device, ready to sound."""

from __future__ import annotations

import json
from typing import Any

import torch
import transformers
from transformers import pipeline
from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES

from arena.generation.backends.audio.settings import AudioSettings
from arena.generation.backends.audio.speaking import Speaker
from arena.generation.backends.devices import usable_device
from arena.generation.backends.hub import local_folder, snapshot
from arena.generation.backends.local import loading
from arena.generation.backends.protocol import Access

_INDEX = "config.json"
# Weights only as safetensors: the older formats can hold programs.
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
# The last names voices of Bark in another repository, which would be looked up there at no pinned commit.
_UNWANTED = ["original/*", "onnx/*", "speaker_embeddings_path.json"]

transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load(settings: AudioSettings, device: str, access: Access) -> Speaker:
    """Fetch the model if need be and put it on `device`; `GenerationError` if it cannot be had or used."""
    place = usable_device(device)
    files = local_folder(settings, _INDEX) if settings.is_folder else snapshot(settings, access, _WANTED, _UNWANTED)
    with loading(settings.model, device):
        kind = json.loads((files.folder / _INDEX).read_text()).get("model_type")
        if kind not in MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES:
            known = ", ".join(MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES)
            raise ValueError(f"it is of type {kind!r}, which makes no sound of text by itself; these do: {known}")
        dtype: Any = settings.dtype if settings.dtype == "auto" else getattr(torch, settings.dtype)
        door = pipeline(
            "text-to-audio",
            model=str(files.folder),
            device=place,
            dtype=dtype,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
        return Speaker(door, settings, place, files.weights)
