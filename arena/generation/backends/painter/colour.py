"""Colour: palettes as recipes in OKLCH, tuned by the prompt and baked into ramps of tones.

OKLab after Björn Ottosson (2020), https://bottosson.github.io/posts/oklab/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.palettes import RECIPES, Recipe, Stop
from arena.generation.backends.painter.reading import Reading

RAMP = 512


@dataclass(frozen=True, slots=True)
class Colours:
    """sRGB 0..1: ramps (requests, 3, RAMP) from dark to light, single colours (requests, 3, 1, 1)."""

    ramp: Tensor
    other: Tensor
    ink: Tensor
    paper: Tensor
    accent: Tensor


Lab = tuple[float, float, float]


def to_lab(lightness: float, chroma: float, hue: float) -> Lab:
    angle = math.radians(hue)
    return lightness, chroma * math.cos(angle), chroma * math.sin(angle)


def _linear(lab: Lab) -> tuple[float, float, float]:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def to_srgb(lab: Lab) -> tuple[float, float, float]:
    """sRGB 0..1; a colour outside the gamut loses chroma, not hue or lightness, until it fits."""
    lightness, a, b = min(max(lab[0], 0.0), 1.0), lab[1], lab[2]
    keep = 1.0
    for _ in range(24):
        rgb = _linear((lightness, a * keep, b * keep))
        if all(-0.0005 <= channel <= 1.0005 for channel in rgb):
            break
        keep *= 0.92
    red, green, blue = (_encode(channel) for channel in rgb)
    return red, green, blue


def _encode(channel: float) -> float:
    channel = min(max(channel, 0.0), 1.0)
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _towards(hue: float, target: float, share: float) -> float:
    """Turn a hue towards another the short way round."""
    return hue + share * ((target - hue + 180) % 360 - 180)


@dataclass(frozen=True, slots=True)
class _Key:
    """The hues of one picture and how the prompt bends lightness and chroma."""

    first: float
    second: float
    reading: Reading

    def lab(self, stop: Stop, place: float) -> Lab:
        lightness, chroma, offset = stop
        light = self.reading.light
        lightness *= 1 + 0.35 * min(light, 0)
        lightness += (1 - lightness) * 0.35 * max(light, 0)
        chroma *= 1 + 0.45 * self.reading.chroma
        return to_lab(lightness, chroma, _towards(self.first, self.second, place) + offset)


def _key(recipe: Recipe, reading: Reading, dice: Dice) -> _Key:
    drift = dice.number(-recipe.drift, recipe.drift)
    first = second = recipe.hue + drift
    if reading.hues:
        first = _towards(first, reading.hues[0][0] + 0.3 * drift, recipe.pull * min(1, 0.4 + reading.hues[0][1]))
        second = first
    if len(reading.hues) > 1:
        second = _towards(first, reading.hues[1][0], recipe.pull)
    return _Key(first % 360, second % 360, reading)


def _ramp(stops: tuple[Stop, ...], key: _Key, turn: float) -> list[tuple[float, float, float]]:
    """RAMP colours along the stops, interpolated in OKLab, the hue turned by `turn` degrees."""
    last = len(stops) - 1
    labs = [key.lab((light, chroma, offset + turn), i / last) for i, (light, chroma, offset) in enumerate(stops)]
    colours = []
    for step in range(RAMP):
        place = step / (RAMP - 1) * last
        index = min(int(place), last - 1)
        share = place - index
        share = share * share * (3 - 2 * share) * 0.5 + share * 0.5
        pairs = zip(labs[index], labs[index + 1], strict=True)
        lightness, a, b = (low + (high - low) * share for low, high in pairs)
        colours.append(to_srgb((lightness, a, b)))
    return colours


def mix_colours(palette: str, readings: list[Reading], dice: Dice, device: torch.device) -> Colours:
    """The colours of each request's picture."""
    recipe = RECIPES[palette]
    ramps, others, inks, papers, accents = [], [], [], [], []
    for index, reading in enumerate(readings):
        own = dice.one(index)
        key = _key(recipe, reading, own)
        ramps.append(_ramp(recipe.stops, key, 0.0))
        others.append(_ramp(recipe.stops, key, recipe.turn * (1 if own.number(-1, 1) > 0 else -1)))
        inks.append(to_srgb(key.lab(recipe.ink, 0.0)))
        papers.append(to_srgb(key.lab(recipe.paper, 1.0)))
        accents.append(to_srgb(_accent(recipe, key, reading)))

    def table(rows: object) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32, device=device)

    return Colours(
        ramp=table(ramps).transpose(1, 2).contiguous(),
        other=table(others).transpose(1, 2).contiguous(),
        ink=table(inks)[:, :, None, None],
        paper=table(papers)[:, :, None, None],
        accent=table(accents)[:, :, None, None],
    )


def _accent(recipe: Recipe, key: _Key, reading: Reading) -> Lab:
    lightness, chroma, offset = recipe.accent
    hue = key.first + offset
    if len(reading.hues) > 1:
        hue = _towards(hue, reading.hues[1][0], 0.75 * recipe.pull)
    return to_lab(lightness, chroma, hue)


def look_up(ramp: Tensor, tone: Tensor) -> Tensor:
    """Colours (requests, 3, side, side) of tones (requests, side, side) in 0..1."""
    index = (tone.clamp(0, 1) * (RAMP - 1) + 0.5).long()
    return torch.stack([ramp[i][:, index[i]] for i in range(len(tone))])
