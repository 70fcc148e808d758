"""Models that make sound of text."""

from __future__ import annotations

from arena.generation.backends.audio.settings import AudioSettings
from arena.generation.backends.local import LocalBackend

TRANSFORMERS_AUDIO = LocalBackend(
    AudioSettings,
    "arena.generation.backends.audio.loading",
    needs="sound needs torch and transformers: pip install torch transformers",
)
