"""Setting the scene a prompt asks for; one that names nothing known gets an abstract one by its embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.motifs import MOTIFS
from arena.generation.backends.painter.reading import Reading
from arena.generation.backends.painter.stage import Stage

MOST_MOTIFS = 4
UNSAID = (
    ("sun", "ridges"),
    ("rings",),
    ("spiral",),
    ("moon", "dunes"),
    ("planet",),
    ("sun", "hills"),
    ("leaves",),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """`tone`, `accent` and `depth` of every request, (requests, side, side)."""

    tone: Tensor
    accent: Tensor
    depth: Tensor


def set_scene(u: Tensor, v: Tensor, readings: Sequence[Reading], dice: Dice) -> Scene:
    """Every request's scene on its bent plane."""
    stages = []
    for index, reading in enumerate(readings):
        stage = Stage(u[index], v[index], reading, dice.one(index))
        named = set(reading.motifs[:MOST_MOTIFS] or _unsaid(reading))
        for motif, lay in MOTIFS.items():
            if motif in named:
                lay(stage)
        stages.append(stage)
    return Scene(
        tone=torch.stack([stage.tone for stage in stages]),
        accent=torch.stack([stage.accent for stage in stages]),
        depth=torch.stack([stage.depth for stage in stages]),
    )


def _unsaid(reading: Reading) -> tuple[str, ...]:
    strength = sum(abs(value) * (index + 1) for index, value in enumerate(reading.embedding))
    return UNSAID[int(strength * 10) % len(UNSAID)]
