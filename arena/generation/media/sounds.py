"""Sounds as they are stored: FLAC of one form, and the same for what is heard in a video."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from .outcome import BrokenMedia, Cleaned
from .reading import check_whole, packets, prepare, promised_seconds, reading

RATE = 48_000  # samples a second; every common rate fits into it, and every browser plays it
LEAST_RATE, MOST_RATE = 4_000, 192_000
MOST_SECONDS = 600.0
MOST_CHANNELS = 2
_FLAC_SAMPLES = 4096  # a block; the usual size for this rate
BITEXACT = {"fflags": "+bitexact"}  # no dates, no random numbers and no version of the muxer


def clean_sound(content: bytes, kind: str) -> Cleaned:
    """FLAC, 48,000 samples a second of 16 bits, two channels, as loud as it was. `BrokenMedia` for what is no sound.

    Sound of that form is kept to the last bit; peaks above full scale are cut off, as every player would.
    """
    with reading(content, kind) as source:
        stream = next(iter(source.streams.audio), None)
        if stream is None:
            raise BrokenMedia("the output holds no sound")
        prepare(stream, kind)
        file = io.BytesIO()
        with av.open(file, "w", format="flac", options=BITEXACT) as sink:
            track = sink.add_stream("flac", rate=RATE, options={"compression_level": "5", "flags": "+bitexact"})
            track.codec_context.thread_count = 1
            track.layout, track.format = "stereo", "s16"
            samples = 0
            decoded = (frame for packet in packets(source, stream) for frame in packet.decode())
            for frame in equalised(decoded, _FLAC_SAMPLES):
                frame.pts = samples
                samples += frame.samples
                sink.mux(track.encode(frame))
            if not samples:
                raise BrokenMedia("the output holds no sound: not one sample")
            sink.mux(track.encode(None))
        seconds = samples / RATE
        check_whole(promised_seconds(source, kind), seconds)
    return Cleaned(file.getvalue(), "audio/flac", seconds=seconds)


def equalised(frames: Iterable[AudioFrame], size: int, *, most_seconds: float = MOST_SECONDS) -> Iterator[AudioFrame]:
    """The same sound as stereo of 16 bits at `RATE`, in frames of `size` samples; the last one may be shorter."""
    resampler: AudioResampler | None = None
    seconds = 0.0
    form = None
    for frame in frames:
        _check(frame)
        if resampler is None:
            form = (frame.sample_rate, frame.layout.name, frame.format.name)
            resampler = AudioResampler(format="s16", layout=frame.layout, rate=RATE, frame_size=size)
        elif form != (frame.sample_rate, frame.layout.name, frame.format.name):
            raise BrokenMedia("the sound changes its sample rate or its channels on the way")
        seconds += frame.samples / frame.sample_rate
        if seconds > most_seconds:
            raise BrokenMedia(f"the sound is longer than {most_seconds:.0f} seconds")
        frame.pts = None  # gaps are closed: what counts is what is heard
        yield from map(_stereo, resampler.resample(frame))
    if resampler is not None:
        yield from map(_stereo, resampler.resample(None))


def _stereo(frame: AudioFrame) -> AudioFrame:
    """One channel becomes two that are alike, as players play it; ffmpeg would make it 3 dB quieter."""
    samples = np.asarray(frame.to_ndarray(), np.int16)  # of shape (1, samples x channels)
    if frame.layout.nb_channels == 1:
        samples = np.repeat(samples, 2, axis=1)
    both = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    both.sample_rate = frame.sample_rate
    return both


def _check(frame: AudioFrame) -> None:
    if not LEAST_RATE <= frame.sample_rate <= MOST_RATE:
        raise BrokenMedia(
            f"the sound has {frame.sample_rate} samples a second, allowed are {LEAST_RATE} to {MOST_RATE}"
        )
    if not 1 <= frame.layout.nb_channels <= MOST_CHANNELS:
        raise BrokenMedia(f"the sound has {frame.layout.nb_channels} channels, at most {MOST_CHANNELS} are allowed")
    if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
        raise BrokenMedia("the sound holds samples that are no numbers (NaN or infinite)")
