"""A server's key: sent to that server, and to be found nowhere else."""

from __future__ import annotations

import html
import json
import logging
import threading
import weakref
from urllib.parse import quote

from arena.generation.backends.protocol import GenerationError

SHORTEST_SECRET = 16  # characters


class Key:
    """The key itself. It shows itself to nobody but `headers`; while it is in use, no HTTP log has it either."""

    __slots__ = ("__weakref__", "_forms", "_text")

    def __init__(self, text: str, name: str) -> None:
        """`text` without the line break that a file ends in; a permanent `GenerationError` if no header can hold it."""
        self._text = text.strip()
        if not self._text or not self._text.isascii() or not self._text.isprintable() or " " in self._text:
            raise GenerationError(
                f"the secret {name!r} is empty, or holds a space or another character that no key has", permanent=True
            )
        plain = self._text
        forms = {plain, json.dumps(plain)[1:-1], repr(plain)[1:-1], html.escape(plain), quote(plain, safe="")}
        self._forms = sorted(forms, key=len, reverse=True)
        _in_use.add(self)

    def __repr__(self) -> str:
        return "Key(***)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not to be stored")

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._text}"}

    def redact(self, text: str) -> str:
        """The text with `***` wherever it has the key, as it is or as JSON, HTML and addresses write it."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def begun_in(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of the key."""
        lengths = range(min(len(self._text) - 1, len(text)), 0, -1)
        return next((length for length in lengths if text.endswith(self._text[:length])), 0)

    @property
    def is_a_word(self) -> bool:
        """Whether it is so short that an answer may well say it: servers without keys are given `none` or `ollama`."""
        return len(self._text) < SHORTEST_SECRET


class NoKey:
    """For servers that ask for none."""

    def headers(self) -> dict[str, str]:
        return {}

    def redact(self, text: str) -> str:
        return text


class Blotter:
    """Redacts a key in a text that comes in pieces: a server that repeats what it is sent would show it to voters."""

    def __init__(self, key: Key | NoKey) -> None:
        self._key = None if isinstance(key, NoKey) or key.is_a_word else key
        self._held = ""

    def add(self, piece: str) -> str:
        """What is known not to be part of the key by now."""
        if self._key is None:
            return piece
        text = self._key.redact(self._held + piece)
        end = len(text) - self._key.begun_in(text)
        self._held = text[end:]
        return text[:end]

    def end(self) -> str:
        """What is left over."""
        held, self._held = self._held, ""
        return held


class _InUse(logging.Filter):
    """Redacts the keys in use: httpcore2 logs headers of answers (DEBUG), and a server may send ours back."""

    def __init__(self) -> None:
        super().__init__()
        self._adding = threading.Lock()
        self._keys: tuple[weakref.ref[Key], ...] = ()

    def add(self, key: Key) -> None:
        with self._adding:
            self._keys = (*(known for known in self._keys if known() is not None), weakref.ref(key))

    def filter(self, record: logging.LogRecord) -> bool:
        """Takes no lock: garbage that is collected meanwhile may close a connection, which is logged as well."""
        keys = [key for known in self._keys if (key := known()) is not None]
        message = record.getMessage()
        for key in keys:
            message = key.redact(message)
        record.msg, record.args = message, ()
        return True


_in_use = _InUse()
for _name in ("httpcore2.connection", "httpcore2.http11"):
    logging.getLogger(_name).addFilter(_in_use)
