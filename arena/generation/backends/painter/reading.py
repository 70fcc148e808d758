"""Reading a prompt: a deterministic embedding of its letters, and what its known words ask of a picture."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from arena.generation.backends.painter.lexicon import look_up

BUCKETS = 128
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a painter hears. `hues` are (OKLCH degrees, weight), `motifs` scene parts in order of mention."""

    embedding: tuple[float, ...]
    hues: tuple[tuple[float, float], ...]
    light: float
    chroma: float
    energy: float
    motifs: tuple[str, ...]


def read(prompt: str) -> Reading:
    """The reading of a prompt in any language; unknown words still move the embedding."""
    words = [word.lower() for word in _WORD.findall(prompt)]
    meanings = [meaning for word in words for meaning in look_up(word)]
    motifs: dict[str, None] = {}
    for meaning in meanings:
        motifs.update(dict.fromkeys(meaning.motifs))
    hues = sorted(
        ((meaning.hue, meaning.weight) for meaning in meanings if meaning.hue is not None),
        key=lambda hue: -hue[1],
    )
    return Reading(
        embedding=_embed(words),
        hues=tuple(hues),
        light=math.tanh(sum(meaning.light for meaning in meanings)),
        chroma=math.tanh(sum(meaning.chroma for meaning in meanings)),
        energy=math.tanh(sum(meaning.energy for meaning in meanings)),
        motifs=tuple(motifs),
    )


def _embed(words: list[str]) -> tuple[float, ...]:
    """Signed feature hashing of words (weight 1) and letter trigrams (weight 1/3), scaled to unit length."""
    vector = [0.0] * BUCKETS
    for word in words:
        framed = f"<{word}>"
        pieces = [(framed, 1.0)] + [(framed[i : i + 3], 1 / 3) for i in range(len(framed) - 2)]
        for piece, weight in pieces:
            digest = hashlib.blake2b(piece.encode(), digest_size=4).digest()
            sign = 1.0 if digest[3] & 1 else -1.0
            vector[int.from_bytes(digest[:2], "big") % BUCKETS] += sign * weight
    length = math.sqrt(sum(value * value for value in vector))
    return tuple(value / length for value in vector) if length else tuple(vector)
