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
    `accent` coverage 0..1 and `sheen` its shading; `x`, `y` the flat plane and `u`, `v` the bent one."""

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
    sheen: Tensor

    @property
    def side(self) -> int:
        return self.tone.shape[-1]

    def lit(self, image: Tensor) -> Tensor:
        """The image with what shines laid over it."""
        if self.settings.accents == 0:
            return image
        colour = (self.colours.accent * (0.42 + 0.65 * self.sheen)[:, None]).clamp(0, 1)
        return mix(image, colour, self.accent * self.settings.accents)


def mix(below: Tensor, above: Tensor, cover: Tensor) -> Tensor:
    """Lay a colour over an image (requests, 3, side, side) by coverage (requests, side, side)."""
    return below + (above - below) * cover[:, None]


def enlarge(field: Tensor, side: int) -> Tensor:
    """Fields (n, small, small) at a larger side.

    One channel at a time: with several, torch's bilinear kernel rounds differently for different numbers of threads
    (seen with 2.13 on x86), and a picture must not depend on how many cores the worker has.
    """
    return functional.interpolate(field[:, None], size=side, mode="bilinear", align_corners=False)[:, 0]


# Factors a side is reduced by before a broad blur; the working side is a multiple of each.
_FACTORS = (12, 8, 6, 4, 3, 2)


def blur(field: Tensor, radius: int) -> Tensor:
    """Two box blurs of a given radius in pixels, near to a Gaussian; broad ones at reduced size. (r, side, side)."""
    factor = next((each for each in _FACTORS if each * 1.5 <= radius and field.shape[-1] % each == 0), 1)
    image = functional.avg_pool2d(field[:, None], factor) if factor > 1 else field[:, None]
    reach = max(1, round(radius / factor))
    for _ in range(2):
        image = functional.pad(image, (reach,) * 4, mode="replicate")
        image = functional.avg_pool2d(image, (1, 2 * reach + 1), stride=1)
        image = functional.avg_pool2d(image, (2 * reach + 1, 1), stride=1)
    return enlarge(image[:, 0], field.shape[-1]) if factor > 1 else image[:, 0]
