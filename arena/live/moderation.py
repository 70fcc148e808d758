"""What looks at prompts and answers before people do.

A moderator answers `check` with a verdict. The word list costs nothing and is asked wherever a prompt arrives; the
classifiers are models, and only workers ask them: a web process never loads one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from arena.generation.backends.protocol import Media


@dataclass(frozen=True)
class Verdict:
    """Whether something may be asked or shown, and if not, who refused it and why: for staff, not for the voter."""

    refused: bool = False
    moderator: str = ""
    reason: str = ""


PASSED = Verdict()


class Moderator(Protocol):
    def check(self, subject: str | Media) -> Verdict:
        """Of a text or a picture; `PASSED` for what the moderator knows nothing about."""
        ...


class WordList:
    """Refuses texts with one of these words or phrases in them: whole words, in any case, with any space between."""

    name = "word list"

    def __init__(self, words: Iterable[str]) -> None:
        phrases = {" ".join(word.casefold().split()) for word in words} - {""}
        either = "|".join(
            r"\s+".join(re.escape(part) for part in phrase.split()) for phrase in sorted(phrases, key=len, reverse=True)
        )
        self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)") if phrases else None

    def check(self, subject: str | Media) -> Verdict:
        if self._pattern is None or not isinstance(subject, str):
            return PASSED
        found = self._pattern.search(subject.casefold())
        return PASSED if found is None else Verdict(True, self.name, f"contains {found[0]!r}")


def word_list() -> WordList:
    """That of the installation, read anew when its file changes."""
    if not settings.MODERATION_WORDS:
        return _read_words("", 0)
    path = Path(settings.MODERATION_WORDS)
    return _read_words(str(path), path.stat().st_mtime_ns)


@cache
def _read_words(path: str, changed_at: int) -> WordList:
    lines = Path(path).read_text(encoding="utf-8").splitlines() if path else []
    return WordList(line for line in lines if not line.lstrip().startswith("#"))


@register()
def words_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A missing list stops the start, and not the first prompt."""
    try:
        word_list()
    except (OSError, UnicodeDecodeError) as error:
        return [Error(f"MODERATION_WORDS={settings.MODERATION_WORDS!r} cannot be read: {error}", id="podium.E001")]
    return []


def needs_worker() -> bool:
    """Whether prompts and answers have to pass a model as well."""
    return bool(settings.MODERATION_CLASSIFIER or settings.MODERATION_PICTURES)


def moderators() -> list[Moderator]:
    """All of them. In workers only: it may load models."""
    return [word_list(), *_classifiers()]


@cache
def _classifiers() -> Sequence[Moderator]:
    from .classifiers import classifiers

    return classifiers()


def checked(subject: str | Media, by: Iterable[Moderator]) -> Verdict:
    """The first refusal, or `PASSED`."""
    for moderator in by:
        verdict = moderator.check(subject)
        if verdict.refused:
            return verdict
    return PASSED
