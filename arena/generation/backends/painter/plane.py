"""The plane a painter works on: coordinates, the symmetries that fold it and the warps that bend it.

x grows to the right and y upwards, both from -1 to 1. All tensors are (requests, side, side).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.settings import PainterSettings


def coordinates(count: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    steps = (torch.arange(side, device=device, dtype=torch.float32) + 0.5) / side * 2 - 1
    x = steps.expand(count, side, side).contiguous()
    y = (-steps)[:, None].expand(count, side, side).contiguous()
    return x, y


def smoothstep(low: float | Tensor, high: float | Tensor, value: Tensor) -> Tensor:
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def slope(field: Tensor) -> Tensor:
    """How much a field changes from one pixel to the next, for edges that are one pixel soft."""
    dx, dy = differences(field)
    return torch.sqrt(dx * dx + dy * dy).clamp_min(1e-6)


def differences(field: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences to the right and downwards, per pixel."""
    dx = torch.zeros_like(field)
    dy = torch.zeros_like(field)
    dx[..., 1:-1] = (field[..., 2:] - field[..., :-2]) * 0.5
    dy[..., 1:-1, :] = (field[..., 2:, :] - field[..., :-2, :]) * 0.5
    return dx, dy


def fold(settings: PainterSettings, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Fold the plane so that what is drawn once appears in every fold."""
    match settings.symmetry:
        case "mirror":
            return x.abs(), y
        case "radial":
            sector = 2 * math.pi / settings.folds
            angle = torch.atan2(x, y)
            angle = (angle - sector * torch.round(angle / sector)).abs()
            radius = torch.sqrt(x * x + y * y)
            return radius * torch.sin(angle), radius * torch.cos(angle) * 1.3 - 0.75
        case "tiles":
            return _tile(x, settings.folds), _tile(y, settings.folds)
        case _:
            return x, y


def _tile(line: Tensor, folds: int) -> Tensor:
    scaled = line * folds / 2
    return (scaled - 2 * torch.round(scaled / 2)).abs() * 2 - 1


def _swirl(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    cx, cy = dice.uniform(-0.35, 0.35, 1, 1), dice.uniform(-0.25, 0.35, 1, 1)
    turn = amount * torch.sign(dice.uniform(-1, 1, 1, 1)) * dice.uniform(1.6, 3.2, 1, 1)
    dx, dy = x - cx, y - cy
    angle = turn * torch.exp(-(dx * dx + dy * dy) * 2.2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return cx + dx * cos - dy * sin, cy + dx * sin + dy * cos


def _polar(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    """Log-polar: straight lines become spirals. The angle is folded, so that there is no seam."""
    cx, cy = dice.uniform(-0.3, 0.3, 1, 1), dice.uniform(-0.2, 0.3, 1, 1)
    dx, dy = x - cx, y - cy
    depth = torch.log(torch.sqrt(dx * dx + dy * dy) + 0.2)
    angle = torch.atan2(dy, dx) + amount * dice.uniform(0.8, 1.6, 1, 1) * depth
    return torch.sin(angle) * 0.9, depth * 0.8 + 0.5


def _fractal(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    side = x.shape[-1]
    return x + 0.16 * amount * dice.noise(3, 4, side), y + 0.16 * amount * dice.noise(3, 4, side)


def _lens(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    cx, cy = dice.uniform(-0.4, 0.4, 1, 1), dice.uniform(-0.3, 0.4, 1, 1)
    dx, dy = x - cx, y - cy
    pull = 1 - 0.62 * min(amount, 1.4) * torch.exp(-(((dx * dx + dy * dy) * 3.5) ** 2))
    return cx + dx * pull, cy + dy * pull


def _marble(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    """Combs drawn through a bath of colour: alternating shears whose strength waves along the other axis."""
    for stroke in range(4):
        rate = dice.uniform(1.4, 3.2, 1, 1) * 1.45**stroke
        phase = dice.uniform(0, 2 * math.pi, 1, 1)
        reach = amount * 0.42 / 1.5**stroke
        if stroke % 2:
            x = x + reach * torch.sin(rate * y + phase)
        else:
            y = y + reach * torch.sin(rate * x + phase)
    return x, y


def _shards(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    """A picture cut along straight lines and put together a little askew."""
    for _ in range(4):
        turn, offset = dice.uniform(0, math.pi, 1, 1), dice.uniform(-0.45, 0.45, 1, 1)
        side = torch.sign(x * torch.cos(turn) + y * torch.sin(turn) - offset)
        x = x + side * amount * dice.uniform(-0.09, 0.09, 1, 1)
        y = y + side * amount * dice.uniform(-0.09, 0.09, 1, 1)
    return x, y


def _drape(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    """Cloth: two broad, smooth displacements, the second of what the first has moved."""
    side = x.shape[-1]
    reach = 0.3 * amount
    first = dice.noise(2, 2, side, falloff=0.4)
    x, y = x + reach * first, y + reach * dice.noise(2, 2, side, falloff=0.4)
    return x + reach * 0.7 * torch.sin(2.6 * y + 2 * first), y + reach * 0.7 * torch.sin(2.2 * x - 2 * first)


def _wave(x: Tensor, y: Tensor, amount: float, dice: Dice) -> tuple[Tensor, Tensor]:
    rate, phase = dice.uniform(2.5, 4.5, 1, 1), dice.uniform(0, 2 * math.pi, 1, 1)
    return x, y + 0.16 * amount * torch.sin(rate * x + phase + torch.sin(rate * 0.7 * y))


_WARPS: dict[str, Callable[[Tensor, Tensor, float, Dice], tuple[Tensor, Tensor]]] = {
    "swirl": _swirl,
    "polar": _polar,
    "fractal": _fractal,
    "lens": _lens,
    "marble": _marble,
    "shards": _shards,
    "drape": _drape,
    "wave": _wave,
}


def bend(settings: PainterSettings, x: Tensor, y: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
    """Apply the settings' warps in order."""
    for warp in settings.warps:
        x, y = _WARPS[warp.kind](x, y, warp.amount, dice)
    return x, y


def equalise(field: Tensor, share: float) -> Tensor:
    """Spread a field's values over 0..1, part by rank (so every tone gets its area), part linearly."""
    flat = field.reshape(len(field), -1)
    sample = flat[:, :: max(1, flat.shape[1] // 8192)].sort(dim=1).values
    count = sample.shape[1]
    low, high = sample[:, count // 100], sample[:, -1 - count // 100]
    span = (high - low).clamp_min(1e-6)
    bins = 512
    knots = low[:, None] + span[:, None] * torch.linspace(0, 1, bins + 1, device=field.device, dtype=torch.float32)
    rank = torch.searchsorted(sample, knots.contiguous()).to(field.dtype) / count
    straight = ((flat - low[:, None]) / span[:, None]).clamp(0, 1)
    place = straight * bins
    index = place.floor().clamp_max(bins - 1)
    below = rank.gather(1, index.long())
    above = rank.gather(1, index.long() + 1)
    ranked = below + (above - below) * (place - index)
    return (share * ranked + (1 - share) * straight).reshape(field.shape)
