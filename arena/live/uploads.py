"""Pictures that voters bring along."""

from __future__ import annotations

import io
import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, Picture, clean_picture

from .refusals import BadUpload

MOST_BYTES = 10 * 2**20
MOST_SIDE = 4096  # pixels
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def read_upload(file: UploadedFile) -> Picture:
    """The picture without anything beside it: place, time and camera are gone. Raises `BadUpload`.

    What it is, its first bytes say; what the browser says of it is not believed.
    """
    if (file.size or 0) > MOST_BYTES:
        raise BadUpload(f"The picture has {(file.size or 0) / 2**20:.0f} MB; {MOST_BYTES // 2**20} MB are allowed.")
    content = file.read()
    kind = _kind(content)
    if kind is None:
        raise BadUpload("This is no picture of type WebP, PNG or JPEG. Save it as one of these and choose it again.")
    try:
        width, height = Image.open(io.BytesIO(content)).size  # reads the header alone
        if max(width, height) > MOST_SIDE:
            raise BadUpload(f"The picture has {width} × {height} pixels; {MOST_SIDE} a side are allowed.")
        return clean_picture(Media(content, kind))
    except (BrokenMedia, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadUpload("This picture is damaged, or it moves. Save it anew and choose it again.") from error


def keep_upload(picture: Picture) -> str:
    """Its name in the storage."""
    name = f"prompts/{secrets.token_hex(16)}.{_ENDINGS[picture.media_type]}"
    return default_storage.save(name, ContentFile(picture.content))


def discard_upload(name: str) -> None:
    if name:
        default_storage.delete(name)


def _kind(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), None)
