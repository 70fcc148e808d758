"""The picture that belongs to a prompt: upright, or a reason that fails its request alone."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, ImageOps

from arena.generation.backends import sources
from arena.generation.backends.protocol import GenerationError, Media
from arena.generation.backends.sources import source_picture


def png(**options: object) -> Media:
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "PNG", **options)
    return Media(file.getvalue(), "image/png")


def test_a_picture_comes_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert source_picture(png(exif=exif)).size == (4, 6)


@pytest.mark.parametrize("error", [SyntaxError, TypeError, struct.error, KeyError, RuntimeError])
def test_whatever_a_decoder_raises_fails_this_request_alone(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(image: Image.Image) -> Image.Image:
        raise error(f"broken {object()!r}")

    monkeypatch.setattr(ImageOps, "exif_transpose", fail)
    with pytest.raises(GenerationError) as refused:
        source_picture(png())
    assert refused.value.message == f"the source is no readable PNG picture ({error.__name__})"
    assert refused.value.permanent


def test_another_format_than_the_type_says_is_not_tried() -> None:
    with pytest.raises(GenerationError, match="no readable WEBP picture"):
        source_picture(Media(png().content, "image/webp"))
    with pytest.raises(GenerationError, match="application/postscript, which is no picture"):
        source_picture(Media(b"%!PS", "application/postscript"))


def test_a_picture_over_the_limit_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_PIXELS", 20)
    with pytest.raises(GenerationError, match="has 6 x 4 pixels, at most 20"):
        source_picture(png())
