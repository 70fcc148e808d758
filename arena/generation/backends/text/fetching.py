"""Which files of a language model are fetched."""

from __future__ import annotations

from arena.generation.backends.hub import Files, local_folder, snapshot
from arena.generation.backends.protocol import Access
from arena.generation.backends.text.settings import TextSettings

# Weights only as safetensors: the older formats can hold programs. Copies in other formats are left where they are.
WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja")
UNWANTED = ("original/*", "onnx/*", "openvino/*", "consolidated*")


def fetch(settings: TextSettings, access: Access) -> Files:
    """The files of the model, downloaded if they are not here yet; `GenerationError` says what is in the way."""
    if settings.is_folder:
        return local_folder(settings, "config.json")
    return snapshot(settings, access, (*WANTED, "*.py") if settings.trust_remote_code else WANTED, UNWANTED)
