"""Language models as a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.generation.backends.forms import checked
from arena.generation.backends.local import LocalBackend
from arena.generation.backends.text.settings import TextSettings


class TransformersBackend(LocalBackend[TextSettings]):
    """Warns of program code that comes with weights."""

    def validate(self, settings: Mapping[str, object]) -> TextSettings:
        return checked(TextSettings, settings)

    def warnings(self, settings: TextSettings) -> Sequence[str]:
        if not settings.trust_remote_code:
            return []
        return [
            f"Program code that comes with {settings.model} will run on your workers with all their rights: it can "
            "read their files and secrets and reach your network. Read it first, and pin the commit."
        ]


TRANSFORMERS = TransformersBackend(
    "arena.generation.backends.text.loading",
    needs="text needs torch and transformers: pip install torch transformers",
)
