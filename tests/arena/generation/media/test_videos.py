"""Videos: one form for all, nothing beside what is seen and heard, and a reason for each refusal."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, Cleaned, clean_media, reading, videos
from tests.arena.generation.media import making

NO_END = "the output is no readable WebM file: End of file"


def cleaned(content: bytes, kind: str = "video/mp4") -> Cleaned:
    return clean_media(Media(content, kind))


def refusal(content: bytes, kind: str = "video/mp4") -> str:
    with pytest.raises(BrokenMedia) as refused:
        cleaned(content, kind)
    return str(refused.value)


@pytest.mark.parametrize(
    ("codec", "container", "pixels"),
    [
        ("libx264", "mp4", "yuv420p"),
        ("libx264", "mp4", "yuv444p10le"),
        ("mpeg4", "mp4", "yuv420p"),
        ("libvpx-vp9", "webm", "yuv420p"),
        ("libvpx-vp9", "webm", "gbrp"),
        ("libvpx", "webm", "yuv420p"),
    ],
)
def test_every_video_becomes_webm_of_one_form_with_the_same_pictures(codec, container, pixels):
    content = making.video(codec, container, pixels=pixels, options={"crf": "10", "b": "2000000"})
    result = cleaned(content, f"video/{container}")

    assert (result.media_type, result.width, result.height) == ("video/webm", 96, 64)
    assert result.seconds == pytest.approx(2, abs=0.01)
    with av.open(io.BytesIO(result.content)) as source:
        assert source.format.name == "matroska,webm"
        track = source.streams.video[0]
        context = track.codec_context
        assert (context.name, context.pix_fmt, context.colorspace) == ("vp9", "yuv420p", 1)
        assert source.duration == pytest.approx(2_000_000, abs=2_000)
    shown = making.decoded_frames(result.content)
    given = making.decoded_frames(content)
    assert len(shown) == len(given) == 24
    for before, after in zip(given, shown, strict=True):
        assert np.abs(before.astype(float) - after).mean() < 8  # colour at half the resolution costs most of it


def test_nothing_of_what_the_generator_wrote_beside_it_is_left():
    content = making.video(sound="aac")
    assert making.SECRET in content
    result = cleaned(content)
    for word in (making.SECRET, b"Lavc", b"Lavf6", b"x264", b"libvpx"):
        assert word not in result.content
    with av.open(io.BytesIO(result.content)) as source:
        assert {key.lower() for key in source.metadata} <= {"encoder"}
        assert [stream.type for stream in source.streams] == ["video", "audio"]


@pytest.mark.parametrize("sound", ["", "aac"])
def test_equal_bytes_in_give_equal_bytes_out(sound):
    content = making.video(sound=sound)
    assert cleaned(content) == cleaned(content)


def test_who_encoded_it_does_not_show_in_the_stored_form():
    """Two generators, other containers, codecs and sample formats: the same kind of tracks come out."""
    forms = set()
    for content, kind in (
        (making.video(sound="aac"), "video/mp4"),
        (making.video("libvpx-vp9", "webm", sound="libopus"), "video/webm"),
    ):
        with av.open(io.BytesIO(cleaned(content, kind).content)) as source:
            picture, sound = source.streams.video[0], source.streams.audio[0]
            forms.add(
                (
                    picture.codec_context.name,
                    picture.codec_context.pix_fmt,
                    picture.time_base,
                    sound.codec_context.name,
                    sound.codec_context.sample_rate,
                    sound.codec_context.layout.name,
                    sound.codec_context.extradata[:10],
                )
            )
    assert len(forms) == 1


def test_sound_is_kept_as_loud_as_it_was():
    result = cleaned(making.video(sound="aac"))
    with av.open(io.BytesIO(result.content)) as source:
        heard = np.concatenate([frame.to_ndarray() for frame in source.decode(audio=0)], axis=1)
    middle = heard[:, heard.shape[1] // 4 : heard.shape[1] // 2]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_frames_keep_their_times():
    result = cleaned(making.video(frames=4, times=[0, 1, 5, 6], rate=10, options={"bf": "0"}))
    with av.open(io.BytesIO(result.content)) as source:
        assert [frame.pts for frame in source.decode(video=0)] == [0, 100, 500, 600]
    assert result.seconds == pytest.approx(0.7, abs=0.01)


def test_a_video_that_is_to_be_shown_turned_is_turned_for_good():
    content = making.video(frames=3, options={"crf": "10"})
    result = cleaned(making.turned(content))

    assert (result.width, result.height) == (64, 96)
    upright, given = making.decoded_frames(result.content)[0], making.decoded_frames(content)[0]
    assert np.abs(np.rot90(given, -1).astype(float) - upright).mean() < 8


def test_odd_sizes_stay_as_they_are():
    result = cleaned(making.video("libvpx-vp9", "webm", width=97, height=63, frames=3), "video/webm")
    assert (result.width, result.height) == (97, 63)
    assert making.decoded_frames(result.content)[0].shape == (63, 97, 3)


def test_the_thumbnail_shows_the_middle():
    result = cleaned(making.video(width=640, height=96, frames=24))
    small = Image.open(io.BytesIO(result.thumbnail))
    assert (small.format, small.size) == ("WEBP", (320, 48))
    shown = np.asarray(small.convert("RGB"), float)
    frames = [
        np.asarray(Image.fromarray(frame).resize(small.size), float) for frame in making.decoded_frames(result.content)
    ]
    nearest = int(np.argmin([np.abs(shown - frame).mean() for frame in frames]))
    assert nearest in {11, 12, 13}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("form", ["plain", "fragments", "webm"])
def test_a_video_that_is_cut_short_is_refused(form, share):
    if form == "webm":
        content, kind = making.video("libvpx-vp9", "webm", frames=48), "video/webm"
    else:
        options = {"movflags": "frag_keyframe+empty_moov"} if form == "fragments" else {}
        content, kind = making.video(frames=48, container_options=options), "video/mp4"
    assert refusal(content[: int(share * len(content))], kind)


def test_a_video_with_damage_is_refused():
    content = bytearray(making.video("libx264", frames=24))
    for place in range(len(content) // 3, len(content) // 2, 7):
        content[place] ^= 0xFF
    assert "MP4" in refusal(bytes(content)) or "damaged" in refusal(bytes(content))


def test_a_file_of_sound_alone_is_no_video():
    assert refusal(making.sound("aac", "mp4", 48_000, making.sine(48_000))) == "the output holds no video"


def test_a_track_without_frames_is_no_video():
    content = making.video("libvpx-vp9", "webm", frames=4)
    cluster = content.index(b"\x1f\x43\xb6\x75")
    assert refusal(content[:cluster], "video/webm") in {"the video holds no frames", NO_END}


def test_a_codec_that_is_not_read_is_refused_by_name():
    assert "mjpeg" in refusal(making.video("mjpeg", pixels="yuvj420p", frames=2))


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MOST_FRAMES", 23, "more than 23 frames"),
        ("MOST_SECONDS", 1.5, "longer than 2 seconds"),
        ("MOST_PIXELS", 96 * 64 * 20, "pixels together"),
    ],
)
def test_a_video_over_a_limit_is_refused(monkeypatch, limit, value, reason):
    content = making.video()
    assert cleaned(content).seconds
    monkeypatch.setattr(videos, limit, value)
    assert reason in refusal(content)


def test_sound_that_goes_on_for_longer_than_a_video_may_is_refused(monkeypatch):
    content = making.video(frames=12, sound="aac", sound_seconds=3)
    monkeypatch.setattr(videos, "MOST_SECONDS", 2)
    assert "sound is longer than 2 seconds" in refusal(content)


def test_too_many_bytes_are_refused_unread(monkeypatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    assert "at most 1000" in refusal(making.video())


@pytest.mark.parametrize(("codec", "container"), [("libx264", "mp4"), ("libvpx-vp9", "webm")])
def test_frames_that_would_fill_the_memory_are_refused(monkeypatch, codec, container):
    monkeypatch.setattr(reading, "MOST_FRAME_PIXELS", 96 * 64 - 1)
    assert f"at most {96 * 64 - 1}" in refusal(making.video(codec, container, frames=2), f"video/{container}")
