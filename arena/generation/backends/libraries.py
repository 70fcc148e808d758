"""Libraries that only some backends need and that `requirements.txt` does not install."""

from __future__ import annotations

from importlib.util import find_spec

_DIFFUSERS = "pip install -r requirements-diffusers.txt"
# backend -> top-level module -> what installs it
OPTIONAL = {"diffusers": {"diffusers": _DIFFUSERS, "accelerate": _DIFFUSERS}}


def missing_libraries(backend: str) -> dict[str, str]:
    """What this Python lacks for a backend: module -> what installs it. Imports nothing."""
    return {name: how for name, how in OPTIONAL.get(backend, {}).items() if find_spec(name) is None}
