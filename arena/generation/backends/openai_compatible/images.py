"""Pictures: what is sent, and the picture in what comes back."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping

from arena.generation.backends.openai_compatible.chat import SEEDS
from arena.generation.backends.openai_compatible.retrying import Transient
from arena.generation.backends.openai_compatible.settings import OpenAICompatibleSettings
from arena.generation.backends.protocol import GenerationError, Media, Request

MOST_PICTURE = 64 * 2**20  # bytes: what is stored at most
MOST_ANSWER = MOST_PICTURE * 4 // 3 + 2**20  # in base 64, with what is around it


def image_body(settings: OpenAICompatibleSettings, request: Request) -> dict[str, object]:
    """The request as JSON has it. A permanent `GenerationError` if there is a picture to edit."""
    if request.media is not None:
        raise GenerationError("pictures are made from a prompt alone here, not from another picture", permanent=True)
    given = {
        "size": settings.size,
        "response_format": settings.response_format,
        "seed": request.seed % SEEDS if settings.send_seed else None,
    }
    body: dict[str, object] = {**settings.extra, "model": settings.model, "prompt": request.prompt, "n": 1}
    return body | {name: value for name, value in given.items() if value is not None}


def picture_or_url(body: Mapping[str, object], server: str) -> bytes | str:
    """The first picture's bytes, or the URL where it is."""
    data = body.get("data")
    first = data[0] if isinstance(data, list) and data else None
    if not isinstance(first, dict):
        raise GenerationError(f"{server} answered without a picture", permanent=True)
    encoded, url = first.get("b64_json"), first.get("url")
    if isinstance(encoded, str) and encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise Transient(f"{server} sent a picture that is no valid base 64") from None
    if isinstance(url, str) and url:
        return url
    raise GenerationError(f"{server} answered without a picture", permanent=True)


def as_media(content: bytes, server: str) -> tuple[Media, int, int]:
    """The picture with the type its bytes say, width and height in pixels; whatever the server calls it.

    Only its head is read: whoever stores it decodes all of it. `GenerationError` for what is no picture.
    """
    from PIL import Image

    if len(content) > MOST_PICTURE:
        message = f"{server} sent a picture of {len(content)} bytes; at most {MOST_PICTURE} are allowed"
        raise GenerationError(message, permanent=True)
    try:
        image = Image.open(io.BytesIO(content), formats=["PNG", "WEBP", "JPEG"])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # the latter if warnings are errors
        raise GenerationError(f"{server} sent a picture that is too large: {error}", permanent=True) from None
    except Exception:  # any kind can come of hostile bytes
        raise GenerationError(f"{server} sent what is no PNG, WebP or JPEG picture", permanent=True) from None
    return Media(content, Image.MIME[str(image.format)]), image.width, image.height
