"""Strokes: layers of brush marks, each laid along the forms and loaded with one colour."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from arena.generation.backends.painter.easel import Easel, blur, mix
from arena.generation.backends.painter.plane import smoothstep

# Broad strokes first. Shares of the side.
LAYERS = (0.12, 0.085, 0.06, 0.042, 0.042)


def strokes(easel: Easel, ground: Tensor) -> Tensor:
    """The ground's colours, brushed."""
    tone = blur(easel.tone, 4)
    dx = torch.roll(tone, -4, 2) - torch.roll(tone, 4, 2)
    dy = torch.roll(tone, -4, 1) - torch.roll(tone, 4, 1)
    length = torch.sqrt(dx * dx + dy * dy) + 1e-4
    sketch = torch.cat([ground, torch.stack([-dy / length, dx / length], 1)], 1)
    sketch = functional.avg_pool2d(sketch, 4)
    image = ground
    for layer, pitch in enumerate(LAYERS):
        image = _layer(easel, image, sketch, pitch, layer)
    return image


def _layer(easel: Easel, image: Tensor, sketch: Tensor, pitch: float, layer: int) -> Tensor:
    """One stroke in every square of a turned grid.

    What a stroke needs (its colour and its way) is looked up once per square, then spread over its pixels.
    """
    turn = 0.5 + 0.83 * layer
    cos, sin = math.cos(turn), math.sin(turn)
    reach = int(0.75 / pitch) + 2
    squares = torch.arange(-reach, reach + 1, device=image.device, dtype=torch.float32) + 0.5
    rows = len(squares)
    shift = easel.dice.uniform(-0.5, 0.5, 2)
    jitter = easel.dice.uniform(-0.12, 0.12, 2, rows, rows)
    middle_a = (squares[None, None, :] - shift[:, 0, None, None] + jitter[:, 0]) * pitch
    middle_b = (squares[None, :, None] - shift[:, 1, None, None] + jitter[:, 1]) * pitch
    place = torch.stack([middle_a * cos - middle_b * sin, middle_a * sin + middle_b * cos], -1) * 2
    loads = functional.grid_sample(sketch, place, mode="nearest", padding_mode="border", align_corners=False)
    loads[:, :3] = loads[:, :3] * (1 + easel.dice.uniform(-0.13, 0.13, 1, rows, rows))
    loads = torch.cat([loads, jitter], 1).reshape(len(image), 7, -1)

    p, q = easel.x / 2, -easel.y / 2
    across = (p * cos + q * sin) / pitch + shift[:, 0, None, None]
    along = (q * cos - p * sin) / pitch + shift[:, 1, None, None]
    a, b = torch.floor(across), torch.floor(along)
    where = ((b + reach) * rows + a + reach).long().reshape(len(image), -1)
    load = torch.stack([loads[i][:, where[i]] for i in range(len(image))])
    load = load.reshape(len(image), 7, easel.side, easel.side)
    da, db = across - a - 0.5 - load[:, 5], along - b - 0.5 - load[:, 6]
    way_x, way_y = load[:, 3], load[:, 4]
    way_a, way_b = way_x * cos + way_y * sin, way_y * cos - way_x * sin
    lengthwise, sideways = da * way_a + db * way_b, db * way_a - da * way_b
    sideways = sideways + 0.25 * lengthwise * lengthwise
    cover = smoothstep(1.0, 0.7, (lengthwise / 0.5) ** 2 + (sideways / 0.19) ** 2)
    bristle = 1 + 0.07 * torch.sin(sideways * 55 + 9 * load[:, 5])
    return mix(image, load[:, :3] * bristle[:, None], cover)
