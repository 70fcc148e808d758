"""What cleaning comes to: a file that can be shown, or the reason why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_OBJECT = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")
_SHOWN = 200  # characters of what a decoder says


class BrokenMedia(Exception):
    """The output cannot be shown. The message says why and is fit for an admin."""


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Whatever decoding hostile bytes raises inside the block is raised as `BrokenMedia`: they are no readable `what`.

    Decoders check some of what a file says and trust the rest, so any kind of error can come of it.
    """
    try:
        yield
    except BrokenMedia:
        raise
    except MemoryError as error:
        raise BrokenMedia(f"the output is too large to decode as {what}") from error
    except Exception as error:
        raise BrokenMedia(f"the output is no readable {what}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """In one line, and equal for equal bytes: without the address of an object."""
    said = " ".join(_OBJECT.sub("it", str(error)).split())[:_SHOWN]
    return said or type(error).__name__


@dataclass(frozen=True)
class Cleaned:
    """A file as it is stored. None stands for what a file of its kind does not have.

    width, height: in pixels; seconds: how long it plays; thumbnail: a WebP picture of at most
    `pictures.THUMBNAIL_SIDE` pixels a side.
    """

    content: bytes
    media_type: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    thumbnail: bytes | None = None
