"""Diffusion models as a backend. Torch and diffusers are imported when a model is loaded, never before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.generation.backends.diffusion.settings import DiffusionSettings
from arena.generation.backends.forms import checked
from arena.generation.backends.protocol import NO_ACCESS, Access, Loaded, MissingLibrary


class DiffusersBackend:
    """Fulfils `protocol.Backend` for `DiffusionSettings`."""

    remote = False
    reproducible = True

    def validate(self, settings: Mapping[str, object]) -> DiffusionSettings:
        return checked(DiffusionSettings, settings)

    def warnings(self, settings: DiffusionSettings) -> Sequence[str]:
        return []

    def load(self, settings: DiffusionSettings, device: str, access: Access = NO_ACCESS) -> Loaded:
        try:
            from arena.generation.backends.diffusion.loading import load
        except ImportError as error:
            raise MissingLibrary(
                f"diffusion models need diffusers and accelerate: pip install -r requirements-diffusers.txt ({error})"
            ) from error
        return load(settings, device, access)


DIFFUSERS = DiffusersBackend()
