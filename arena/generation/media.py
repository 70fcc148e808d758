"""Outputs as they are stored: decoded, checked, and without anything but the picture.

What a generator writes beside the picture (its name, its prompt, its settings, a colour profile of its own) would tell
contestants apart before the ballot, and what cannot be decoded must fail here and not in a voter's browser.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from .backends.protocol import Media

MOST_PIXELS = 64 * 2**20  # 8192 x 8192: far beyond any screen, and 200 MB once decoded
MOST_BYTES = 64 * 2**20
FORMATS = {"image/webp": "WEBP", "image/png": "PNG", "image/jpeg": "JPEG"}
_JPEG_QUALITY = 95  # written a second time, a picture should not look it
# The chunks of a WebP file that hold the picture itself; EXIF, XMP and ICC profiles have chunks of their own.
_PICTURE_CHUNKS = {b"VP8 ", b"VP8L", b"ALPH"}


class BrokenMedia(Exception):
    """The output cannot be shown. The message says why and is fit for an admin."""


@dataclass(frozen=True)
class Picture:
    content: bytes
    media_type: str
    width: int
    height: int


def clean_picture(media: Media) -> Picture:
    """The picture alone, in the type it came in. Bytes that hold nothing else are kept as they are.

    A WebP or PNG file that holds more is written anew without loss, a JPEG at quality 95. Raises `BrokenMedia` for
    another type, a file that is none, and one over the limits.
    """
    kind = FORMATS.get(media.media_type)
    if kind is None:
        raise BrokenMedia(f"an output of type {media.media_type!r} is not served; use one of {', '.join(FORMATS)}")
    if len(media.content) > MOST_BYTES:
        raise BrokenMedia(f"the output has {len(media.content)} bytes, at most {MOST_BYTES} are stored")
    image = _decoded(media.content, kind)
    content = media.content if kind == "WEBP" and _holds_only_a_picture(media.content) else _encoded(image, kind)
    return Picture(content, media.media_type, image.width, image.height)


def _decoded(content: bytes, kind: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=[kind])
            if image.width * image.height > MOST_PIXELS:
                raise BrokenMedia(f"the output has {image.width} x {image.height} pixels, at most {MOST_PIXELS}")
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error) as error:
        raise BrokenMedia(f"the output is no readable {kind} picture: {error}") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenMedia(f"the output is too large to decode: {error}") from error
    return ImageOps.exif_transpose(image)  # how it lies is said beside the picture, which is not kept


def _encoded(image: Image.Image, kind: str) -> bytes:
    pixels = image if image.mode in {"RGB", "RGBA", "L"} else image.convert("RGBA" if _is_transparent(image) else "RGB")
    bare = Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())  # leaves behind what came with the file
    file = io.BytesIO()
    if kind == "JPEG":
        bare.convert("RGB").save(file, kind, quality=_JPEG_QUALITY, subsampling=0)
    elif kind == "WEBP":
        bare.save(file, kind, lossless=True)
    else:
        bare.save(file, kind, optimize=True)
    return file.getvalue()


def _is_transparent(image: Image.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


def _holds_only_a_picture(content: bytes) -> bool:
    """Whether a WebP file consists of picture chunks from the first byte to the last.

    Source: RFC 9649, section 2: a RIFF header of 12 bytes, then chunks of a name, a length and padded contents.
    """
    if len(content) < 12 or struct.unpack("<I", content[4:8])[0] + 8 != len(content):
        return False
    place = 12
    while place < len(content):
        name, length = content[place : place + 4], struct.unpack("<I", content[place + 4 : place + 8])[0]
        if name not in _PICTURE_CHUNKS:
            return False
        place += 8 + length + length % 2
    return place == len(content)
