"""Videos as they are stored: WebM with VP9 and Opus, of one form, whatever they came as."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .outcome import BrokenMedia, Cleaned
from .pictures import thumbnail
from .reading import MOST_FRAME_PIXELS, check_whole, packets, prepare, promised_seconds, reading
from .sounds import BITEXACT, RATE, equalised

MOST_SECONDS = 120.0
MOST_FRAMES = 7_200  # two minutes at 60 frames a second
MOST_PIXELS = 2**30  # in all frames together; half a minute of 1280 x 720 at 30 frames a second has 0.83e9

# Constant quality, high enough that a second encoding does not look it. `realtime` with 6 is three times as fast as
# `good` with 4 and takes a third more bytes for the same error (measured at 848 x 480). Its speed is fixed: libvpx
# adapts to the clock for VP8 only, so equal frames give equal bytes.
_VP9 = {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "6", "g": "60", "row-mt": "0", "flags": "+bitexact"}
_OPUS = {"b": "192000", "application": "audio", "flags": "+bitexact"}
_OPUS_SAMPLES = 960  # 20 ms, what Opus is made for
_CLOCK = 1000  # ticks a second in WebM
# Numbers of ITU-T H.273: matrix, primaries and transfer of BT.709; the transfers PQ and HLG; nothing said; BT.601.
_BT709, _HIGH_DYNAMIC_RANGE, _UNSAID, _BT601 = 1, {16, 18}, 2, 5
_LIMITED_RANGE = 1
_HIGH_DEFINITION = 720  # lines from which players take an unsaid matrix for BT.709


def clean_video(content: bytes, kind: str) -> Cleaned:
    """WebM: VP9 (4:2:0, 8 bits, BT.709), with Opus if there is sound; turned and stretched as the file is to be shown.

    Frames keep their times to the millisecond. `BrokenMedia` for what is no video, for one over the limits, and for
    one that cannot be read to its end.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="webm", options=BITEXACT) as sink:
        film = _Film(sink)
        with reading(content, kind) as source:
            picture = _picture_stream(source)
            sound = next(iter(source.streams.audio), None)
            first = min(_start(stream) for stream in (picture, sound) if stream is not None)
            film.show(source, picture, kind, first)
            seconds, promised = film.seconds, promised_seconds(source, kind)
        if sound is not None:
            with reading(content, kind) as source:  # a second pass: so only packets are held, never decoded frames
                sound = source.streams.audio[0]
                seconds = max(seconds, film.hear(source, sound, kind, _start(sound) - first))
        check_whole(promised, seconds)
        film.finish()
    return Cleaned(file.getvalue(), "video/webm", film.width, film.height, seconds, _poster(file.getvalue()))


