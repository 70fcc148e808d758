"""What is on the easel while a batch is painted, shared by the surfaces and the marks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from arena.generation.backends.painter.colour import Colours
from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.settings import PainterSettings


@dataclass(slots=True)
class Easel:
    """Fields (requests, side, side): `tone` 0 dark..1 light, `hue` 0..1 between the two ramps, `height` 0..1,
    `accent` coverage 0..1; `x`, `y` the flat plane and `u`, `v` the bent one."""

    settings: PainterSettings
    colours: Colours
    dice: Dice
    x: Tensor
    y: Tensor
    u: Tensor
    v: Tensor
    tone: Tensor
    hue: Tensor
    height: Tensor
    accent: Tensor
    depth: Tensor

    @property
    def side(self) -> int:
        return self.tone.shape[-1]


def mix(below: Tensor, above: Tensor, cover: Tensor) -> Tensor:
    """Lay a colour over an image (requests, 3, side, side) by coverage (requests, side, side)."""
    return below + (above - below) * cover[:, None]


def blur(field: Tensor, radius: int) -> Tensor:
    """Two box blurs each way, which is close to a Gaussian. (requests, side, side)."""
    size = 2 * radius + 1
    image = functional.pad(field[:, None], (2 * radius,) * 4, mode="replicate")
    for _ in range(2):
        image = functional.avg_pool2d(image, (1, size), stride=1)
        image = functional.avg_pool2d(image, (size, 1), stride=1)
    return image[:, 0]
