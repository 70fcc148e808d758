"""Diffusion models as a backend."""

from __future__ import annotations

from collections.abc import Mapping

from arena.generation.backends.diffusion.settings import DiffusionSettings
from arena.generation.backends.forms import checked
from arena.generation.backends.local import LocalBackend


class DiffusersBackend(LocalBackend[DiffusionSettings]):
    """Takes `DiffusionSettings`."""

    def validate(self, settings: Mapping[str, object]) -> DiffusionSettings:
        return checked(DiffusionSettings, settings)


DIFFUSERS = DiffusersBackend(
    "arena.generation.backends.diffusion.loading",
    needs="diffusion models need diffusers and accelerate: pip install -r requirements-diffusers.txt",
)
