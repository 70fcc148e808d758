"""Server-sent events, and texts that arrive in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arena.generation.backends.protocol import GenerationError

LONGEST_EVENT = 4 * 2**20  # bytes; a delta has some hundred
_BOM = b"\xef\xbb\xbf"


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of each event, however the bytes are cut. Comments, names, ids and empty events are left out.

    The last event counts even if the empty line after it is missing, as some servers end their streams that way.
    Bytes that are no UTF-8 become U+FFFD. A permanent `GenerationError` for an event over `LONGEST_EVENT`.
    Source: HTML Living Standard, section 9.2.6.
    """
    data: list[str] = []
    size = 0
    for line in _lines(chunks):
        size += len(line)
        if size > LONGEST_EVENT:
            raise _too_long()
        if line == b"":
            if any(data):
                yield "\n".join(data)
            data, size = [], 0
            continue
        name, _, value = line.partition(b":")  # a comment has an empty name
        if name == b"data":
            data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
    if any(data):
        yield "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Ended by LF, CR LF or CR; whole lines are decoded later, so that no character is cut."""
    parts: list[bytes] = []
    size = 0
    after_cr, first = False, True
    for chunk in chunks:
        if not chunk:
            continue
        new = chunk.removeprefix(b"\n") if after_cr else chunk
        after_cr = chunk.endswith(b"\r")
        for ended in (pieces := new.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))[:-1]:
            line = b"".join([*parts, ended])
            yield line.removeprefix(_BOM) if first else line
            parts, size, first = [], 0, False
        parts.append(pieces[-1])
        size += len(pieces[-1])
        if size > LONGEST_EVENT:
            raise _too_long()
    if size:
        line = b"".join(parts)
        yield line.removeprefix(_BOM) if first else line


def _too_long() -> GenerationError:
    return GenerationError(f"the server sent an event of more than {LONGEST_EVENT} bytes", permanent=True)


class Characters:
    """Puts a text together from pieces as JSON has them, in which half a character may stand at an end.

    Halves that stay alone become U+FFFD, as does the character NUL, which PostgreSQL cannot store.
    """

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """What is whole by now and was not before."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        return _whole(piece.removesuffix(self._half))

    def end(self) -> str:
        """What is left over."""
        half, self._half = self._half, ""
        return _whole(half)


def _whole(piece: str) -> str:
    return piece.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
