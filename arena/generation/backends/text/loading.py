"""From settings to a model on its device, ready to write."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    BitsAndBytesConfig,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from arena.generation.backends.devices import usable_device
from arena.generation.backends.hub import first_line
from arena.generation.backends.local import loading
from arena.generation.backends.protocol import Access, GenerationError, MissingLibrary
from arena.generation.backends.text.continuous import has_pages
from arena.generation.backends.text.fetching import fetch
from arena.generation.backends.text.prompting import Asking
from arena.generation.backends.text.settings import TextSettings
from arena.generation.backends.text.writer import Writer

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(settings: TextSettings, device: str, access: Access) -> Writer:
    """Fetch the model if need be and put it on `device`; `GenerationError` if it cannot be had or used."""
    if settings.trust_remote_code and not access.remote_code:
        raise GenerationError(
            f"{settings.model} is set to run program code that comes with its weights (trust_remote_code), which this "
            "installation does not allow: turn the setting off, or ask its operator",
            permanent=True,
        )
    if settings.quantisation != "none":
        for library in ("bitsandbytes", "accelerate"):
            if find_spec(library) is None:
                raise MissingLibrary(f"quantisation needs {library}: pip install bitsandbytes accelerate")
    place = usable_device(device)
    files = fetch(settings, access)
    with loading(settings.model, device, _reason):
        return _loaded(settings, place, files.folder, files.weights)


def _loaded(settings: TextSettings, device: torch.device, folder: Path, weights: str) -> Writer:
    source: dict[str, Any] = {"trust_remote_code": settings.trust_remote_code, "local_files_only": True}
    config = AutoConfig.from_pretrained(folder, **source)
    sees = config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or "AutoModelForImageTextToText" in (
        getattr(config, "auto_map", None) or {}
    )
    if sees and settings.batching == "continuous":
        raise GenerationError(f"{settings.model} sees, and such models take static batches only", permanent=True)
    processor = cast("Any", AutoProcessor).from_pretrained(folder, **source) if sees else None
    tokenizer = AutoTokenizer.from_pretrained(folder, **source) if processor is None else processor.tokenizer
    if settings.attention != "auto":
        source["attn_implementation"] = settings.attention
    if settings.quantisation != "none":
        source["quantization_config"] = cast("Any", BitsAndBytesConfig)(
            load_in_8bit=settings.quantisation == "8bit",
            load_in_4bit=settings.quantisation == "4bit",
            bnb_4bit_compute_dtype=_DTYPES.get(settings.dtype, torch.bfloat16),
        )
        source["device_map"] = {"": device}
    kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    model = kind.from_pretrained(
        folder, config=config, dtype=_DTYPES.get(settings.dtype, settings.dtype), use_safetensors=True, **source
    )
    if model.config.is_encoder_decoder:
        raise GenerationError(f"{settings.model} has an encoder and a decoder; only decoders are run", permanent=True)
    if settings.batching == "continuous" and not has_pages(model):
        raise GenerationError(f"the attention of {settings.model} has no pages: static batches only", permanent=True)
    if settings.quantisation == "none":
        model = model.to(device)
    return Writer(model.eval(), Asking(settings, tokenizer, processor, config), settings, device, weights)


def _reason(error: Exception) -> str:
    text = str(error)
    if "trust_remote_code" in text:
        return (
            "it needs program code that comes with its weights. Who trusts that code can turn on trust_remote_code, if "
            "the installation allows it"
        )
    return first_line(error)
