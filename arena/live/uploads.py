"""Pictures that voters bring along."""

from __future__ import annotations

import hashlib
import io
import secrets
import struct

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps, UnidentifiedImageError

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, Picture, clean_picture
from arena.generation.media.pictures import FORMATS

from .refusals import BadUpload

MOST_BYTES = 10 * 2**20
MOST_SIDE = 4096  # pixels
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def check_size(file: UploadedFile) -> None:
    """Refuse what is too large before anything of it is read."""
    if (file.size or 0) > MOST_BYTES:
        raise BadUpload(f"The picture has {(file.size or 0) / 2**20:.1f} MB; {MOST_BYTES // 2**20} MB are allowed.")


def fingerprint(file: UploadedFile | None) -> str:
    """Equal for equal uploads; costs no decoding."""
    if file is None:
        return ""
    return hashlib.sha256(_content(file)).hexdigest()


def read_upload(file: UploadedFile) -> Picture:
    """The picture without anything beside it: place, time and camera are gone. Raises `BadUpload`.

    What it is, its first bytes say; what the browser says of it is not believed.
    """
    check_size(file)
    content = _content(file)
    kind = _kind(content)
    if kind is None:
        raise BadUpload("This is no picture of type WebP, PNG or JPEG. Save it as one of these and choose it again.")
    try:
        width, height = Image.open(io.BytesIO(content)).size  # reads the header alone
        if max(width, height) > MOST_SIDE:
            raise BadUpload(f"The picture has {width} × {height} pixels; {MOST_SIDE} a side are allowed.")
        return clean_picture(Media(content, kind)) if kind == "image/jpeg" else _bare(content, kind)
    except _UNREADABLE as error:
        raise BadUpload("This picture is damaged, or it moves. Save it anew and choose it again.") from error


def keep_upload(picture: Picture) -> str:
    """Its name in the storage."""
    name = f"prompts/{secrets.token_hex(16)}.{_ENDINGS[picture.media_type]}"
    return default_storage.save(name, ContentFile(picture.content))


def discard_upload(name: str) -> None:
    if name:
        default_storage.delete(name)


_UNREADABLE = (
    BrokenMedia,
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    struct.error,
    Image.DecompressionBombError,
)


def _bare(content: bytes, kind: str) -> Picture:
    """A PNG or WebP picture written anew with the least effort.

    A web process waits for it: of 4096 x 4096 pixels of noise, `clean_picture` looks ten seconds for the smallest file.
    """
    with Image.open(io.BytesIO(content), formats=[FORMATS[kind]]) as file:
        if getattr(file, "is_animated", False):
            raise BrokenMedia("the picture moves")
        image = ImageOps.exif_transpose(file)
        transparent = "A" in image.getbands() or "transparency" in image.info
        pixels = image.convert("L" if image.mode == "L" else "RGBA" if transparent else "RGB")
    bare = Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())  # leaves behind what came with the file
    written = io.BytesIO()
    if kind == "image/png":
        bare.save(written, "PNG", compress_level=1)
    elif b"VP8L" in content:
        bare.save(written, "WEBP", lossless=True, quality=0, method=0)
    else:  # was written with loss before: without, it would be many times as large
        bare.save(written, "WEBP", quality=95, method=0)
    return Picture(written.getvalue(), kind, bare.width, bare.height)


def _content(file: UploadedFile) -> bytes:
    file.seek(0)
    content: bytes = file.read()
    return content


def _kind(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), None)
