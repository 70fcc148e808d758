"""Marks: line work laid over a surface, and the finish of the print (light, grain, margin)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from arena.generation.backends.painter.easel import Easel, blur, enlarge, mix
from arena.generation.backends.painter.plane import differences, slope, smoothstep
from arena.generation.backends.painter.settings import Mark


def _contours(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    """Lines of equal tone; every fourth is bolder."""
    scaled = blur(easel.tone, 2) / mark.spacing / 2
    nearest = torch.round(scaled)
    pixels = (scaled - nearest).abs() / slope(scaled)
    bold = torch.ones_like(pixels).masked_fill(torch.remainder(nearest, 4) == 0, 1.8)
    width = (0.5 + 2.2 * mark.weight) * easel.side / 1024 * bold
    line = (width - pixels + 0.5).clamp(0, 1)
    crowded = smoothstep(0.45, 0.2, slope(scaled))  # where lines would merge there are none
    return mix(image, easel.colours.ink, line * crowded)


def _hatching(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    """Engraver's lines that swell in the dark and bow over the forms; crossed in the deepest shade."""
    dark = 1 - easel.tone
    cover = torch.zeros_like(dark)
    for angle, start in ((0.5, 0.0), (-0.75, 0.62)):
        along = easel.v * math.cos(angle) + easel.u * math.sin(angle) + 0.12 * easel.height
        phase = along / (2 * mark.spacing)
        wave = (phase - torch.round(phase)).abs() * 2
        width = smoothstep(start, 1.05, dark) * (0.55 + 0.5 * mark.weight)
        soft = (slope(phase) * 2).clamp(0.02, 1)
        cover = torch.maximum(cover, ((width - wave) / soft + 0.5).clamp(0, 1) * (width > 0.03))
    return mix(image, easel.colours.ink, cover * (1 - easel.accent))


def _halftone(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    turn = math.radians(30)
    rate = math.pi / mark.spacing
    a = (easel.x * math.cos(turn) + easel.y * math.sin(turn)) * rate
    b = (easel.y * math.cos(turn) - easel.x * math.sin(turn)) * rate
    threshold = 0.5 + 0.25 * (torch.cos(a) + torch.cos(b))
    soft = rate * 0.7 / easel.side
    dots = (((1 - easel.tone) * (0.6 + 0.5 * mark.weight) - threshold) / soft + 0.5).clamp(0, 1)
    return mix(image, easel.colours.ink, dots * (1 - easel.accent))


def _stipple(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    """Ink dots, one in a displaced place of every cell, bigger in the dark."""
    p, q = (easel.x + 1) / 2 / mark.spacing, (1 - easel.y) / 2 / mark.spacing
    a, b = torch.floor(p), torch.floor(q)
    draws = [torch.frac(torch.sin(a * 12.99 + b * 78.23 + 3.1 * n) * 437.6).abs() for n in range(2)]
    distance = torch.sqrt((p - a - 0.3 - 0.4 * draws[0]) ** 2 + (q - b - 0.3 - 0.4 * draws[1]) ** 2)
    radius = 0.42 * torch.sqrt((1 - easel.tone).clamp_min(0)) * (0.4 + 0.8 * mark.weight)
    soft = 1 / (mark.spacing * easel.side)
    dots = ((radius - distance) / soft + 0.5).clamp(0, 1)
    return mix(image, easel.colours.ink, dots * (1 - easel.accent) * (radius > 0.08))


def _leading(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    """Outlines where the tone steps, and round every lit shape."""
    field = easel.tone * 0.8 + easel.accent
    dx, dy = differences(blur(field, max(1, int(2 + 4 * mark.weight))))
    edge = torch.sqrt(dx * dx + dy * dy) * easel.side / 1024
    return mix(image, easel.colours.ink, smoothstep(0.012, 0.03, edge))


def _grout(easel: Easel, image: Tensor, mark: Mark) -> Tensor:
    """The joints between tiles, with the rounded shoulder of each glazed edge."""
    folds = easel.settings.folds
    place_x, place_y = easel.x * folds / 2, easel.y * folds / 2
    near = torch.minimum(*((place - torch.round(place)).abs() for place in (place_x, place_y))) / folds
    width = 0.001 + 0.005 * mark.weight
    shoulder = smoothstep(width, width * 4, near)
    joint = 1 - smoothstep(width * 0.6, width * 0.6 + 2 / easel.side, near)
    return mix(image * (0.8 + 0.2 * shoulder)[:, None], easel.colours.paper * 0.82, joint)


_MARKS: dict[str, Callable[[Easel, Tensor, Mark], Tensor]] = {
    "contours": _contours,
    "hatching": _hatching,
    "halftone": _halftone,
    "stipple": _stipple,
    "leading": _leading,
    "grout": _grout,
}


def draw(easel: Easel, image: Tensor) -> Tensor:
    """The settings' marks, in order."""
    for mark in easel.settings.marks:
        image = _MARKS[mark.kind](easel, image, mark)
    return image


def light(easel: Easel, image: Tensor) -> Tensor:
    """Light from the top left over the picture's relief."""
    if easel.settings.relief == 0:
        return image
    body = blur(0.6 * easel.height + 0.4 * easel.tone, 4)
    dx, dy = differences(body)
    shade = ((dx + dy) * easel.side * 0.22).clamp(-1, 1) * easel.settings.relief
    lifted = image * (1 + 0.5 * shade.clamp(-1, 0))[:, None]
    return lifted + (1 - lifted) * (0.45 * shade.clamp(0, 1))[:, None]


def bloom(easel: Easel, image: Tensor) -> Tensor:
    """Bright parts spill light around them."""
    if easel.settings.glow == 0:
        return image
    small = functional.avg_pool2d((image - 0.55).clamp_min(0), 4)
    channels = small.reshape(-1, *small.shape[2:])
    spill = enlarge(blur(channels, 6) + blur(channels, 18), easel.side).reshape(image.shape)
    return 1 - (1 - image.clamp(0, 1)) * (1 - (1.1 * easel.settings.glow * spill).clamp(0, 1))


def finish(easel: Easel, image: Tensor) -> Tensor:
    """Grain and an unprinted margin. Works on the picture at its final size."""
    side = image.shape[-1]
    settings = easel.settings
    if settings.grain:
        fine = easel.dice.normal(side, side)
        soft = easel.dice.noise(32, 2, side)
        image = image * (1 + settings.grain * (0.026 * fine + 0.009 * soft))[:, None]
    if settings.margin:
        steps = ((torch.arange(side, device=image.device, dtype=torch.float32) + 0.5) / side * 2 - 1).abs()
        outside = torch.maximum(steps[None, :], steps[:, None]).expand(len(image), -1, -1)
        rough = 0.0022 * easel.dice.noise(48, 3, side)
        rim = 1 - 2 * settings.margin
        cover = ((outside + rough - rim) * side / 2 + 0.5).clamp(0, 1)
        image = mix(image, easel.colours.paper, cover)
    return image
