"""Small videos and sounds, written as generators would write them: with a name in the metadata."""

from __future__ import annotations

import io
import struct
import wave

import av
import numpy as np
from numpy.typing import NDArray

SECRET = b"made by Zephyrine"


def stripes(width: int, height: int, index: int) -> NDArray[np.uint8]:
    """A frame that differs from every other and in every corner."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(2 * x + 9 * index) % 256, 2 * y % 256, (x + y) % 256], -1).astype(np.uint8)


def video(
    codec: str = "libx264",
    container: str = "mp4",
    *,
    width: int = 96,
    height: int = 64,
    frames: int = 24,
    rate: int = 12,
    times: list[int] | None = None,
    pixels: str = "yuv420p",
    sound: str = "",
    sound_seconds: float | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> bytes:
    """A video of `frames` frames, at `times` (in frames) or one after another; with a tone where `sound` is a codec."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=container_options or {}) as sink:
        sink.metadata["title"] = SECRET.decode()
        track = sink.add_stream(codec, rate=rate, options=options or {})
        track.width, track.height, track.pix_fmt = width, height, pixels
        tone = sink.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(stripes(width, height, index), format="rgb24")
            frame.pts = index if times is None else times[index]
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))
        if tone is not None:
            length = frames / rate if sound_seconds is None else sound_seconds
            _write(sink, tone, sine(48_000, length), 48_000, "mono")
    return file.getvalue()


def sine(rate: int, seconds: float = 0.5, loudness: float = 0.5) -> NDArray[np.float32]:
    return (loudness * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def sound(codec: str, container: str, rate: int, samples: NDArray[np.float32]) -> bytes:
    """One channel, encoded by ffmpeg."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as sink:
        sink.metadata["title"] = SECRET.decode()
        track = sink.add_stream(codec, rate=rate, layout="mono")
        _write(sink, track, samples, rate, "mono")
    return file.getvalue()


def wav(samples: NDArray[np.int16], rate: int = 48_000) -> bytes:
    """Of shape (samples, channels)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sink:
        sink.setnchannels(samples.shape[1])
        sink.setsampwidth(2)
        sink.setframerate(rate)
        sink.writeframes(samples.tobytes())
    return file.getvalue()


def turned(mp4: bytes) -> bytes:
    """The same MP4 with a note that it is to be shown turned clockwise by a quarter (a matrix in its track header)."""
    place = mp4.index(b"tkhd") + 4 + 40
    unit = 1 << 16
    return mp4[:place] + struct.pack(">9i", 0, unit, 0, -unit, 0, 0, 0, 0, 1 << 30) + mp4[place + 36 :]


def decoded_frames(content: bytes) -> list[NDArray[np.uint8]]:
    with av.open(io.BytesIO(content)) as source:
        return [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]


def decoded_samples(content: bytes) -> NDArray[np.int16]:
    """Of shape (samples, channels)."""
    with av.open(io.BytesIO(content)) as source:
        frames = list(source.decode(audio=0))
        return np.concatenate([frame.to_ndarray().reshape(-1, frame.layout.nb_channels) for frame in frames])


def _write(sink: av.container.OutputContainer, track, samples, rate: int, layout: str) -> None:
    whole = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout=layout)
    whole.sample_rate, whole.pts = rate, 0
    size = track.codec_context.frame_size or (960 if track.codec_context.name == "libopus" else 1024)
    fitting = av.AudioResampler(format=track.format, layout=layout, rate=rate, frame_size=size)
    for frame in fitting.resample(whole) + fitting.resample(None):
        sink.mux(track.encode(frame))
    sink.mux(track.encode(None))
