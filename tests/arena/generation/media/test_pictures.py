"""What is stored of an output: the picture and nothing else, or a reason why it cannot be shown."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, clean_picture

SECRET = b"made by Zephyrine"


def encoded(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.effect_noise((24, 16), 60).convert(mode)
    image.save(file, kind, **options)
    return file.getvalue()


def with_everything(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    options: dict[str, object] = {"exif": exif, "icc_profile": SECRET}
    if kind == "PNG":
        notes = PngInfo()
        notes.add_text("parameters", SECRET.decode())
        options["pnginfo"] = notes
    else:
        options["xmp"] = SECRET
    return encoded(kind, **options)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_what_a_generator_wrote_beside_the_picture_is_gone(kind: str) -> None:
    content = with_everything(kind)
    assert SECRET in content

    picture = clean_picture(Media(content, f"image/{kind.lower()}"))

    assert SECRET not in picture.content
    found = Image.open(io.BytesIO(picture.content))
    found.load()
    assert not found.getexif()
    assert not {"exif", "xmp", "icc_profile", "parameters", "comment"} & set(found.info)
    assert (picture.width, picture.height) == found.size == (24, 16)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_no_pixel_changes_where_the_format_allows_it(kind: str) -> None:
    content = with_everything(kind)
    picture = clean_picture(Media(content, f"image/{kind.lower()}"))

    before, after = (Image.open(io.BytesIO(file)).convert("RGB") for file in (content, picture.content))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_that_is_only_a_picture_keeps_its_bytes(lossless: bool) -> None:
    content = encoded("WEBP", lossless=lossless)
    assert clean_picture(Media(content, "image/webp")).content == content


def test_bytes_behind_the_end_of_a_picture_are_gone() -> None:
    content = encoded("WEBP", lossless=True) + b"<script>alert(1)</script>"
    assert b"script" not in clean_picture(Media(content, "image/webp")).content


def test_transparency_is_kept() -> None:
    content = encoded("PNG", "RGBA")
    assert Image.open(io.BytesIO(clean_picture(Media(content, "image/png")).content)).mode == "RGBA"


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"", "image/webp", "no readable WEBP"),
        (b"not a picture", "image/png", "no readable PNG"),
        (encoded("PNG")[:60], "image/png", "no readable PNG"),
        (encoded("PNG"), "image/webp", "no readable WEBP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "not served"),
        (b"<p>hello</p>", "text/html", "not served"),
    ],
    ids=["nothing", "words", "cut short", "another format", "svg", "html"],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(content: bytes, media_type: str, reason: str) -> None:
    with pytest.raises(BrokenMedia, match=reason):
        clean_picture(Media(content, media_type))


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 100_000

    with pytest.raises(BrokenMedia, match=r"pixels|too large"):
        clean_picture(Media(bomb.getvalue(), "image/png"))


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_a_picture_that_was_turned_by_its_metadata_is_turned_for_good(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be shown turned by a quarter
    picture = clean_picture(Media(encoded(kind, exif=exif), f"image/{kind.lower()}"))

    assert (picture.width, picture.height) == (16, 24)
