"""Pictures as they are stored: without anything but the picture, and small ones to stand for them and for videos."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from arena.generation.backends.protocol import Media

from .outcome import BrokenMedia

MOST_PIXELS = 64 * 2**20  # 8192 x 8192: far beyond any screen, and 200 MB once decoded
MOST_BYTES = 64 * 2**20
FORMATS = {"image/webp": "WEBP", "image/png": "PNG", "image/jpeg": "JPEG"}
THUMBNAIL_SIDE = 320  # pixels of the longer side: a card of a list on a screen of double density
_THUMBNAIL_QUALITY = 80
_JPEG_QUALITY = 95  # written a second time, a picture should not look it
# The chunks of a WebP file that hold the picture itself; EXIF, XMP and ICC profiles have chunks of their own.
_PICTURE_CHUNKS = {b"VP8 ", b"VP8L", b"ALPH"}


@dataclass(frozen=True)
class Picture:
    content: bytes
    media_type: str
    width: int
    height: int


def clean_picture(media: Media) -> Picture:
    """The picture alone, in the type it came in. Bytes that hold nothing else are kept as they are.

    A WebP or PNG file that holds more is written anew without loss, a JPEG at quality 95. Raises `BrokenMedia` for
    another type, a file that is none, one over the limits, and one that moves: a video is judged as a video.
    """
    kind = FORMATS.get(media.media_type)
    if kind is None:
        raise BrokenMedia(f"an output of type {media.media_type!r} is not served; use one of {', '.join(FORMATS)}")
    if len(media.content) > MOST_BYTES:
        raise BrokenMedia(f"the output has {len(media.content)} bytes, at most {MOST_BYTES} are stored")
    image = _decoded(media.content, kind)
    content = media.content if kind == "WEBP" and _holds_only_a_picture(media.content) else _encoded(image, kind)
    return Picture(content, media.media_type, image.width, image.height)


def picture_thumbnail(picture: Picture) -> bytes:
    """A small WebP of a picture that `clean_picture` returned."""
    return thumbnail(Image.open(io.BytesIO(picture.content), formats=[FORMATS[picture.media_type]]))


def thumbnail(image: Image.Image) -> bytes:
    """A WebP of at most `THUMBNAIL_SIDE` pixels a side, never larger than the picture. Changes `image`."""
    if isinstance(image, JpegImageFile):
        image.draft("RGB", (2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))  # reads a large JPEG at a fraction of its size
    small = image.convert("RGBA" if _is_transparent(image) else "RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=_THUMBNAIL_QUALITY, method=4)
    return file.getvalue()


def _decoded(content: bytes, kind: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=[kind])
            if image.width * image.height > MOST_PIXELS:
                raise BrokenMedia(f"the output has {image.width} x {image.height} pixels, at most {MOST_PIXELS}")
            if kind != "JPEG" and getattr(image, "is_animated", False):  # further pictures in a JPEG are never shown
                raise BrokenMedia(f"the output is an animated {kind} picture; hand it in as video/webm or video/mp4")
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
