"""Frames as a video in the colours that Podium stores, so that storing it is the only lossy encoding of most videos."""

from __future__ import annotations

import io

import av
import numpy as np
from numpy.typing import NDArray

MEDIA_TYPE = "video/webm"
# Pixels of all frames together up to which a video is encoded without loss; noise takes 12 bits of each, so 96 MiB.
# Longer ones are encoded at quality 4, whose error is a small part of that of the stored form.
LOSSLESS_PIXELS = 2**26
_LOSSLESS = {"lossless": "1"}
_NEARLY = {"crf": "4", "b": "0"}
_BT709 = 1  # ITU-T H.273
_LIMITED_RANGE = 1


def encode(frames: NDArray[np.uint8], fps: int) -> bytes:
    """WebM with VP9 (4:2:0, BT.709) of RGB frames of shape (frames, height, width, 3). Equal frames, equal bytes."""
    count, height, width, _ = frames.shape
    quality = _LOSSLESS if count * height * width <= LOSSLESS_PIXELS else _NEARLY
    options = quality | {"deadline": "realtime", "cpu-used": "8", "row-mt": "0", "flags": "+bitexact"}
    file = io.BytesIO()
    with av.open(file, "w", format="webm", options={"fflags": "+bitexact"}) as sink:
        track = sink.add_stream("libvpx-vp9", rate=fps, options=options)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        encoder = track.codec_context
        encoder.thread_count = 1
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = _BT709
        encoder.color_range = _LIMITED_RANGE
        packets = []
        for index, pixels in enumerate(frames):
            frame = stored_colours(pixels)
            frame.pts = index
            packets += track.encode(frame)
        packets += track.encode(None)
        packets[-1].duration = 1  # else the file would end with the start of its last frame
        for packet in packets:
            sink.mux(packet)
    return file.getvalue()


def stored_colours(pixels: NDArray[np.uint8]) -> av.VideoFrame:
    """A frame of RGB pixels, of shape (height, width, 3), in the format that is encoded."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range="MPEG", threads=1)
