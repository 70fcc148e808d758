"""Diffusion models as a backend."""

from __future__ import annotations

from arena.generation.backends.diffusion.settings import DiffusionSettings
from arena.generation.backends.local import LocalBackend

DIFFUSERS = LocalBackend(
    DiffusionSettings,
    "arena.generation.backends.diffusion.loading",
    needs="diffusion models need diffusers and accelerate: pip install -r requirements-diffusers.txt",
)
