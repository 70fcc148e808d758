"""What cleaning comes to: a file that can be shown, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass


class BrokenMedia(Exception):
    """The output cannot be shown. The message says why and is fit for an admin."""


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
