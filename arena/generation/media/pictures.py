"""Pictures as they are stored: without anything but the picture, and small ones to stand for them and for videos."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from arena.generation.backends.protocol import Media

from .outcome import BrokenMedia, decoding

MOST_PIXELS = 64 * 2**20  # 8192 x 8192: far beyond any screen, and 200 MB once decoded
MOST_BYTES = 64 * 2**20
FORMATS = {"image/webp": "WEBP", "image/png": "PNG", "image/jpeg": "JPEG"}
THUMBNAIL_SIDE = 320  # pixels of the longer side: a card of a list on a screen of double density
_THUMBNAIL_QUALITY = 80
_LOSSY_QUALITY = 95  # written a second time, a picture should not look it


@dataclass(frozen=True)
class Picture:
    content: bytes
    media_type: str
    width: int
    height: int


def clean_picture(media: Media) -> Picture:
    """The picture alone, in the type it came in, always written anew: a file can hold words in any of its parts.

    PNG and lossless WebP lose nothing; JPEG and lossy WebP are written at quality 95. Raises `BrokenMedia` for another
    type, a file that is none, one over the limits, and one that moves: a video is judged as a video.
    """
    kind = FORMATS.get(media.media_type)
    if kind is None:
        raise BrokenMedia(f"an output of type {media.media_type!r} is not served; use one of {', '.join(FORMATS)}")
    if len(media.content) > MOST_BYTES:
        raise BrokenMedia(f"the output has {len(media.content)} bytes, at most {MOST_BYTES} are stored")
    with decoding(f"{kind} picture"):
        image = _decoded(media.content, kind)
        content = _encoded(image, kind, lossless=kind == "WEBP" and _is_lossless(media.content))
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
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenMedia(f"the output is too large to decode: {error}") from error
    return ImageOps.exif_transpose(image)  # how it lies is said beside the picture, which is not kept


def _encoded(image: Image.Image, kind: str, *, lossless: bool) -> bytes:
    if image.mode.startswith("I"):  # 16 bits of grey, of which converting would cut off all above 255
        pixels = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in {"RGB", "RGBA", "L"}:
        pixels = image
    else:
        pixels = image.convert("RGBA" if _is_transparent(image) else "RGB")
    bare = Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())  # leaves behind what came with the file
    file = io.BytesIO()
    if kind == "JPEG":
        bare.convert("RGB").save(file, kind, quality=_LOSSY_QUALITY, subsampling=0)
    elif kind == "WEBP":
        bare.save(file, kind, **({"lossless": True} if lossless else {"quality": _LOSSY_QUALITY, "method": 4}))
    else:
        bare.save(file, kind, optimize=True)
    return file.getvalue()


def _is_transparent(image: Image.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


def _is_lossless(content: bytes) -> bool:
    """Whether a WebP file that could be decoded holds its picture in the lossless form.

    Source: RFC 9649, section 2: a RIFF header of 12 bytes, then chunks of a name, a length and padded contents.
    """
    place = 12
    while place + 8 <= len(content):
        name, length = struct.unpack("<4sI", content[place : place + 8])
        if name in {b"VP8 ", b"VP8L"}:
            return bool(name == b"VP8L")
        place += 8 + length + length % 2
    return False
