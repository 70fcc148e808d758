"""Outputs as they are stored: decoded, checked, and without anything but what is judged.

What a generator writes beside its work (its name, its prompt, its settings, a colour profile of its own) would tell
contestants apart before the ballot, and what cannot be decoded must fail here and not in a voter's browser.

A picture keeps its type. A video becomes WebM and a sound FLAC, of one form each: what software wrote it, at which
rate, in which container, would tell contestants apart as well.
"""

from __future__ import annotations

import re

from arena.generation.backends.protocol import Media

from .outcome import BrokenMedia, Cleaned
from .pictures import FORMATS, MOST_BYTES, MOST_PIXELS, Picture, clean_picture, picture_thumbnail

__all__ = ["MOST_BYTES", "MOST_PIXELS", "BrokenMedia", "Cleaned", "Picture", "clean_media", "clean_picture"]

VIDEO_TYPES = ("video/mp4", "video/webm")
# What libraries and servers call these formats -> the name they have here.
SOUND_TYPES = {
    "audio/wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/flac": "audio/flac",
    "audio/x-flac": "audio/flac",
    "audio/mpeg": "audio/mpeg",
    "audio/mp3": "audio/mpeg",
    "audio/ogg": "audio/ogg",
}
# No picture, video or sound begins like this; what does, a browser might run. In UTF-8 and in UTF-16 of either order.
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?[\x00\s]*<[!?/a-zA-Z]|(?:\xff\xfe)?(?:\s\x00)*<\x00|(?:\xfe\xff)?(?:\x00\s)*\x00<\x00"
)


def clean_media(media: Media) -> Cleaned:
    """The output as it may be shown, equal for equal bytes. Raises `BrokenMedia` with the reason.

    Pictures stay in their type (see `clean_picture`); a video becomes WebM (VP9, Opus), a sound FLAC with 48,000
    samples a second, 16 bits, two channels. A video takes a second of one core for each 5 to 15 million pixels.
    """
    kind = media.media_type.partition(";")[0].strip().lower()
    if not media.content:
        raise BrokenMedia("the output is empty")
    if _MARKUP.match(media.content[:1024]) and not media.content[4:8] == b"ftyp":  # the length before it may be a "<"
        raise BrokenMedia(f"the output, of type {kind!r}, is markup (SVG, HTML or XML), which is not served")
    if kind in FORMATS:
        picture = clean_picture(Media(media.content, kind))
        thumbnail = picture_thumbnail(picture)
        return Cleaned(picture.content, kind, picture.width, picture.height, thumbnail=thumbnail)
    # PyAV is loaded with the first video or sound: most arenas have neither.
    if kind in VIDEO_TYPES:
        from .videos import clean_video

        return clean_video(media.content, kind)
    if kind in SOUND_TYPES:
        from .sounds import clean_sound

        return clean_sound(media.content, SOUND_TYPES[kind])
    known = ", ".join([*FORMATS, *VIDEO_TYPES, "audio/wav", "audio/flac", "audio/mpeg", "audio/ogg"])
    raise BrokenMedia(f"an output of type {kind!r} is not served; use one of {known}")
