"""Opening videos and sounds with ffmpeg's libraries: one demuxer and a few decoders for each type, nothing by guess."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

from .outcome import BrokenMedia, decoding

MOST_BYTES = 128 * 2**20  # of a video or sound as it comes from a generator
MOST_FRAME_PIXELS = 4096 * 2304
# A file is taken as cut short when this much less can be read than its header promises.
_SECONDS_MISSING = 0.25
_SHARE_MISSING = 0.02

_PCM = "pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le"
_SOUND = "aac,mp3float,mp3,opus,libopus,vorbis,flac,alac"


@dataclass(frozen=True)
class Format:
    """How a type is read. decoders: the only ones that are tried; whole: whether its header says how long it is."""

    name: str
    demuxer: str
    decoders: str
    advised: str
    whole: bool = True


READ = {
    "video/mp4": Format("MP4", "mov", f"h264,hevc,vp9,libvpx-vp9,libdav1d,av1,mpeg4,{_SOUND},{_PCM}", "H.264 with AAC"),
    "video/webm": Format("WebM", "matroska", f"vp8,libvpx,vp9,libvpx-vp9,libdav1d,av1,{_SOUND}", "VP9 with Opus"),
    "audio/wav": Format("WAV", "wav", _PCM, "PCM of 16, 24 or 32 bits"),
    "audio/flac": Format("FLAC", "flac", "flac", "FLAC"),
    "audio/mpeg": Format("MP3", "mp3", "mp3float,mp3", "MP3", whole=False),
    "audio/ogg": Format("Ogg", "ogg", "opus,libopus,vorbis,flac", "Opus"),
}


@contextmanager
def reading(content: bytes, kind: str) -> Iterator[InputContainer]:
    """The open file. Whatever ffmpeg makes of it inside the block is raised as `BrokenMedia`."""
    how = READ[kind]
    if len(content) > MOST_BYTES:
        raise BrokenMedia(f"the output has {len(content)} bytes, at most {MOST_BYTES} are read")
    if how.demuxer == "ogg" and not _ends(content):
        raise BrokenMedia("the output is cut short: its last Ogg page is missing")
    options = {"codec_whitelist": how.decoders, "max_pixels": str(MOST_FRAME_PIXELS), "threads": "1"}
    with decoding(f"{how.name} file"):
        try:
            file = io.BytesIO(content)
            with av.open(file, "r", format=how.demuxer, options=options, metadata_errors="ignore") as container:
                yield container
        except av.FFmpegError as error:
            why = f"{error.strerror}"
            if error.errno == errno.EINVAL:  # what decoders say to a frame beyond max_pixels, among other things
                why += f" (frames have at most {MOST_FRAME_PIXELS} pixels)"
            raise BrokenMedia(f"the output is no readable {how.name} file: {why}") from error


def prepare(stream: Stream, kind: str) -> None:
    """Set up decoding: in one thread, so that frames come alike every time, and without papering over damage."""
    decoder: CodecContext | None = stream.codec_context
    how = READ[kind]
    if decoder is None:
        raise BrokenMedia(f"the output is no readable {how.name} file: it does not say how it is encoded")
    if decoder.name not in how.decoders.split(","):
        raise BrokenMedia(f"the {how.name} file holds {decoder.name}, which is not read; use {how.advised}")
    if isinstance(decoder, VideoCodecContext) and decoder.width * decoder.height > MOST_FRAME_PIXELS:
        size = f"{decoder.width} x {decoder.height}"
        raise BrokenMedia(f"the video has {size} pixels, at most {MOST_FRAME_PIXELS} are read")
    decoder.thread_count = 1
    options = {"max_pixels": str(MOST_FRAME_PIXELS)}
    decoder.options = options | ({"err_detect": "explode"} if how.whole else {})


def packets(container: InputContainer, *streams: Stream) -> Iterator[Any]:
    """The packets in the order of the file; `BrokenMedia` at one that is cut short."""
    for packet in container.demux(*streams):
        if packet.is_corrupt:
            raise BrokenMedia("the output is damaged or cut short: a part of it is incomplete")
        yield packet


def promised_seconds(container: InputContainer, kind: str) -> float:
    """How long the file is by its header; 0 where it does not say."""
    return max(0, container.duration or 0) / av.time_base if READ[kind].whole else 0.0


def check_whole(promised: float, seconds: float) -> None:
    """Refuse a file of which only `seconds` could be read, clearly less than it promises."""
    if seconds < promised - max(_SECONDS_MISSING, _SHARE_MISSING * promised):
        raise BrokenMedia(f"the output is cut short: {seconds:.2f} of {promised:.2f} seconds could be read")


def _ends(content: bytes) -> bool:
    """Whether the last Ogg page is complete and marked as the end of its stream. Source: RFC 3533, section 6."""
    place = content.rfind(b"OggS")
    page = content[place:]
    if place < 0 or len(page) < 27 or not page[5] & 4:
        return False
    lacing = page[27 : 27 + page[26]]
    return len(lacing) == page[26] and len(page) >= 27 + page[26] + sum(lacing)
