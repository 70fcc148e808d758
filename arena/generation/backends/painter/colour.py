"""Colour: palettes as recipes in OKLCH, tuned by the prompt and baked into ramps of tones.

OKLab after Björn Ottosson (2020), https://bottosson.github.io/posts/oklab/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.palettes import RECIPES, Recipe, Stop
from arena.generation.backends.painter.reading import Reading

RAMP = 512
FAR = 75.0  # degrees beyond which a key is no answer to a hue

Lab = tuple[float, float, float]

_TO_CONES = torch.tensor(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ],
    dtype=torch.float64,
)
_TO_RGB = torch.tensor(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ],
    dtype=torch.float64,
)


@dataclass(frozen=True, slots=True)
class Colours:
    """sRGB 0..1: ramps (requests, 3, RAMP) from dark to light, single colours (requests, 3, 1, 1)."""

    ramp: Tensor
    other: Tensor
    ink: Tensor
    paper: Tensor
    accent: Tensor


def to_lab(lightness: float, chroma: float, hue: float) -> Lab:
    angle = math.radians(hue)
    return lightness, chroma * math.cos(angle), chroma * math.sin(angle)


def _linear(labs: Tensor) -> Tensor:
    return ((labs @ _TO_CONES.T) ** 3) @ _TO_RGB.T


def fit(labs: Sequence[Lab]) -> Tensor:
    """Colours (n, 3) in OKLab that sRGB can show: what is out of gamut loses chroma, not hue or lightness."""
    fitted = torch.tensor(labs, dtype=torch.float64)
    fitted[:, 0] = fitted[:, 0].clamp(0, 1)
    for _ in range(40):
        rgb = _linear(fitted)
        outside = ((rgb < -0.0005) | (rgb > 1.0005)).any(1)
        if not outside.any():
            break
        fitted[outside, 1:] *= 0.94
    return fitted


def to_srgb(labs: Tensor) -> Tensor:
    """sRGB 0..1 of OKLab colours (n, 3)."""
    rgb = _linear(labs).clamp(0, 1)
    return torch.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055).float()


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


@dataclass(frozen=True, slots=True)
class _Key:
    """The two hues of one picture (the light end leans to the second) and what the prompt does to both."""

    first: float
    second: float
    reading: Reading

    def lab(self, stop: Stop, place: float) -> Lab:
        lightness, chroma, offset = stop
        light = self.reading.light
        lightness *= 1 + 0.34 * min(light, 0) * (1 - 0.75 * place**2)  # the night keeps its lights
        lightness += (1 - lightness) * 0.35 * max(light, 0)
        chroma *= 1 + 0.4 * self.reading.chroma
        one = to_lab(lightness, chroma, self.first + offset)
        two = to_lab(lightness, chroma, self.second + offset)
        share = place**1.5
        return lightness, one[1] + share * (two[1] - one[1]), one[2] + share * (two[2] - one[2])


def _key(recipe: Recipe, reading: Reading, dice: Dice) -> _Key:
    drift = dice.number(-recipe.drift, recipe.drift)
    wanted = [hue for hue, _ in reading.hues[:2]] or [recipe.hue]
    if recipe.keys:
        wanted = [_nearest(recipe, hue) for hue in wanted]
    return _Key(wanted[0] + drift, wanted[-1] + drift, reading)


def _nearest(recipe: Recipe, hue: float) -> float:
    """The studio's key nearest to a hue; its own when none is near."""
    key = min(recipe.keys, key=lambda own: _apart(own, hue))
    return key if _apart(key, hue) < FAR else recipe.hue


def _ramp(stops: tuple[Stop, ...], key: _Key, turn: float) -> Tensor:
    """RAMP colours (RAMP, 3) along the stops, interpolated in OKLab, the hue turned by `turn` degrees."""
    last = len(stops) - 1
    labs = fit([key.lab((light, chroma, hue + turn), index / last) for index, (light, chroma, hue) in enumerate(stops)])
    place = torch.linspace(0, last, RAMP, dtype=torch.float64)
    index = place.long().clamp_max(last - 1)
    share = (place - index)[:, None]
    return to_srgb(labs[index] * (1 - share) + labs[index + 1] * share)


def _accent(recipe: Recipe, key: _Key, reading: Reading) -> Lab:
    if reading.lit is not None and not recipe.own_accent:
        return to_lab(*reading.lit)
    lightness, chroma, offset = recipe.accent
    return to_lab(lightness, chroma, key.first + offset)


def mix_colours(palette: str, readings: Sequence[Reading], dice: Dice, device: torch.device) -> Colours:
    """The colours of each request's picture."""
    recipe = RECIPES[palette]
    ramps, others, accents = [], [], []
    for index, reading in enumerate(readings):
        own = dice.one(index)
        key = _key(recipe, reading, own)
        ramps.append(_ramp(recipe.stops, key, 0.0))
        others.append(_ramp(recipe.stops, key, recipe.turn * (1 if own.number(-1, 1) > 0 else -1)))
        accents.append(_accent(recipe, key, reading))

    def plain(labs: Sequence[Lab]) -> Tensor:
        return to_srgb(fit(labs)).to(device)[:, :, None, None]

    return Colours(
        ramp=torch.stack(ramps).transpose(1, 2).contiguous().to(device),
        other=torch.stack(others).transpose(1, 2).contiguous().to(device),
        ink=plain([to_lab(*recipe.ink)] * len(readings)),
        paper=plain([to_lab(*recipe.paper)] * len(readings)),
        accent=plain(accents),
    )


def look_up(ramp: Tensor, tone: Tensor) -> Tensor:
    """Colours (requests, 3, side, side) of tones (requests, side, side) in 0..1."""
    index = (tone.clamp(0, 1) * (RAMP - 1) + 0.5).long()
    return torch.stack([ramp[i][:, index[i]] for i in range(len(tone))])
