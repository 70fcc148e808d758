"""Backends by name. Each is imported when first asked for, so that naming them costs nothing."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

from arena.generation.backends.protocol import Backend, UnknownBackendError

# name: "module:attribute" of an object that fulfils `protocol.Backend`
BACKENDS = {
    "diffusers": "arena.generation.backends.diffusion.backend:DIFFUSERS",
    "openai-compatible": "arena.generation.backends.openai_compatible.backend:OPENAI_COMPATIBLE",
    "painter": "arena.generation.backends.painter.backend:PAINTER",
    "transformers": "arena.generation.backends.text.backend:TRANSFORMERS",
    "transformers-audio": "arena.generation.backends.audio.backend:TRANSFORMERS_AUDIO",
}


def backend_names() -> list[str]:
    """The registered names, sorted."""
    return sorted(BACKENDS)


@cache
def get_backend(name: str) -> Backend[Any]:
    """The backend called `name`; `UnknownBackendError` (permanent) if there is none."""
    if name not in BACKENDS:
        raise UnknownBackendError(name, backend_names())
    module, _, attribute = BACKENDS[name].partition(":")
    return cast("Backend[Any]", getattr(import_module(module), attribute))


@cache
def remote_backend_names() -> list[str]:
    """Those that work elsewhere and need no device here."""
    return [name for name in backend_names() if get_backend(name).remote]
