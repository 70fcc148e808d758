"""Models that make sound of text."""

from __future__ import annotations

from collections.abc import Mapping

from arena.generation.backends.audio.settings import AudioSettings
from arena.generation.backends.forms import checked
from arena.generation.backends.local import LocalBackend


class TransformersAudioBackend(LocalBackend[AudioSettings]):
    """Takes `AudioSettings`."""

    def validate(self, settings: Mapping[str, object]) -> AudioSettings:
        return checked(AudioSettings, settings)


TRANSFORMERS_AUDIO = TransformersAudioBackend(
    "arena.generation.backends.audio.loading",
    needs="sound needs torch and transformers: pip install torch transformers",
)
