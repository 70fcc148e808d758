"""The one door for every output: by its type, whatever it claims to be."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import pytest
from PIL import Image

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, clean_media, clean_picture
from arena.generation.media.reading import reading
from tests.arena.generation.media import making

SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 400), mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(file, kind, **options)
    return file.getvalue()


def moving(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (40 * index, 0, 0)) for index in range(4)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_a_picture_is_what_clean_picture_makes_of_it_and_a_thumbnail(kind):
    media = Media(picture(kind), f"image/{kind.lower()}")
    cleaned = clean_media(media)

    assert cleaned.content == clean_picture(media).content
    assert (cleaned.width, cleaned.height, cleaned.seconds) == (640, 400, None)
    small = Image.open(io.BytesIO(cleaned.thumbnail))
    assert (small.format, small.size) == ("WEBP", (320, 200))
    assert clean_media(media) == cleaned


def test_a_thumbnail_is_never_larger_than_the_picture_and_stays_transparent():
    file = io.BytesIO()
    Image.new("RGBA", (30, 20), (200, 100, 0, 128)).save(file, "PNG")
    cleaned = clean_media(Media(file.getvalue(), "image/png"))
    small = Image.open(io.BytesIO(cleaned.thumbnail))
    assert (small.size, small.mode) == ((30, 20), "RGBA")


@pytest.mark.parametrize("declared", ["image/PNG", "image/png; charset=binary"])
def test_a_type_is_read_as_in_a_header(declared):
    assert clean_media(Media(picture(), declared)).media_type == "image/png"


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_a_picture_that_moves_is_refused_since_a_video_is_judged_as_one(kind):
    with pytest.raises(BrokenMedia, match="animated"):
        clean_media(Media(moving(kind), f"image/{kind.lower()}"))


@pytest.mark.parametrize("declared", ["image/png", "image/svg+xml", "text/html", "video/mp4", "audio/wav", "x/y"])
@pytest.mark.parametrize(
    "content",
    [
        SVG.encode(),
        b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG.encode(),
        b" \r\n\t<!DOCTYPE html><p>hello",
        SVG.encode("utf-16"),
        SVG.encode("utf-16-be"),
        b"\x00<script>",
    ],
    ids=["svg", "xml", "html", "utf-16", "utf-16-be", "after a zero"],
)
def test_markup_is_refused_under_any_type(content, declared):
    with pytest.raises(BrokenMedia, match="markup"):
        clean_media(Media(content, declared))


@pytest.mark.parametrize("declared", ["image/gif", "image/svg+xml", "text/html", "application/octet-stream", ""])
def test_a_type_that_is_not_served_is_refused_with_those_that_are(declared):
    with pytest.raises(BrokenMedia, match=r"not served; use one of image/webp.*video/mp4.*audio/ogg"):
        clean_media(Media(picture(), declared))


@pytest.mark.parametrize("declared", ["image/png", "video/mp4", "video/webm", "audio/wav", "audio/mpeg", "audio/ogg"])
@pytest.mark.parametrize("content", [b"", b"not media at all " * 200], ids=["nothing", "words"])
def test_what_is_no_media_is_refused(content, declared):
    with pytest.raises(BrokenMedia):
        clean_media(Media(content, declared))


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (picture(), "video/mp4"),
        (making.video(frames=3), "video/webm"),
        (making.video(frames=3), "image/png"),
        (making.video("libvpx-vp9", "webm", frames=3), "video/mp4"),
        (making.sound("flac", "flac", 48_000, making.sine(48_000)), "audio/wav"),
        (making.sound("libmp3lame", "mp3", 48_000, making.sine(48_000)), "audio/ogg"),
    ],
)
def test_another_format_than_declared_is_refused(content, declared):
    with pytest.raises(BrokenMedia, match=r"no readable|cut short"):
        clean_media(Media(content, declared))


def test_a_length_that_looks_like_a_tag_is_no_markup():
    """An MP4 file begins with the length of its first box: 60 bytes read as "<"."""
    content = making.video(frames=3)
    length = int.from_bytes(content[:4], "big")
    padded = (60).to_bytes(4, "big") + content[4:length] + b"isom" * ((60 - length) // 4)
    # The boxes behind it moved: their places are said from the start of the file, so this one is not whole any more.
    with pytest.raises(BrokenMedia) as refused:
        clean_media(Media(padded + content[length:], "video/mp4"))
    assert "markup" not in str(refused.value)


def test_an_arena_of_pictures_never_loads_the_libraries_for_videos():
    code = "import arena.generation.media, sys; print('av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("error", [KeyError, TypeError, AssertionError, struct.error, MemoryError])
def test_whatever_reading_a_sound_raises_is_a_broken_output(error):
    content = making.sound("flac", "flac", 48_000, making.sine(48_000))
    with pytest.raises(BrokenMedia) as refused, reading(content, "audio/flac"):
        raise error(f"cannot read {object()!r}")
    assert " at 0x" not in str(refused.value)
