"""Sounds: FLAC of one form, as loud as they were, and a reason for each refusal."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from arena.generation.backends.protocol import Media
from arena.generation.media import BrokenMedia, Cleaned, clean_media, sounds
from tests.arena.generation.media import making

NOISE = np.random.default_rng(5).integers(-30_000, 30_000, (6_000, 2)).astype(np.int16)


def cleaned(content: bytes, kind: str = "audio/wav") -> Cleaned:
    return clean_media(Media(content, kind))


def refusal(content: bytes, kind: str = "audio/wav") -> str:
    with pytest.raises(BrokenMedia) as refused:
        cleaned(content, kind)
    return str(refused.value)


@pytest.mark.parametrize(
    ("codec", "container", "kind", "rate"),
    [
        ("pcm_s16le", "wav", "audio/wav", 16_000),
        ("pcm_s24le", "wav", "audio/x-wav", 44_100),
        ("pcm_f32le", "wav", "audio/vnd.wave", 24_000),
        ("flac", "flac", "audio/flac", 32_000),
        ("libmp3lame", "mp3", "audio/mpeg", 44_100),
        ("libopus", "ogg", "audio/ogg", 48_000),
        ("flac", "ogg", "audio/ogg", 22_050),
    ],
)
def test_every_sound_becomes_flac_of_one_form_and_keeps_its_loudness(codec, container, kind, rate):
    content = making.sound(codec, container, rate, making.sine(rate, 1.0))
    result = cleaned(content, kind)

    assert (result.media_type, result.width, result.height, result.thumbnail) == ("audio/flac", None, None, None)
    assert result.seconds == pytest.approx(1.0, abs=0.06)
    with av.open(io.BytesIO(result.content)) as source:
        track = source.streams.audio[0].codec_context
        assert (track.name, track.sample_rate, track.layout.name, track.format.name) == (
            "flac",
            48_000,
            "stereo",
            "s16",
        )
        assert not source.metadata
    assert all(word not in result.content for word in (making.SECRET, b"Lavf6", b"Lavc"))
    heard = making.decoded_samples(result.content)
    assert heard.shape == (round(result.seconds * 48_000), 2)
    assert (heard[:, 0] == heard[:, 1]).all()
    middle = heard[12_000:36_000].astype(float) / 2**15
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)  # LAME makes it 5 % quieter
    assert cleaned(content, kind) == result


def test_sound_of_the_stored_form_is_kept_to_the_last_bit():
    assert (making.decoded_samples(cleaned(making.wav(NOISE)).content) == NOISE).all()


def test_one_channel_is_heard_on_both_sides_at_full_loudness():
    heard = making.decoded_samples(cleaned(making.wav(NOISE[:, :1])).content)
    assert (heard == NOISE[:, :1]).all()


def test_quiet_stays_quiet():
    heard = making.decoded_samples(cleaned(making.wav((NOISE // 1000).astype(np.int16))).content)
    assert np.abs(heard).max() <= 30


def test_peaks_above_full_scale_are_cut_off_as_a_player_would():
    loud = making.sound("pcm_f32le", "wav", 48_000, making.sine(48_000, loudness=2.0))
    heard = making.decoded_samples(cleaned(loud).content)
    assert (heard.min(), heard.max()) == (-(2**15), 2**15 - 1)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
@pytest.mark.parametrize(
    ("codec", "container", "kind"),
    [("pcm_s16le", "wav", "audio/wav"), ("flac", "flac", "audio/flac"), ("libopus", "ogg", "audio/ogg")],
)
def test_a_sound_that_is_cut_short_is_refused(codec, container, kind, share):
    content = making.sound(codec, container, 48_000, making.sine(48_000, 2.0))
    assert refusal(content[: int(share * len(content))], kind)


@pytest.mark.parametrize("rate", [1, 3_999, 192_001, 4_000_000])
def test_an_absurd_sample_rate_is_refused(rate):
    assert f"{rate} samples a second" in refusal(making.wav(NOISE, rate))


def test_more_channels_than_two_are_refused():
    assert "6 channels" in refusal(making.wav(np.tile(NOISE, 3)))


def test_no_samples_are_no_sound():
    assert "not one sample" in refusal(making.wav(NOISE[:0]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(value):
    samples = making.sine(48_000)
    samples[700] = value
    assert "NaN" in refusal(making.sound("pcm_f32le", "wav", 48_000, samples))


def test_a_sound_that_is_too_long_is_refused(monkeypatch):
    content = making.wav(NOISE)
    monkeypatch.setattr(sounds, "MOST_SECONDS", 0.1)
    monkeypatch.setitem(sounds.equalised.__kwdefaults__, "most_seconds", 0.1)
    assert "longer than" in refusal(content)
