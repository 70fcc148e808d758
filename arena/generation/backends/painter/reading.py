"""Reading a prompt: a deterministic embedding of its letters, and what its known words ask of a picture."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from arena.generation.backends.painter.lexicon import COLOURS, COUNTS, Light, Meaning, look_up

BUCKETS = 128
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a painter hears.

    `hues` are (OKLCH degrees, weight) of the ground, strongest first; `lit` is the colour of what shines and
    `motifs` the scene's parts in order of mention; `count` is the first number named, if any.
    """

    embedding: tuple[float, ...]
    hues: tuple[tuple[float, float], ...]
    lit: Light | None
    light: float
    chroma: float
    energy: float
    motifs: tuple[str, ...]
    count: int | None


def read(prompt: str) -> Reading:
    """The reading of a prompt in any language; unknown words still move the embedding."""
    words = [word.lower() for word in _WORD.findall(prompt)]
    heard = [look_up(word) for word in words]
    lit, lighting = _lit(words, heard)
    meanings = [meaning for index, found in enumerate(heard) if index != lighting for meaning in found]
    motifs: dict[str, None] = {}
    for meaning in meanings:
        motifs.update(dict.fromkeys(meaning.motifs))
    hues = [(meaning.hue, meaning.weight) for meaning in meanings if meaning.hue is not None]
    return Reading(
        embedding=_embed(words),
        hues=tuple(sorted(hues, key=lambda hue: -hue[1])),
        lit=lit,
        light=math.tanh(sum(meaning.light for meaning in meanings)),
        chroma=math.tanh(sum(meaning.chroma for meaning in meanings)),
        energy=math.tanh(sum(meaning.energy for meaning in meanings)),
        motifs=tuple(motifs),
        count=next((COUNTS[word] for word in words if word in COUNTS), None),
    )


def _lit(words: list[str], heard: list[list[Meaning]]) -> tuple[Light | None, int | None]:
    """The colour of what shines, and the place of the colour word that names it.

    "A yellow moon" colours the moon and leaves the sky alone; otherwise the first thing that shines brings its own.
    """
    own: Light | None = None
    for index, found in enumerate(heard):
        light = next((meaning.lit for meaning in found if meaning.lit), None)
        if light is None:
            continue
        if index and words[index - 1] in COLOURS:
            return (light[0], 0.17, float(COLOURS[words[index - 1]])), index - 1
        own = own or light
    return own, None


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
