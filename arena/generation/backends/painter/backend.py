"""The painter as a backend. Torch is imported when a painter is loaded, never before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.generation.backends.painter.settings import PainterSettings
from arena.generation.backends.protocol import NO_ACCESS, Access, Loaded, MissingLibrary


class PainterBackend:
    """Fulfils `protocol.Backend` for `PainterSettings`."""

    remote = False
    reproducible = True

    def validate(self, settings: Mapping[str, object]) -> PainterSettings:
        return PainterSettings.from_dict(settings)

    def warnings(self, settings: PainterSettings) -> Sequence[str]:
        return []

    def load(self, settings: PainterSettings, device: str, access: Access = NO_ACCESS) -> Loaded:
        try:
            from arena.generation.backends.painter.studio import Studio
        except ImportError as error:
            raise MissingLibrary(f"painters need torch and Pillow: {error}") from error
        return Studio(settings, device)


PAINTER = PainterBackend()
