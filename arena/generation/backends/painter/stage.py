"""The stage: one request's scene, laid back to front as tones, lights and depth on the bent plane."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from arena.generation.backends.painter.dice import Dice
from arena.generation.backends.painter.reading import Reading


class Stage:
    """`tone` 0 dark..1 light, `accent` the coverage of lit shapes, `depth` 0 far..1 near; all (side, side).

    `u` and `v` are the bent coordinates, `horizon` a height, `focus` the point the eye should find and `count`
    how many of a thing the prompt wants.
    """

    def __init__(self, u: Tensor, v: Tensor, reading: Reading, dice: Dice) -> None:
        self.u, self.v, self.dice = u, v, dice
        self.energy, self.light_mood = reading.energy, reading.light
        self.count = reading.count
        self.peopled = bool({"dancer", "figure"} & set(reading.motifs))
        self.indoors = "window" in reading.motifs
        self.softness = 3.0 / u.shape[-1]
        self.horizon = dice.number(-0.3, 0.02)
        third = dice.number(0.18, 0.42) * (1 if dice.number(-1, 1) > 0 else -1)
        self.focus = (third, dice.number(0.2, 0.48))
        self.tone = (0.92 - 0.3 * (v - self.horizon)).clamp(0.3, 0.92)
        self.accent = torch.zeros_like(u)
        self.depth = torch.zeros_like(u)

    def inside(self, distance: Tensor) -> Tensor:
        """Coverage 0..1 of a shape given its signed distance, negative inside."""
        return (0.5 - distance / self.softness).clamp(0, 1)

    def lay(self, distance: Tensor, tone: Tensor | float, depth: float) -> None:
        """Paint an opaque shape over what is there."""
        cover = self.inside(distance)
        self.tone = self.tone + cover * (tone - self.tone)
        self.depth = self.depth + cover * (depth - self.depth)
        self.accent = self.accent * (1 - cover)

    def light(self, distance: Tensor, glow: float = 0.0, tone: Tensor | float = 0.9) -> None:
        """Paint a shape in the accent colour, its `tone` the shading; `glow` is the reach of a halo around it."""
        if glow:
            self.tone = self.tone + 0.35 * torch.exp(-distance.clamp_min(0) / glow) * (1 - self.tone)
        cover = self.inside(distance)
        self.tone = self.tone + cover * (tone - self.tone)
        self.accent = torch.maximum(self.accent, cover)

    def where(self, here: Tensor, distance: Tensor) -> Tensor:
        """The shape only where `here` is true."""
        return torch.where(here, distance, torch.ones_like(distance))

    def circle(self, x: float, y: float, radius: float) -> Tensor:
        return torch.sqrt((self.u - x) ** 2 + (self.v - y) ** 2) - radius

    def box(self, x: float, y: float, half_width: float, half_height: float) -> Tensor:
        return torch.maximum((self.u - x).abs() - half_width, (self.v - y).abs() - half_height)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float) -> Tensor:
        scaled = torch.sqrt(((self.u - x) / half_width) ** 2 + ((self.v - y) / half_height) ** 2)
        return (scaled - 1) * min(half_width, half_height)

    def capsule(self, start: tuple[float, float], end: tuple[float, float], radius: float) -> Tensor:
        dx, dy = end[0] - start[0], end[1] - start[1]
        along = ((self.u - start[0]) * dx + (self.v - start[1]) * dy) / (dx * dx + dy * dy)
        along = along.clamp(0, 1)
        return torch.sqrt((self.u - start[0] - along * dx) ** 2 + (self.v - start[1] - along * dy) ** 2) - radius

    def line(self, rate: float, octaves: int, jagged: float) -> Tensor:
        """A skyline over u, of about -1..1: sines when `jagged` is 0, broken straight lines when it is 1."""
        total = torch.zeros_like(self.u)
        for octave in range(octaves):
            phase = self.u * rate * 1.9**octave + self.dice.number(0, 10)
            wave = torch.sin(phase * math.pi) * (1 - jagged)
            wave = wave + jagged * ((phase - torch.round(phase)).abs() * 4 - 1)
            total = total + wave * 0.52**octave
        return total * 0.6

    def scatter(self, pitch: float, room: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One object in every cell of a grid, displaced while it keeps `room` (in cells) around it.

        Returns local coordinates from the object's centre, two draws 0..1 that are constant over its cell.
        """
        across = self.u / pitch + self.dice.number(0, 1)
        up = self.v / pitch + self.dice.number(0, 1)
        column, row = torch.floor(across), torch.floor(up)
        seed = self.dice.number(0, 20)
        draws = [
            torch.frac(torch.sin(column * 12.99 + row * 78.23 + seed + 5.7 * number) * 437.58).abs()
            for number in range(4)
        ]
        sway = 1 - 2 * room
        du = (across - column - 0.5 - sway * (draws[0] - 0.5)) * pitch
        dv = (up - row - 0.5 - sway * (draws[1] - 0.5)) * pitch
        return du, dv, draws[2], draws[3]

    def polar(self, x: float, y: float) -> tuple[Tensor, Tensor]:
        dx, dy = self.u - x, self.v - y
        return torch.sqrt(dx * dx + dy * dy), torch.atan2(dy, dx)
