"""Models that make sound of text. Torch and transformers are imported when a model is loaded, never before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.generation.backends.audio.settings import AudioSettings
from arena.generation.backends.forms import checked
from arena.generation.backends.protocol import NO_ACCESS, Access, Loaded, MissingLibrary


class TransformersAudioBackend:
    """Fulfils `protocol.Backend` for `AudioSettings`."""

    remote = False
    reproducible = True

    def validate(self, settings: Mapping[str, object]) -> AudioSettings:
        return checked(AudioSettings, settings)

    def warnings(self, settings: AudioSettings) -> Sequence[str]:
        return []

    def load(self, settings: AudioSettings, device: str, access: Access = NO_ACCESS) -> Loaded:
        try:
            from arena.generation.backends.audio.loading import load
        except ImportError as error:
            raise MissingLibrary(
                f"sound needs torch and transformers: {error}; pip install torch transformers"
            ) from error
        return load(settings, device, access)


TRANSFORMERS_AUDIO = TransformersAudioBackend()
