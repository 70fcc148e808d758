"""Language models as a backend. Torch and transformers are imported when a model is loaded, never before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.generation.backends.forms import checked
from arena.generation.backends.protocol import NO_ACCESS, Access, Loaded, MissingLibrary
from arena.generation.backends.text.settings import TextSettings


class TransformersBackend:
    """Fulfils `protocol.Backend` for `TextSettings`."""

    remote = False
    reproducible = True

    def validate(self, settings: Mapping[str, object]) -> TextSettings:
        return checked(TextSettings, settings)

    def warnings(self, settings: TextSettings) -> Sequence[str]:
        if not settings.trust_remote_code:
            return []
        return [
            f"Program code that comes with {settings.model} will run on your workers with all their rights: it can "
            "read their files and secrets and reach your network. Read it first, and pin the commit."
        ]

    def load(self, settings: TextSettings, device: str, access: Access = NO_ACCESS) -> Loaded:
        try:
            from arena.generation.backends.text.loading import load
        except ImportError as error:
            raise MissingLibrary(
                f"text needs torch and transformers: {error}; pip install torch transformers"
            ) from error
        return load(settings, device, access)


TRANSFORMERS = TransformersBackend()
