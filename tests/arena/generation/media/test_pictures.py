"""What is stored of an output: the picture and nothing else, or a reason why it cannot be shown."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, Picture, clean_picture

SECRET = b"made by Zephyrine"


def encoded(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.effect_noise((24, 16), 60).convert(mode)
    image.save(file, kind, **options)
    return file.getvalue()


def with_everything(kind: str, **more: object) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    options: dict[str, object] = {"exif": exif, "icc_profile": SECRET, **more}
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
    content = with_everything(kind, lossless=True) if kind == "WEBP" else with_everything(kind)
    picture = clean_picture(Media(content, f"image/{kind.lower()}"))

    before, after = (Image.open(io.BytesIO(file)).convert("RGB") for file in (content, picture.content))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_words_hidden_within_the_picture_of_a_webp_are_gone(mode: str, lossless: bool) -> None:
    whole = encoded("WEBP", mode, lossless=lossless)
    place = whole.index(b"VP8L" if lossless else b"VP8 ")
    length = struct.unpack("<I", whole[place + 4 : place + 8])[0]
    body = whole[place + 8 : place + 8 + length] + SECRET
    body += b"!" * (len(body) % 2)
    chunks = whole[12:place] + whole[place : place + 4] + struct.pack("<I", len(body)) + body
    content = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks

    picture = clean_picture(Media(content, "image/webp"))

    assert SECRET not in picture.content
    assert clean_picture(Media(whole, "image/webp")).content == picture.content
    before, after = (np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in (whole, picture.content))
    assert before.shape == after.shape
    if lossless and mode == "RGB":
        assert (before == after).all()


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_stays_of_its_kind_and_looks_the_same(lossless: bool) -> None:
    gradient = Image.merge("RGB", [Image.radial_gradient("L"), Image.linear_gradient("L"), Image.new("L", (256, 256))])
    file = io.BytesIO()
    gradient.save(file, "WEBP", lossless=lossless, quality=80)
    picture = clean_picture(Media(file.getvalue(), "image/webp"))

    assert (b"VP8L" in picture.content[:64]) is lossless
    before, after = (
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), np.int16) for each in (file.getvalue(), picture.content)
    )
    assert np.abs(before - after).max() <= (0 if lossless else 12)
    assert np.abs(before - after).mean() < 1


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_bytes_behind_the_end_of_a_picture_are_gone(kind: str) -> None:
    content = encoded(kind) + b"<script>alert(1)</script>"
    assert b"script" not in clean_picture(Media(content, f"image/{kind.lower()}")).content


def test_parts_of_a_file_that_nobody_knows_are_gone() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    png, jpeg, webp = encoded("PNG"), encoded("JPEG"), encoded("WEBP")
    webp += b"ZEPH" + struct.pack("<I", 18) + SECRET + b"!"
    contents = {
        "image/png": png[:33] + chunk(b"zePh", SECRET) + png[33:],
        "image/jpeg": jpeg[:2] + b"\xff\xec" + struct.pack(">H", 2 + len(SECRET)) + SECRET + jpeg[2:],
        "image/webp": webp[:4] + struct.pack("<I", len(webp) - 8) + webp[8:],
    }
    for media_type, content in contents.items():
        assert SECRET not in clean_picture(Media(content, media_type)).content


def _with_exif(body: bytes) -> bytes:
    """A PNG whose EXIF block is `body`."""
    png = encoded("PNG")
    chunk = b"eXIf" + body
    return png[:33] + struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


def _orientation(kind: int, value: bytes) -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHI", 1, 0x0112, kind, 1) + value + b"\0\0\0\0"


BROKEN_EXIF = {
    "no TIFF header": b"Mm\0*\0\0\0\x08" + bytes(20),
    "an orientation in words": _orientation(2, b"x\0\0\0"),
    "a fraction cut short": _orientation(10, b"\0\0\0\x08"),
}


@pytest.mark.parametrize("exif", BROKEN_EXIF.values(), ids=BROKEN_EXIF)
def test_a_picture_with_broken_metadata_fails_alone_or_loses_it(exif: bytes) -> None:
    outcome: Picture | BrokenMedia
    try:
        outcome = clean_picture(Media(_with_exif(exif), "image/png"))
    except BrokenMedia as refused:
        outcome = refused
    assert "no readable PNG" in str(outcome) if isinstance(outcome, BrokenMedia) else exif not in outcome.content


@pytest.mark.parametrize("error", [SyntaxError, TypeError, struct.error, KeyError, RuntimeError, MemoryError])
def test_whatever_a_decoder_raises_is_a_broken_picture(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(image: Image.Image) -> Image.Image:
        raise error(f"cannot turn {object()!r}")

    monkeypatch.setattr(ImageOps, "exif_transpose", fail)
    with pytest.raises(BrokenMedia) as refused:
        clean_picture(Media(encoded("PNG"), "image/png"))
    assert " at 0x" not in str(refused.value)


def test_a_reason_is_the_same_every_time() -> None:
    with pytest.raises(BrokenMedia) as refused:
        clean_picture(Media(b"not a picture", "image/png"))
    assert str(refused.value) == "the output is no readable PNG picture: cannot identify image file it"


def test_sixteen_bits_of_grey_become_the_eight_that_a_screen_shows() -> None:
    file = io.BytesIO()
    image = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 40_000, 65_535)):
        image.putpixel((x, 0), value)
    image.save(file, "PNG")
    kept = Image.open(io.BytesIO(clean_picture(Media(file.getvalue(), "image/png")).content)).convert("L")
    assert list(kept.tobytes()) == [0, 156, 255]


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
