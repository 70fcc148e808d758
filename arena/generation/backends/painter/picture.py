"""From a prompt to pixels: fold and bend the plane, set the scene, run the network, colour, draw, print."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from arena.generation.backends.painter.colour import look_up, mix_colours
from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.network import INPUTS, Network
from arena.generation.backends.painter.plane import bend, coordinates, equalise, fold
from arena.generation.backends.painter.reading import read
from arena.generation.backends.painter.settings import PainterSettings

SIDE = 512


def paint(
    settings: PainterSettings,
    network: Network,
    prompts: Sequence[str],
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Pictures as bytes (requests, SIDE, SIDE, 3) on the network's device."""
    device = network.ear.device
    dice = Dice(generators, device)
    readings = [read(prompt) for prompt in prompts]
    colours = mix_colours(settings.palette, readings, dice, device)
    x, y = coordinates(len(prompts), SIDE, device)
    u, v = bend(settings, *fold(settings, x, y), dice)
    noise = dice.noise(3, 3, SIDE)
    points = torch.stack([u, v, torch.sqrt(u * u + v * v), noise * 0.3, x * 0.3, y * 0.3], 1)
    embedding = torch.tensor([reading.embedding for reading in readings], device=device)
    pace = torch.tensor([1.5**reading.energy for reading in readings], device=device)
    fields = network(points.reshape(len(prompts), INPUTS, -1), embedding, pace, dice)
    form, hue, _ = fields.reshape(len(prompts), -1, SIDE, SIDE).unbind(1)
    tone = equalise(form, 0.7)
    share = equalise(hue, 0.5)[:, None]
    image = look_up(colours.ramp, tone) * (1 - share) + look_up(colours.other, tone) * share
    image = functional.interpolate(image, size=SIDE, mode="bilinear", antialias=True)
    return (image.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
