"""Surfaces: how a painter turns tones into colour, before any line work."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from arena.generation.backends.painter.colour import look_up
from arena.generation.backends.painter.easel import Easel, blur, mix
from arena.generation.backends.painter.plane import slope, smoothstep


def _coloured(easel: Easel, tone: Tensor, hue: Tensor) -> Tensor:
    image = look_up(easel.colours.ramp, tone)
    return mix(image, look_up(easel.colours.other, tone), hue)


def ramp(easel: Easel) -> Tensor:
    """Tones straight through the palette."""
    image = _coloured(easel, easel.tone, easel.hue)
    return mix(image, easel.colours.accent, easel.accent)


def _steps(tone: Tensor, levels: int) -> Tensor:
    """Tones in equal steps, each step's edge about a pixel soft."""
    scaled = tone * levels
    edge = torch.round(scaled)
    rise = ((scaled - edge) / slope(scaled).clamp(1e-4, 0.5) + 0.5).clamp(0, 1)
    return ((edge - 1 + rise).clamp(0, levels - 1)) / (levels - 1)


def paper(easel: Easel) -> Tensor:
    """Cut paper: flat sheets, the darker in front, each throwing a soft shadow down and to the right."""
    sheets = _steps(easel.tone, easel.settings.levels)
    image = _coloured(easel, sheets, _steps(easel.hue, 2) * 0.8)
    image = mix(image, easel.colours.accent, easel.accent)
    height = (1 - sheets) + 0.3 * easel.accent
    step = easel.side // 100
    thrown = torch.roll(height, (step, step), (1, 2))
    near = (blur(thrown, step // 2) - height).clamp(0, 0.5)
    far = (blur(torch.roll(height, (3 * step, 3 * step), (1, 2)), 2 * step) - height).clamp(0, 0.5)
    lit = (height - torch.roll(height, (2, 2), (1, 2))).clamp(0, 0.4)
    shade = 1 - 0.9 * near - 0.55 * far
    return image * shade.clamp(0.35, 1)[:, None] + 0.25 * lit[:, None]


def glass(easel: Easel) -> Tensor:
    """Stained glass: irregular panes, each in one colour, glowing towards its middle."""
    count = easel.settings.levels * 2
    side = easel.side
    jitter = easel.dice.uniform(0.12, 0.88, count + 4, count + 4, 2)
    x, y = (easel.x + 1) / 2 * count, (1 - easel.y) / 2 * count
    column, row = torch.floor(x), torch.floor(y)
    best = torch.full_like(x, 1e9)
    second = torch.full_like(x, 1e9)
    bx, by, sx, sy = (torch.zeros_like(x) for _ in range(4))
    flat = jitter.reshape(len(x), -1, 2)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            where = ((row + dr + 2) * (count + 4) + column + dc + 2).long().reshape(len(x), -1)
            site_x = flat[..., 0].gather(1, where).reshape(x.shape) + column + dc
            site_y = flat[..., 1].gather(1, where).reshape(x.shape) + row + dr
            distance = (site_x - x) ** 2 + (site_y - y) ** 2
            nearer = distance < best
            closer = ~nearer & (distance < second)
            second = torch.where(nearer, best, torch.where(closer, distance, second))
            sx = torch.where(nearer, bx, torch.where(closer, site_x, sx))
            sy = torch.where(nearer, by, torch.where(closer, site_y, sy))
            best = torch.where(nearer, distance, best)
            bx, by = torch.where(nearer, site_x, bx), torch.where(nearer, site_y, by)
    gap = (second - best) / (2 * torch.sqrt((bx - sx) ** 2 + (by - sy) ** 2).clamp_min(1e-3)) / count
    tone = _at(blur(easel.tone, side // 100), bx / count, by / count)
    hue = _at(easel.hue, bx / count, by / count)
    accent = _at(easel.accent, bx / count, by / count)
    image = mix(_coloured(easel, tone, hue), easel.colours.accent, (accent > 0.5).to(tone.dtype))
    glow = 0.78 + 0.32 * smoothstep(0.0, 0.5 / count, gap) + 0.14 * (easel.height - 0.5)
    lead = 1 - smoothstep(0.0035, 0.0035 + 2.2 / side, gap)
    return mix(image * glow[:, None], easel.colours.ink, lead)


def _at(field: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A field's values at places (0..1 from the top left)."""
    side = field.shape[-1]
    column = (x * side).long().clamp(0, side - 1)
    row = (y * side).long().clamp(0, side - 1)
    where = (row * side + column).reshape(len(field), -1)
    return field.reshape(len(field), -1).gather(1, where).reshape(field.shape)


def _screen(easel: Easel, cover: Tensor, pitch: float, degrees: float) -> Tensor:
    """Coverage printed through a dot screen at an angle."""
    turn = math.radians(degrees)
    rate = 2 * math.pi / (2 * pitch)
    a = (easel.x * math.cos(turn) + easel.y * math.sin(turn)) * rate
    b = (easel.y * math.cos(turn) - easel.x * math.sin(turn)) * rate
    threshold = 0.5 + 0.25 * (torch.cos(a) + torch.cos(b))
    soft = rate * 2 / easel.side * 0.35
    return ((cover - threshold) / soft + 0.5).clamp(0, 1)


def inks(easel: Easel) -> Tensor:
    """A two-colour print with a spot of a third: dot screens, overprinting, a slip between the plates."""
    pitch = 0.012
    slip = max(1, easel.side // 170)
    first = smoothstep(0.05, 1.0, 1 - easel.tone) * 1.02
    second = smoothstep(0.35, 1.0, easel.hue * 0.75 + 0.45 * (1 - easel.tone)) * 0.95
    second = torch.roll(second, (slip, -slip), (1, 2)) * (1 - easel.accent)
    plates = [
        (easel.colours.ink, _screen(easel, first * (1 - easel.accent), pitch, 22)),
        (easel.colours.other[:, :, 300, None, None], _screen(easel, second, pitch, 67)),
        (easel.colours.accent, torch.roll(easel.accent, (-slip, slip), (1, 2))),
    ]
    image = easel.colours.paper.expand(-1, -1, easel.side, easel.side)
    for colour, cover in plates:
        image = image * (1 - cover[:, None] * (1 - colour))
    return image


def wash(easel: Easel) -> Tensor:
    """Ink washes: translucent layers whose edges dry dark, on absorbent paper."""
    side = easel.side
    granules = easel.dice.noise(40, 3, side, falloff=0.7)
    wander = easel.dice.noise(6, 4, side)
    density = torch.zeros_like(easel.tone)
    for level in range(easel.settings.levels):
        brim = 0.78 - 0.72 * level / easel.settings.levels
        depth = brim - easel.tone + 0.035 * wander
        wet = smoothstep(-0.012, 0.03, depth)
        edge = torch.exp(-((depth / 0.022) ** 2))
        density = density + (0.26 + 0.1 * level) * (wet * (0.8 + 0.1 * granules) + 0.3 * edge)
    absorb = (1 - easel.colours.ink) * 0.9
    image = easel.colours.paper * torch.exp(-density[:, None] * absorb * 1.25)
    seal = easel.accent * (0.9 + 0.06 * granules)
    return mix(image, easel.colours.accent, seal.clamp(0, 1))


def strokes(easel: Easel) -> Tensor:
    """Brush strokes along the forms, broad ones first, over a toned ground."""
    tone = blur(easel.tone, 3)
    image = _coloured(easel, tone * 0.85, easel.hue)
    dx = torch.roll(tone, -4, 2) - torch.roll(tone, 4, 2)
    dy = torch.roll(tone, -4, 1) - torch.roll(tone, 4, 1)
    angle = torch.atan2(blur(dx, 6), -blur(dy, 6))
    for layer, pitch in enumerate((0.11, 0.075, 0.05, 0.035, 0.035)):
        image = _dab(easel, image, angle, pitch, layer)
    return image


def _dab(easel: Easel, image: Tensor, angle: Tensor, pitch: float, layer: int) -> Tensor:
    """One layer of strokes: one in every cell of a turned grid, laid along the form at its middle."""
    turn = 0.5 + 0.83 * layer
    cos, sin = math.cos(turn), math.sin(turn)
    shift = easel.dice.uniform(0, 1, 2, 1, 1)
    p, q = (easel.x + 1) / 2, (1 - easel.y) / 2
    across = (p * cos + q * sin) / pitch + shift[:, 0]
    along = (q * cos - p * sin) / pitch + shift[:, 1]
    a, b = torch.floor(across) + 0.5, torch.floor(along) + 0.5
    middle_a, middle_b = (a - shift[:, 0]) * pitch, (b - shift[:, 1]) * pitch
    site_x, site_y = middle_a * cos - middle_b * sin, middle_a * sin + middle_b * cos
    direction = _at(angle, site_x, site_y)
    draw = torch.frac(torch.sin(a * 12.99 + b * 78.23 + layer) * 437.6)
    dx, dy = (p - site_x) / pitch, (q - site_y) / pitch
    length = dx * torch.cos(direction) + dy * torch.sin(direction)
    breadth = dy * torch.cos(direction) - dx * torch.sin(direction)
    reach = (length / 0.52) ** 2 + (breadth / 0.2) ** 2
    cover = smoothstep(1.0, 0.72, reach)
    bristle = 1 + 0.06 * torch.sin(breadth * 60 + draw * 40)
    tone = (_at(easel.tone, site_x, site_y) + 0.1 * draw).clamp(0, 1)
    hue = (_at(easel.hue, site_x, site_y) + 0.35 * draw).clamp(0, 1)
    colour = mix(_coloured(easel, tone, hue), easel.colours.accent, _at(easel.accent, site_x, site_y))
    return mix(image, colour * bristle[:, None], cover)


SURFACES: dict[str, Callable[[Easel], Tensor]] = {
    "ramp": ramp,
    "paper": paper,
    "glass": glass,
    "inks": inks,
    "wash": wash,
    "strokes": strokes,
}
