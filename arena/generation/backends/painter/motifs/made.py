"""Motifs of things people make: houses, towers, boats, lamps, a cello."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from arena.generation.backends.painter.stage import Stage

PANE = 0.078  # the pitch of lit windows; a house is three of them wide


def strings(stage: Stage) -> None:
    """Strings in vibration: standing waves drawn across the picture."""
    swing = 0.2 * 1.5**stage.energy
    for string in range(5):
        wave = torch.sin((stage.u + 1) * math.pi * (1 + string % 3)) * torch.sin(stage.u * 1.3 + string)
        distance = stage.v + 0.56 - 0.28 * string - swing * wave
        stage.lay(distance, 0.8 - 0.15 * string, 0.2 + 0.15 * string)
        if string in (1, 3):
            stage.light(distance.abs() - 0.014)


def window(stage: Stage) -> None:
    """A dark room, a window with weather in it, and its light on the floor."""
    x, y = (-0.2 if stage.focus[0] > 0 else 0.2), 0.24
    stage.tone = 0.2 + 0.1 * stage.v + 0.08 * torch.sin(9 * stage.u)
    spill = (stage.u - x + (stage.v - y) * 0.5).abs() - 0.42
    stage.lay(stage.v + 0.42, 0.3 + 0.12 * stage.v, 0.1)
    stage.lay(torch.maximum(spill, torch.maximum(stage.v + 0.46, -0.96 - stage.v)), 0.62, 0.1)
    stage.lay(stage.box(x, y, 0.47, 0.57), 0.06, 0.3)
    stage.lay(stage.box(x, y, 0.41, 0.51), (0.72 + 0.35 * stage.v).clamp(0, 1), 0.2)
    stage.light(stage.circle(x + 0.16, y + 0.2, 0.12), glow=0.15)
    hill = stage.v - (y - 0.24 + 0.1 * torch.sin(4 * stage.u + 1))
    stage.lay(torch.maximum(hill, stage.box(x, y, 0.41, 0.51)), 0.5 + 0.3 * hill, 0.25)
    bars = torch.minimum(stage.box(x, y, 0.02, 0.51), stage.box(x, y + 0.05, 0.41, 0.02))
    stage.lay(bars, 0.06, 0.3)


def arches(stage: Stage) -> None:
    """Two arcades, one behind the other, and a round window full of light."""
    stage.tone = stage.tone * 0.5 + 0.45 * torch.exp(-2 * stage.polar(0.0, 0.3)[0])
    radius, angle = stage.polar(0.0, 0.42)
    petals = radius - 0.3 * (0.8 + 0.2 * torch.cos(8 * angle).abs())
    for row, (tone, depth) in enumerate([(0.45, 0.3), (0.14, 0.6)]):
        pitch = (0.36, 0.72)[row]
        shift = (0.5 * pitch, 0.0)[row]
        near = stage.u + shift - pitch * torch.round((stage.u + shift) / pitch)
        crown = (-0.2, -0.3)[row]
        above = (stage.v - crown).clamp_min(0)
        pointed = torch.sqrt((near.abs() + pitch * 0.3) ** 2 + above**2) - pitch * 0.66
        opening = torch.maximum(pointed, near.abs() - pitch * 0.36)
        wall = stage.v - ((0.06, 2.0)[row] + 0.0 * near)
        stage.lay(torch.maximum(wall, -opening), tone + 0.1 * stage.v, depth)
    stage.light(petals, glow=0.2)
    spokes = torch.minimum(
        (torch.sin(4 * angle).abs() * radius - 0.016), torch.minimum((radius - 0.17).abs(), radius - 0.03) - 0.012
    )
    stage.lay(torch.maximum(spokes, radius - 0.3), 0.1, 0.7)


def city(stage: Stage) -> None:
    for layer in range(3):
        width = 3 * PANE
        column = torch.floor(stage.u / width + layer / 3)
        draw = torch.frac(torch.sin(column * 12.99 + stage.dice.number(0, 50)) * 43.75)
        roof = stage.horizon + 0.46 - 0.3 * layer + 0.4 * (draw - 0.5)
        stage.lay(stage.v - roof, 0.62 - 0.24 * layer + 0.1 * stage.v, 0.3 + 0.3 * layer)
        if layer:
            _panes(stage, roof, column, layer)


def _panes(stage: Stage, roof: Tensor, column: Tensor, layer: int) -> None:
    """Lit windows: a grid of panes of which a hash lights about one in four."""
    across, up = stage.u / PANE, stage.v / PANE
    which = torch.floor(across) * 7.13 + torch.floor(up) * 3.71 + column * 1.7 + layer
    lit = torch.frac(torch.sin(which) * 91.53).abs() < 0.22
    near = torch.maximum((torch.frac(across + 64) - 0.5).abs(), (torch.frac(up + 64) - 0.5).abs() * 0.8)
    pane = torch.maximum((near - 0.24) * PANE, stage.v - roof + 0.03)
    stage.light(stage.where(lit, pane))


def house(stage: Stage) -> None:
    for number in range(3):
        x = -0.55 + 0.5 * number + stage.dice.number(-0.1, 0.1)
        y, size = -0.3 - 0.14 * (number % 2), stage.dice.number(0.15, 0.2)
        stage.lay(stage.box(x - size * 0.5, y + size * 1.7, size * 0.13, size * 0.4), 0.2, 0.75)
        stage.lay(stage.box(x, y, size * 0.85, size), 0.86, 0.75)
        stage.light(stage.box(x + size * 0.3, y, size * 0.2, size * 0.28))
        stage.lay(stage.box(x - size * 0.3, y - size * 0.45, size * 0.18, size * 0.55), 0.25, 0.78)
        roof = (stage.u - x).abs() * 0.9 + (stage.v - y - size) - size * 0.95
        stage.lay(torch.maximum(roof, -(stage.v - y - size)), 0.12 if stage.light_mood < 0.3 else 0.97, 0.8)


def tower(stage: Stage) -> None:
    """A lighthouse with its beam."""
    x = -stage.focus[0] * 1.1
    base, top = -0.62, 0.36
    taper = 0.13 - 0.055 * (stage.v - base) / (top - base)
    body = torch.maximum((stage.u - x).abs() - taper, (stage.v - (top + base) / 2).abs() - (top - base) / 2)
    spread = (stage.v - top - 0.07).abs() - 0.34 * (stage.u - x).abs() + 0.01
    beam = stage.inside(torch.maximum(spread, (stage.u - x) * x)) * torch.exp(-0.7 * (stage.u - x).abs())
    stage.tone = stage.tone + beam * 0.75 * (1 - stage.tone)
    stripes = torch.sin((stage.v - base) * 15) > 0
    stage.lay(body, torch.full_like(stage.u, 0.22).masked_fill(stripes, 0.95) - 0.8 * (stage.u - x).clamp_min(0), 0.85)
    stage.lay(stage.box(x, top + 0.005, 0.115, 0.022), 0.06, 0.9)
    stage.light(stage.box(x, top + 0.08, 0.066, 0.065), glow=0.2)
    roof = (stage.u - x).abs() + (stage.v - top - 0.145) * 0.8 - 0.1
    stage.lay(torch.maximum(roof, top + 0.145 - stage.v), 0.06, 0.9)
    rock = stage.v + 0.92 - 0.4 * torch.exp(-(((stage.u - x) / 0.42) ** 2))
    stage.lay(rock - 0.05 * stage.line(2.4, 3, 0.7), 0.07, 0.9)


def boat(stage: Stage) -> None:
    count = min(stage.count or 1, 3)
    for number in range(count):
        spread = 0.0 if count == 1 else -0.45 + 0.85 * number / (count - 1)
        x = spread - (0.5 * stage.focus[0] if count == 1 else 0.0) + stage.dice.number(-0.08, 0.08)
        size = (0.36 if count == 1 else 0.26) + 0.1 * (number % 2)
        y = stage.horizon - 0.2 - 0.22 * (number % 2)
        mast = (stage.v - y) / (size * 2.0)
        lift = (0.06 - mast) * size
        main = torch.maximum((stage.u - x) / size - 0.8 * (1 - mast), -(stage.u - x) / size + 0.05)
        jib = torch.maximum(-(stage.u - x) / size - 0.55 * (1 - mast), (stage.u - x) / size + 0.03)
        stage.light(torch.maximum(main * size, lift), tone=0.95 - 0.5 * (stage.u - x))
        stage.lay(torch.maximum(jib * size, lift), 0.98, 0.85)
        hull = torch.maximum(stage.ellipse(x + 0.06 * size, y, size, size * 0.4), stage.v - y)
        stage.lay(hull, 0.06, 0.85)


def candle(stage: Stage) -> None:
    """One small light: everything else is lit by it."""
    x = stage.focus[0] * 0.4
    radius, _ = stage.polar(x, 0.12)
    halo = 0.5 + 0.5 * torch.cos(radius * 15)
    stage.accent = torch.zeros_like(stage.accent)
    stage.tone = 0.06 + 0.85 * torch.exp(-1.7 * radius) + 0.07 * halo * torch.exp(-1.2 * radius)
    stage.lay(stage.v + 0.66, 0.16 + 0.3 * torch.exp(-2.5 * (stage.u - x).abs()), 0.3)
    drip = 0.012 * torch.sin(30 * stage.v)
    wax = torch.maximum((stage.u - x).abs() - 0.1 - drip, (stage.v + 0.36).abs() - 0.32)
    stage.lay(wax, (1.0 + 0.5 * stage.v - 2.5 * (stage.u - x).abs()).clamp(0.1, 1), 0.8)
    stage.lay(stage.ellipse(x, -0.68, 0.24, 0.07), 0.1, 0.9)
    stage.lay(stage.box(x, 0.0, 0.009, 0.06), 0.03, 0.9)
    rise = ((stage.v - 0.02) / 0.36).clamp(0, 1)
    bend = 0.03 * torch.sin(6 * stage.v)
    drop = (stage.u - x - bend).abs() - 0.19 * torch.sqrt(rise) * (1 - rise)
    stage.light(torch.maximum(drop, torch.maximum(0.02 - stage.v, stage.v - 0.38)), glow=0.25)


def lanterns(stage: Stage) -> None:
    for pitch in (0.36, 0.54):
        du, dv, size, chance = stage.scatter(pitch, 0.4)
        size = pitch * (0.2 + 0.12 * size)
        here = (chance < 0.62) & (stage.v > -0.45)
        rib = 0.12 * torch.cos(du / size * 9)
        body = (torch.sqrt((du / 0.85) ** 2 + dv**2) - size) * 0.9
        stage.light(stage.where(here, body), glow=0.06, tone=0.9 - 0.8 * du.abs() + rib)
        cap = torch.maximum(du.abs() - size * 0.4, (dv.abs() - size).abs() - size * 0.13)
        stage.lay(stage.where(here, cap), 0.08, 0.9)


def cello(stage: Stage) -> None:
    """Bouts, waist, neck and scroll, leaning as it is played."""
    x = stage.focus[0] * 0.5
    lean = 0.16 if stage.focus[0] > 0 else -0.16
    u = stage.u - x - lean * (stage.v + 0.4)

    def oval(y: float, wide: float, high: float) -> Tensor:
        return (torch.sqrt((u / wide) ** 2 + ((stage.v - y) / high) ** 2) - 1) * min(wide, high)

    side = u.abs()
    bouts = torch.minimum(oval(-0.5, 0.33, 0.3), oval(-0.04, 0.25, 0.24))
    middle = torch.maximum(side - 0.2, (stage.v + 0.28).abs() - 0.26)
    waist = torch.sqrt((side - 0.34) ** 2 + ((stage.v + 0.25) * 0.9) ** 2) - 0.16
    body = torch.maximum(torch.minimum(bouts, middle), -waist)
    stage.lay(torch.maximum(side - 0.012, (stage.v + 0.9).abs() - 0.12), 0.05, 0.8)
    stage.light(body, tone=(0.8 - 0.9 * u - 6 * (body + 0.05).clamp_min(0)).clamp(0.15, 1))
    neck = torch.maximum(side - 0.034, (stage.v - 0.3).abs() - 0.5)
    scroll = torch.sqrt(u**2 + (stage.v - 0.83) ** 2) - 0.065
    pegs = torch.maximum(side - 0.1, ((stage.v - 0.72).abs() - 0.035).abs() - 0.012)
    stage.lay(torch.minimum(torch.minimum(neck, scroll), pegs), 0.06, 0.95)
    curl = (side - 0.13 - 0.025 * torch.sin((stage.v + 0.28) * 24)).abs() - 0.012
    stage.lay(torch.maximum(curl, (stage.v + 0.28).abs() - 0.12), 0.04, 0.95)
    stage.lay(torch.maximum(side - 0.09, (stage.v + 0.36).abs() - 0.016), 0.9, 0.95)
    stage.lay(torch.maximum(side - 0.05 - 0.08 * (stage.v + 0.7), (stage.v + 0.6).abs() - 0.12), 0.05, 0.95)
