"""Motifs of the sky: lights, weather, and the abstract figures that need no ground."""

from __future__ import annotations

import math

import torch

from arena.generation.backends.painter.stage import Stage


def stars(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.2, 0.12)
    distance = torch.sqrt(du * du + dv * dv) - (0.006 + 0.02 * size**3)
    stage.light(stage.where((chance < 0.6) & (stage.v > stage.horizon), distance))


def aurora(stage: Stage) -> None:
    """Curtains: bright along a wavering foot, fading upwards, pleated."""
    stage.tone = stage.tone * 0.45
    for band in range(3):
        foot = 0.06 + 0.26 * band + 0.16 * stage.line(0.8, 2, 0.0)
        above = stage.v - foot
        pleats = 0.8 + 0.2 * torch.sin(22 * stage.u + 5 * torch.sin(3 * stage.u + band))
        veil = torch.exp(-above.clamp_min(0) * 2.6) * torch.sigmoid(above * 60) * pleats
        stage.tone = stage.tone * (1 - 0.5 * torch.sigmoid(above * 60)) + 0.62 * veil


def sun(stage: Stage) -> None:
    x, y = stage.focus
    stage.light(stage.circle(x, y - 0.1, stage.dice.number(0.2, 0.28)), glow=0.35)


def moon(stage: Stage) -> None:
    x, y = stage.focus
    y, radius = y + 0.12, stage.dice.number(0.16, 0.22)
    disc = stage.circle(x, y, radius)
    if stage.dice.number(0, 1) < 0.4:
        disc = torch.maximum(disc, -stage.circle(x + radius * 0.5, y + radius * 0.25, radius * 0.85))
    stage.light(disc, glow=0.3)


def planet(stage: Stage) -> None:
    x, y = stage.focus
    x, y, radius = x * 0.4, y * 0.3, stage.dice.number(0.3, 0.36)
    tilt = stage.dice.number(0.25, 0.6)
    stage.tone = 0.1 + 0.3 * torch.exp(-1.6 * stage.polar(x, y)[0]) + 0.07 * stage.line(0.8, 2, 0.0)
    stars(stage)
    across = (stage.u - x) * math.cos(tilt) + (stage.v - y) * math.sin(tilt)
    along = (stage.v - y) * math.cos(tilt) - (stage.u - x) * math.sin(tilt)
    orbit = torch.sqrt(across**2 + (along / 0.28) ** 2)
    ring = ((orbit - radius * 1.75).abs() - radius * 0.2) * 0.3
    gap = 0.012 - (orbit - radius * 1.72).abs() * 0.3
    ring = torch.maximum(ring, gap)
    disc = stage.circle(x, y, radius)
    bands = 0.09 * torch.sin(along * 26 / radius * 0.34 + 1.5 * torch.sin(across * 5))
    stage.lay(disc, (0.7 + 0.8 * ((stage.u - x) * -0.6 + (stage.v - y)) + bands).clamp(0.05, 1), 0.6)
    behind = (along > 0) & (disc < 0)
    stage.light(stage.where(~behind, ring))


def spiral(stage: Stage) -> None:
    radius, angle = stage.polar(stage.focus[0] * 0.4, stage.focus[1] * 0.3)
    arms = 2 if stage.dice.number(0, 1) < 0.6 else 3
    twist = stage.dice.number(2.2, 3.4) * (1.6 if stage.focus[0] > 0 else -1.6)
    wave = torch.cos(arms * angle + twist * torch.log(radius + 0.08))
    strength = torch.exp(-radius * 0.5)
    stage.tone = stage.tone * 0.45 + 0.55 * (0.5 + 0.5 * wave) * strength + 0.3 * torch.exp(-radius * 4)
    if not stage.peopled:
        stage.light(radius - 0.1, glow=0.15)


def rings(stage: Stage) -> None:
    x, y = stage.focus[0] * 0.7, stage.focus[1] * 0.5
    radius, _ = stage.polar(x, y)
    rate = stage.dice.number(3.6, 5.2) * 1.25**stage.energy
    wave = torch.cos(2 * math.pi * rate * (radius + 0.02) ** 0.8)
    fade = torch.exp(-radius * 0.9)
    stage.tone = stage.tone * (1 - 0.7 * fade) + 0.7 * fade * (0.5 + 0.5 * wave)
    stage.light(stage.circle(x, y, 0.1))


def rain(stage: Stage) -> None:
    slant = stage.dice.number(0.25, 0.5)
    across = (stage.u + slant * stage.v) * 11
    column = torch.floor(across)
    draw = torch.frac(torch.sin(column * 41.3) * 95.17).abs()
    fall = torch.frac(stage.v * (0.9 + 0.5 * draw) + draw * 7 + 8)
    streak = ((torch.frac(across + 64) - 0.5).abs() - 0.075) / 11
    cover = stage.inside(stage.where((fall < 0.42) & (draw > 0.25), streak))
    stage.tone = stage.tone + 0.5 * cover * (1 - stage.tone)


def snow(stage: Stage) -> None:
    for pitch in (0.16, 0.27):
        du, dv, size, chance = stage.scatter(pitch, 0.14)
        distance = torch.sqrt(du * du + dv * dv) - pitch * (0.03 + 0.07 * size)
        cover = stage.inside(stage.where(chance < 0.7, distance))
        stage.tone = stage.tone + cover * (1.05 - stage.tone)
        stage.accent = stage.accent * (1 - cover)
