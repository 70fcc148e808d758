"""The picture that belongs to a prompt, decoded for a model. Pillow is imported by the function."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from arena.generation.backends.protocol import GenerationError, Media

if TYPE_CHECKING:
    from PIL import Image

FORMATS = {"image/webp": "WEBP", "image/png": "PNG", "image/jpeg": "JPEG"}
MOST_PIXELS = 64 * 2**20  # as many as a stored picture may have


def source_picture(media: Media) -> Image.Image:
    """The decoded picture, upright. A permanent `GenerationError` for what is none, which fails its request alone.

    Only the format of its type is tried, and whatever the decoder raises is taken for a broken file.
    """
    from PIL import Image, ImageOps

    kind = FORMATS.get(media.media_type)
    if kind is None:
        raise GenerationError(f"the source is {media.media_type}, which is no picture", permanent=True)
    try:
        image = Image.open(io.BytesIO(media.content), formats=[kind])
        if image.width * image.height <= MOST_PIXELS:
            return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception as error:
        why = f"the source is no readable {kind} picture ({type(error).__name__})"
        raise GenerationError(why, permanent=True) from error
    why = f"the source has {image.width} x {image.height} pixels, at most {MOST_PIXELS} are read"
    raise GenerationError(why, permanent=True)
