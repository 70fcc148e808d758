"""Chance, seeded per request and drawn on the CPU: batches, single pictures and GPUs see the same numbers.

Here as elsewhere in this package a new tensor names its type: torch's default is one of the whole process, and another
thread that loads a model of half precision sets it for a moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def generator(*parts: object) -> torch.Generator:
    """A CPU generator that depends on every part and on nothing else."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


class Dice:
    """One generator per request; each draw gives a tensor with the requests along its first dimension."""

    def __init__(self, generators: Sequence[torch.Generator], device: torch.device) -> None:
        self.generators = list(generators)
        self.device = device

    def __len__(self) -> int:
        return len(self.generators)

    def one(self, index: int) -> Dice:
        """The dice of a single request; its draws advance that request's generator only."""
        return Dice(self.generators[index : index + 1], self.device)

    def normal(self, *shape: int) -> Tensor:
        return torch.stack([torch.randn(shape, generator=each, dtype=torch.float32) for each in self.generators]).to(
            self.device
        )

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        draws = torch.stack([torch.rand(shape, generator=each, dtype=torch.float32) for each in self.generators])
        return (low + (high - low) * draws).to(self.device)

    def number(self, low: float, high: float) -> float:
        """A plain number for a single request."""
        return low + (high - low) * float(torch.rand((), generator=self.generators[0], dtype=torch.float32))

    def noise(self, cells: int, octaves: int, side: int, falloff: float = 0.5) -> Tensor:
        """Smooth fractal noise (requests, side, side) of about unit spread, `cells` bumps across.

        Summed at a quarter of the resolution while the finest octave still has four pixels a cell there.
        """
        coarse = max(side // 4, min(side, cells * 2 ** (octaves - 1) * 4))
        total = torch.zeros(len(self), 1, coarse, coarse, device=self.device, dtype=torch.float32)
        power = 0.0
        for octave in range(octaves):
            lattice = self.normal(1, cells * 2**octave + 3, cells * 2**octave + 3)
            layer = functional.interpolate(lattice, size=coarse, mode="bicubic", align_corners=True)
            total = total + falloff**octave * layer
            power += falloff ** (2 * octave)
        total = total / (power**0.5 * 0.75)
        if coarse != side:
            total = functional.interpolate(total, size=side, mode="bilinear", align_corners=False)
        return total[:, 0]
