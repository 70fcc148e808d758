"""The painter as a backend. Torch is imported when a painter is loaded, never before."""

from __future__ import annotations

from collections.abc import Mapping

from arena.generation.backends.painter.settings import PainterSettings
from arena.generation.backends.protocol import GenerationError, Loaded


class PainterBackend:
    """Fulfils `protocol.Backend` for `PainterSettings`."""

    def validate(self, settings: Mapping[str, object]) -> PainterSettings:
        return PainterSettings.from_dict(settings)

    def load(self, settings: PainterSettings, device: str) -> Loaded:
        try:
            from arena.generation.backends.painter.studio import Studio
        except ImportError as error:
            raise GenerationError(f"painters need torch and Pillow: {error}", permanent=True) from error
        return Studio(settings, device)


PAINTER = PainterBackend()
