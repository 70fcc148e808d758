"""Surfaces: how a painter turns tones into colour, before any line work."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from arena.generation.backends.painter.colour import RAMP, look_up
from arena.generation.backends.painter.easel import Easel, blur, mix
from arena.generation.backends.painter.panes import find_panes
from arena.generation.backends.painter.plane import slope, smoothstep
from arena.generation.backends.painter.strokes import strokes


def _cycled(tone: Tensor, cycles: int) -> Tensor:
    """Run through the palette and back, so that neighbouring tones still meet without a jump."""
    if cycles == 1:
        return tone
    place = tone * cycles / 2
    return 1 - (place - torch.round(place)).abs() * 2


def coloured(easel: Easel, tone: Tensor, hue: Tensor) -> Tensor:
    image = look_up(easel.colours.ramp, tone)
    return mix(image, look_up(easel.colours.other, tone), hue)


def steps(tone: Tensor, levels: int) -> Tensor:
    """Tones in equal steps, each step's edge about a pixel soft."""
    scaled = tone * levels
    edge = torch.round(scaled)
    rise = ((scaled - edge) / slope(scaled).clamp(1e-4, 0.5) + 0.5).clamp(0, 1)
    return ((edge - 1 + rise).clamp(0, levels - 1)) / (levels - 1)


def ramp(easel: Easel) -> Tensor:
    """Tones straight through the palette."""
    tone = _cycled(easel.tone, easel.settings.cycles)
    return easel.lit(coloured(easel, tone, easel.hue))


def flat(easel: Easel) -> Tensor:
    """Flat areas with hard edges."""
    sheets = steps(_cycled(easel.tone, easel.settings.cycles), easel.settings.levels)
    return easel.lit(coloured(easel, sheets, steps(easel.hue, 2) * 0.8))


