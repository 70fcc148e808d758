"""Backends by name. Each is imported when first asked for, so that naming them costs nothing."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

from arena.generation.backends.protocol import Backend, UnknownBackendError

# name: "module:attribute" of an object that fulfils `protocol.Backend`
BACKENDS = {
    "painter": "arena.generation.backends.painter.backend:PAINTER",
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
