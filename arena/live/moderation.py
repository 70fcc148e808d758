"""What looks at prompts and answers before people do.

A moderator answers `check` with a verdict. The word list costs nothing and is asked wherever a prompt arrives or an
answer is ready. The classifiers are models: only tasks of the queue `moderation` ask them, so that its worker loads
them once, and neither a web process nor a worker that serves something else does.
"""

from __future__ import annotations

import re
import unicodedata
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


_LOOK_BACK = 1000  # characters of a growing text that are read again, for phrases that began there
# Beside the format characters (category Cf, such as the zero-width space), these are drawn as nothing: the joiner of
# graphemes, fillers of Hangul, and the selectors of variants.
_UNSEEN = {"\u034f", "\u115f", "\u1160", *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
_JOINTS = r"[\W_]+"  # what stands between the words of a phrase


class WordList:
    """Refuses texts with one of these words or phrases in them: whole words, in any case, with any space between.

    However they are written: full-width letters, ligatures, accents of their own and invisible characters change
    nothing, and underscores and punctuation around a word belong to no word.
    """

    name = "word list"

    def __init__(self, words: Iterable[str]) -> None:
        phrases = {tuple(_plain(word).split()) for word in words} - {()}
        either = "|".join(
            _JOINTS.join(re.escape(part) for part in phrase)
            for phrase in sorted(phrases, key=lambda parts: sum(map(len, parts)), reverse=True)
        )
        self._pattern = re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])") if phrases else None

    def check(self, subject: str | Media) -> Verdict:
        return self.check_on(subject, 0) if isinstance(subject, str) else PASSED

    def check_on(self, text: str, checked: int) -> Verdict:
        """The same of a text of which so many characters passed before; costs no more than what came since then."""
        if self._pattern is None:
            return PASSED
        begin = max(0, checked - _LOOK_BACK)
        # What begins at the cut is part of a word, and was looked at before.
        found = self._pattern.search(_plain(text[begin:]), 1 if begin else 0)
        return PASSED if found is None else Verdict(True, self.name, f"contains {found[0]!r}")


def _plain(text: str) -> str:
    """The text as it is compared: in one case and form (NFKC, see Unicode Annex 15), without what cannot be seen."""
    if text.isascii():
        return text.casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(each for each in folded if unicodedata.category(each) != "Cf" and each not in _UNSEEN)


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
    return reads_texts() or bool(settings.MODERATION_PICTURES)


def reads_texts() -> bool:
    """Whether there is a model for texts, and not for pictures alone."""
    return bool(settings.MODERATION_CLASSIFIER)


def moderators() -> list[Moderator]:
    """All of them. It may load models."""
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
