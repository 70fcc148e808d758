"""The network every painter is made of: a compositional pattern-producing network, conditioned on the prompt.

At each point of the plane, h₀ = point, hₗ₊₁ = φ(Wₗ hₗ + bₗ + Cₗ c) and fields = W h_last, where φ applies a
different activation to each group of units and c holds the projected prompt embedding and some seeded numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from arena.generation.backends.painter.dice import Dice, generator
from arena.generation.backends.painter.reading import BUCKETS
from arena.generation.backends.painter.settings import PainterSettings

INPUTS = 6
FIELDS = 3
HEARD = 12  # numbers the embedding is projected to
LATENT = 4


def _activate(name: str, values: Tensor) -> None:
    """Apply an activation in place: at this size most of the time would go into copies."""
    match name:
        case "sin":
            values.sin_()
        case "tanh":
            values.tanh_()
        case "gauss":
            values.square_().neg_().exp_().mul_(2).sub_(1)
        case "abs":
            values.abs_().clamp_max_(3.0).sub_(1)
        case "softplus":
            values.copy_(functional.softplus(values)).sub_(0.7)
        case "softsign":
            values.div_(1 + values.abs())
        case "triangle":
            values.sub_(values.round()).abs_().mul_(4).sub_(1)
        case "sinc":
            values.copy_(torch.sinc(values))
        case _:
            raise ValueError(f"unknown activation {name!r}")


def _each(matrix: Tensor, rows: Tensor) -> Tensor:
    """matrix @ row for every row, one product per picture: its bits must not depend on the batch it is in."""
    return torch.stack([matrix @ row for row in rows])


class Network(nn.Module):
    """The shared weights of one painter (its hand); each picture mixes in its own by `variety`."""

    def __init__(self, settings: PainterSettings) -> None:
        super().__init__()
        self.settings = settings
        hand = generator("hand", settings.hand)
        sizes = [INPUTS] + [settings.width] * settings.depth + [FIELDS]
        self.shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.matrices = nn.ParameterList(
            nn.Parameter(torch.randn(shape, generator=hand, dtype=torch.float32), requires_grad=False)
            for shape in self.shapes
        )
        self.ear = nn.Parameter(
            torch.randn(HEARD, BUCKETS, generator=generator("ear"), dtype=torch.float32), requires_grad=False
        )
        self.listeners = nn.ParameterList(
            nn.Parameter(
                torch.randn(rows, HEARD + LATENT, generator=hand, dtype=torch.float32) * 0.45, requires_grad=False
            )
            for rows, _ in self.shapes[:-1]
        )

    def forward(self, points: Tensor, embedding: Tensor, pace: Tensor, dice: Dice) -> Tensor:
        """Fields (requests, FIELDS, pixels) at points (requests, INPUTS, pixels); `pace` scales frequency."""
        condition = torch.cat([_each(self.ear, embedding), dice.normal(LATENT)], 1)
        stray = self.settings.variety
        hidden = points
        for layer, (rows, columns) in enumerate(self.shapes):
            drawn = dice.normal(rows, columns)
            matrix = (1 - stray**2) ** 0.5 * self.matrices[layer] + stray * drawn
            if layer == 0:
                matrix = matrix * (self.settings.frequency * pace)[:, None, None]
            else:
                matrix = matrix * (1.5 / columns**0.5)
            hidden = torch.stack([weights @ units for weights, units in zip(matrix, hidden, strict=True)])
            if layer < len(self.listeners):
                shift = _each(self.listeners[layer], condition) + 0.6 * dice.normal(rows)
                hidden += shift[:, :, None]
                groups = hidden.tensor_split(len(self.settings.activations), dim=1)
                for name, group in zip(self.settings.activations, groups, strict=True):
                    _activate(name, group)
        return hidden