class _Film:
    """A WebM file while it is written. Packets are kept until both tracks are there, and then put in order of time."""

    def __init__(self, sink: OutputContainer) -> None:
        self._sink = sink
        self._packets: list[Any] = []
        self.width = self.height = 0
        self.seconds = 0.0

    def show(self, source: InputContainer, stream: VideoStream, kind: str, first: Fraction) -> None:
        """Encode the frames. `first`: the moment in the source that becomes zero, in seconds."""
        prepare(stream, kind)
        track: VideoStream | None = None
        shape: tuple[int, int] = (0, 0)
        last, gap = -1, round(_CLOCK / (stream.average_rate or 25))
        for count, frame in enumerate(_decoded(source, stream), 1):
            if track is None:
                shape = (frame.width, frame.height)
                track = self._open(stream, frame)
            if (frame.width, frame.height) != shape:
                raise BrokenMedia(f"the video changes its size from {shape} to {(frame.width, frame.height)}")
            moment = self._moment(frame, first)
            if moment <= last:
                raise BrokenMedia(f"frame {count} comes less than a millisecond after the frame before it")
            self._limit(count, moment)
            if last >= 0:
                gap = moment - last
            last = moment
            shown = _shown(frame, self.width, self.height)
            shown.pts, shown.time_base = moment, Fraction(1, _CLOCK)
            self._packets += track.encode(shown)
        if track is None:
            raise BrokenMedia("the video holds no frames")
        self._packets += track.encode(None)
        self._packets[-1].duration = gap  # the last frame stays as long as the one before it
        self.seconds = (last + gap) / _CLOCK

    def hear(self, source: InputContainer, stream: Stream, kind: str, offset: Fraction) -> float:
        """Encode the sound, which begins `offset` seconds after zero. Returns when it ends."""
        prepare(stream, kind)
        track = self._sink.add_stream("libopus", rate=RATE, options=_OPUS)
        track.layout, track.format = "stereo", "s16"
        track.codec_context.thread_count = 1
        samples = round(offset * RATE)
        for frame in equalised(_decoded(source, stream), _OPUS_SAMPLES, most_seconds=MOST_SECONDS):
            frame.pts, frame.time_base = samples, Fraction(1, RATE)
            samples += frame.samples
            self._packets += track.encode(frame)
        self._packets += track.encode(None)
        return samples / RATE

    def finish(self) -> None:
        for packet in sorted(self._packets, key=lambda packet: packet.dts * packet.time_base):
            self._sink.mux(packet)

    def _open(self, stream: VideoStream, frame: VideoFrame) -> VideoStream:
        stretch = stream.sample_aspect_ratio or Fraction(1)
        self.width, self.height = max(1, round(frame.width * stretch)), frame.height
        if frame.rotation % 180:
            self.width, self.height = self.height, self.width
        if self.width * self.height > MOST_FRAME_PIXELS:
            raise BrokenMedia(
                f"the video has {self.width} x {self.height} pixels, at most {MOST_FRAME_PIXELS} are read"
            )
        track = self._sink.add_stream("libvpx-vp9", rate=_CLOCK, options=_VP9)
        track.width, track.height, track.pix_fmt = self.width, self.height, "yuv420p"
        encoder = track.codec_context
        encoder.thread_count = 1
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = _BT709
        encoder.color_range = _LIMITED_RANGE
        return track

    def _moment(self, frame: VideoFrame, first: Fraction) -> int:
        if frame.pts is None or frame.time_base is None:
            raise BrokenMedia("a frame of the video says no time")
        return max(0, round((frame.pts * frame.time_base - first) * _CLOCK))

    def _limit(self, count: int, moment: int) -> None:
        if count > MOST_FRAMES:
            raise BrokenMedia(f"the video has more than {MOST_FRAMES} frames")
        if moment > MOST_SECONDS * _CLOCK:
            raise BrokenMedia(f"the video is longer than {MOST_SECONDS:.0f} seconds")
        if count * self.width * self.height > MOST_PIXELS:
            raise BrokenMedia(f"the frames of the video have more than {MOST_PIXELS} pixels together")


def _picture_stream(source: InputContainer) -> VideoStream:
    for stream in source.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # a cover is no video
            return stream
    raise BrokenMedia("the output holds no video")


def _start(stream: Stream) -> Fraction:
    return Fraction(stream.start_time or 0) * (stream.time_base or 1)


def _decoded(source: InputContainer, stream: Stream) -> Iterator[Any]:
    for packet in packets(source, stream):
        for frame in packet.decode():
            if frame.is_corrupt:
                raise BrokenMedia("the output is damaged or cut short: a frame cannot be made out")
            yield frame


def _shown(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """The frame as it is to be seen, in the one format that is stored."""
    if frame.color_trc in _HIGH_DYNAMIC_RANGE:
        raise BrokenMedia("the video is of high dynamic range, which most screens cannot show; hand in BT.709")
    matrix = frame.colorspace
    if matrix == _UNSAID:
        matrix = _BT709 if frame.height >= _HIGH_DEFINITION else _BT601
    if frame.rotation:
        upright = frame.reformat(format="rgb24", src_colorspace=matrix)
        pixels = np.rot90(cast("Any", upright.to_ndarray()), frame.rotation // 90)
        frame, matrix = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"), _UNSAID
    return frame.reformat(
        width, height, "yuv420p", src_colorspace=matrix, dst_colorspace=_BT709, dst_color_range="MPEG", threads=1
    )


def _poster(content: bytes) -> bytes:
    """The frame in the middle: many videos begin in black. That it can be decoded shows that the file can."""
    with reading(content, "video/webm") as source:
        stream = source.streams.video[0]
        middle = (source.duration or 0) // 2
        source.seek(middle)
        frame = None
        for frame in source.decode(stream):
            if frame.time * av.time_base >= middle:
                break
        if frame is None:
            raise BrokenMedia("the video holds no frame that can be shown")
        return thumbnail(frame.to_image())