def paper(easel: Easel) -> Tensor:
    """Cut paper: flat sheets, the darker in front, each throwing a soft shadow down and to the right."""
    image = flat(easel)
    sheets = steps(easel.tone, easel.settings.levels)
    height = (1 - sheets) * (1 - easel.accent) + 0.75 * easel.accent
    step = easel.side // 100
    near = (blur(torch.roll(height, (step, step), (1, 2)), step // 2) - height).clamp(0, 0.5)
    far = (blur(torch.roll(height, (3 * step, 3 * step), (1, 2)), 2 * step) - height).clamp(0, 0.5)
    lit = (height - torch.roll(height, (2, 2), (1, 2))).clamp(0, 0.4)
    shade = 1 - 0.8 * near - 0.45 * far
    return image * shade.clamp(0.35, 1)[:, None] + 0.25 * lit[:, None]


def glass(easel: Easel) -> Tensor:
    """Stained glass: the forms cut into panes, no two quite the same colour, held in lead."""
    panes = find_panes(easel, easel.settings.levels + 2)
    tone = steps(blur(easel.tone, 3), easel.settings.levels)
    image = coloured(easel, (tone + 0.16 * (panes.draw - 0.5)).clamp(0, 1), (0.6 * easel.hue + 0.4 * panes.draw))
    image = easel.lit(image)
    edge = slope(4 * easel.sheen + 2.5 * easel.accent) * easel.side / 768
    cut = smoothstep(0.16, 0.4, blur(edge, 1))
    lead = torch.maximum(cut, 1 - smoothstep(0.0045, 0.0045 + 2.2 / easel.side, panes.gap))
    streaks = 0.5 + 0.5 * torch.sin(40 * easel.height + 12 * panes.draw)
    near = blur(lead, easel.side // 90)
    glow = 1.1 - 0.42 * near + 0.06 * streaks + 0.1 * (panes.draw - 0.5)
    return mix(image * glow[:, None], easel.colours.ink, lead)


def _screen(easel: Easel, cover: Tensor, pitch: float, degrees: float) -> Tensor:
    """Coverage printed through a dot screen at an angle."""
    turn = math.radians(degrees)
    rate = math.pi / pitch
    a = (easel.x * math.cos(turn) + easel.y * math.sin(turn)) * rate
    b = (easel.y * math.cos(turn) - easel.x * math.sin(turn)) * rate
    threshold = 0.5 + 0.25 * (torch.cos(a) + torch.cos(b))
    soft = rate * 2 / easel.side * 0.35
    # an empty plate prints nothing, not half a pixel in the middle of every dot
    return ((cover - threshold) / soft + 0.5).clamp(0, 1) * smoothstep(0.0, 0.05, cover)


def inks(easel: Easel) -> Tensor:
    """A two-colour print with a spot of a third: dot screens, overprinting, a slip between the plates."""
    pitch = 0.0125
    slip = max(1, easel.side // 170)
    dark = 1 - steps(easel.tone, easel.settings.levels)
    first = smoothstep(0.18, 0.98, dark) * 1.03
    second = (0.85 * smoothstep(0.3, 0.95, easel.hue) + 0.35 * smoothstep(0.5, 1.0, dark)) * 1.02
    spot = easel.accent * smoothstep(0.1, 0.6, easel.sheen)
    plates = [
        (look_up_one(easel.colours.ramp, 0.36), _screen(easel, first * (1 - spot), pitch, 22)),
        (
            look_up_one(easel.colours.other, 0.72),
            _screen(easel, torch.roll(second * (1 - easel.accent), (slip, -slip), (1, 2)), pitch, 67),
        ),
        (easel.colours.accent, torch.roll(easel.accent, (-slip, slip), (1, 2))),
    ]
    image = easel.colours.paper.expand(-1, -1, easel.side, easel.side)
    for colour, cover in plates:
        image = image * (1 - cover[:, None] * (1 - colour))
    return image


def look_up_one(table: Tensor, place: float) -> Tensor:
    """One colour of each request's ramp, (requests, 3, 1, 1)."""
    return table[:, :, int(place * (RAMP - 1)), None, None]


def silk(easel: Easel) -> Tensor:
    """Cloth: folds along the network's height, dark in the valleys and with a sheen on their backs."""
    body = blur(easel.tone, easel.side // 64)
    hang = easel.dice.uniform(0.3, 1.2, 1, 1)
    across = blur(easel.u, 8) * torch.cos(hang) + blur(easel.v, 8) * torch.sin(hang)
    height = blur(easel.height, easel.side // 64)
    phase = 2 * math.pi * (easel.settings.cycles * (0.55 * height + 0.6 * across) + 0.8 * body)
    fold = torch.sin(phase) + 0.22 * torch.sin(2.0 * phase + 3 * easel.hue)
    image = easel.lit(coloured(easel, (0.14 + 0.68 * body + 0.12 * fold).clamp(0, 1), easel.hue))
    sheen = smoothstep(0.35, 1.15, fold) ** 2 * (0.25 + 0.3 * body)
    valley = smoothstep(-0.1, -1.2, fold) * 0.24
    image = image * (1 - valley)[:, None]
    return image + (1 - image) * sheen[:, None] * 0.8


def wash(easel: Easel) -> Tensor:
    """Ink washes: translucent layers whose edges dry dark, on absorbent paper."""
    side = easel.side
    granules = easel.dice.noise(72, 2, side, falloff=0.8)
    wander = easel.dice.noise(5, 4, side)
    density = torch.zeros_like(easel.tone)
    levels = easel.settings.levels
    for level in range(levels):
        brim = 0.62 - 0.56 * level / levels
        depth = brim - easel.tone + 0.03 * wander
        soft = 0.02 + 0.05 * (level % 2)
        wet = smoothstep(-soft * 0.3, soft, depth)
        edge = torch.exp(-((depth / 0.016) ** 2))
        pooled = 0.75 + 0.25 * smoothstep(0.0, 0.4, depth)
        density = density + (0.16 + 0.12 * level) * (wet * pooled * (1 + 0.07 * granules) + 0.22 * edge)
    image = easel.colours.paper * torch.exp(-density[:, None] * (1 - easel.colours.ink) * 1.15)
    seal = easel.accent * (0.93 + 0.05 * granules) * smoothstep(0.05, 0.3, easel.sheen)
    return mix(image, easel.colours.accent, seal.clamp(0, 1))


def brushed(easel: Easel) -> Tensor:
    """Strokes of a loaded brush."""
    ground = easel.lit(coloured(easel, easel.tone, easel.hue))
    return strokes(easel, ground)


SURFACES: dict[str, Callable[[Easel], Tensor]] = {
    "ramp": ramp,
    "flat": flat,
    "paper": paper,
    "glass": glass,
    "inks": inks,
    "silk": silk,
    "wash": wash,
    "strokes": brushed,
}
