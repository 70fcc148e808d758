"""From a prompt to pixels: fold and bend the plane, set the scene, run the network, colour, draw, print."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from arena.generation.backends.painter.colour import mix_colours
from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.easel import Easel, enlarge
from arena.generation.backends.painter.marks import bloom, draw, finish, light
from arena.generation.backends.painter.network import FIELDS, INPUTS, Network
from arena.generation.backends.painter.plane import bend, coordinates, equalise, fold
from arena.generation.backends.painter.reading import Reading, read
from arena.generation.backends.painter.scene import Scene, set_scene
from arena.generation.backends.painter.settings import PainterSettings
from arena.generation.backends.painter.surfaces import SURFACES

SIDE = 512
# Painted larger and reduced, so that every edge is smooth. The network's fields are smooth by nature
# and are computed at half the working size.
WORK = 768
THOUGHT = 384


def paint(
    settings: PainterSettings,
    network: Network,
    prompts: Sequence[str],
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Pictures as bytes (requests, SIDE, SIDE, 3) on the network's device."""
    easel = _prepare(settings, network, [read(prompt) for prompt in prompts], generators)
    image = SURFACES[settings.surface](easel)
    image = light(easel, image)
    image = bloom(easel, draw(easel, image))
    image = functional.interpolate(image, size=SIDE, mode="bilinear", antialias=True, align_corners=False)
    image = finish(easel, image)
    return (image.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _prepare(
    settings: PainterSettings,
    network: Network,
    readings: Sequence[Reading],
    generators: Sequence[torch.Generator],
) -> Easel:
    device = network.ear.device
    dice = Dice(generators, device)
    colours = mix_colours(settings.palette, list(readings), dice, device)
    x, y = coordinates(len(readings), WORK, device)
    u, v = bend(settings, *fold(settings, x, y), dice)
    scene = set_scene(u, v, readings, dice)
    form, hue, height = _think(network, readings, u, v, scene, dice)
    said = settings.listening
    tone = equalise(said * scene.tone + (1 - said) * equalise(form, 0.8), 0.55)
    return Easel(settings, colours, dice, x, y, u, v, tone, hue, height, scene.accent, scene.tone)


def _think(
    network: Network, readings: Sequence[Reading], u: Tensor, v: Tensor, scene: Scene, dice: Dice
) -> list[Tensor]:
    """The network's fields, each spread over 0..1, at working size."""
    device = u.device
    seen = torch.stack([u, v, scene.tone * 2 - 1, scene.depth], 1)
    u, v, tone, depth = functional.avg_pool2d(seen, WORK // THOUGHT).unbind(1)
    # noise lies on the flat plane and would break a symmetry
    noise = dice.noise(3, 3, THOUGHT) * (0.25 if network.settings.symmetry == "none" else 0.0)
    points = torch.stack([u, v, torch.sqrt(u * u + v * v), tone, depth, noise], 1)
    embedding = torch.tensor([reading.embedding for reading in readings], device=device, dtype=torch.float32)
    pace = torch.tensor([1.5**reading.energy for reading in readings], device=device, dtype=torch.float32)
    fields = network(points.reshape(len(readings), INPUTS, -1), embedding, pace, dice)
    fields = fields.reshape(len(readings), FIELDS, THOUGHT, THOUGHT)
    return [enlarge(equalise(field, 0.5), WORK) for field in fields.unbind(1)]
