"""What a scene can be made of. Each motif lays shapes on a stage; their order here is from back to front."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from arena.generation.backends.painter.stage import Stage


def _stars(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.2, 0.12)
    distance = torch.sqrt(du * du + dv * dv) - (0.005 + 0.018 * size**3)
    stage.light(torch.where((chance < 0.6) & (stage.v > stage.horizon), distance, torch.ones_like(distance)))


def _aurora(stage: Stage) -> None:
    for band in range(3):
        height = 0.15 + 0.25 * band + 0.14 * stage.line(1.1, 2, 0.0)
        above = stage.v - height
        veil = torch.exp(-above.clamp_min(0) * 3.2) * torch.sigmoid(above * 70)
        stage.tone = stage.tone * (1 - 0.45 * torch.sigmoid(above * 70)) + 0.62 * veil


def _sun(stage: Stage) -> None:
    x, y = stage.focus
    stage.light(stage.circle(x, y - 0.12, stage.dice.number(0.19, 0.27)), glow=0.35)


def _moon(stage: Stage) -> None:
    x, y = stage.focus
    radius = stage.dice.number(0.15, 0.21)
    disc = stage.circle(x, y + 0.12, radius)
    if stage.dice.number(0, 1) < 0.45:
        disc = torch.maximum(disc, -stage.circle(x + radius * 0.55, y + 0.12 + radius * 0.25, radius * 0.9))
    stage.light(disc, glow=0.3)


def _planet(stage: Stage) -> None:
    x, y = stage.focus
    x, y, radius = x * 0.5, y * 0.4, stage.dice.number(0.24, 0.32)
    tilt = stage.dice.number(0.2, 0.6)
    across = (stage.u - x) * math.cos(tilt) + (stage.v - y) * math.sin(tilt)
    along = (stage.v - y) * math.cos(tilt) - (stage.u - x) * math.sin(tilt)
    ring = (torch.sqrt(across**2 + (along / 0.28) ** 2) - radius * 1.75).abs() - radius * 0.18
    disc = stage.circle(x, y, radius)
    stage.lay(disc, (0.75 + 0.9 * ((stage.u - x) * 0.7 + (stage.v - y))).clamp(0.1, 1), 0.6)
    behind = (along > 0) & (disc < 0)
    stage.light(torch.where(behind, torch.ones_like(ring), ring * 0.3))


def _spiral(stage: Stage) -> None:
    radius, angle = stage.polar(stage.focus[0] * 0.4, stage.focus[1] * 0.3)
    arms = 2 if stage.dice.number(0, 1) < 0.6 else 3
    twist = stage.dice.number(2.2, 3.6)
    wave = torch.cos(arms * angle + twist * torch.log(radius + 0.06) * 1.6)
    strength = torch.exp(-radius * 0.5)
    stage.tone = stage.tone * 0.45 + 0.55 * (0.5 + 0.5 * wave) * strength + 0.3 * torch.exp(-radius * 4)
    stage.light(radius - 0.09, glow=0.15)


def _rings(stage: Stage) -> None:
    x, y = stage.focus[0] * 0.7, stage.focus[1] * 0.5
    radius, _ = stage.polar(x, y)
    rate = stage.dice.number(4.5, 7) * 1.25**stage.energy
    wave = torch.cos(2 * math.pi * rate * (radius + 0.02) ** 0.8)
    fade = torch.exp(-radius * 0.9)
    stage.tone = stage.tone * (1 - 0.7 * fade) + 0.7 * fade * (0.5 + 0.5 * wave)
    stage.light(stage.circle(x, y, 0.085))


def _strings(stage: Stage) -> None:
    """Strings in vibration: standing waves drawn across the picture."""
    swing = 0.2 * 1.5**stage.energy
    for string in range(5):
        rest = -0.56 + 0.28 * string
        wave = torch.sin((stage.u + 1) * math.pi * (1 + string % 3)) * torch.sin(stage.u * 1.3 + string)
        distance = stage.v - rest - swing * wave
        stage.lay(distance, 0.8 - 0.15 * string, 0.2 + 0.15 * string)
        if string in (1, 3):
            stage.light(distance.abs() - 0.014)


def _window(stage: Stage) -> None:
    x = -0.12 if stage.focus[0] > 0 else 0.12
    y = 0.18
    stage.tone = 0.18 + 0.12 * stage.v
    spill = (stage.u - x + (stage.v - y) * 0.5).abs() - 0.42
    stage.lay(torch.maximum(spill, stage.v + 0.45), 0.42 + 0.2 * stage.v, 0.1)
    stage.lay(stage.box(x, y, 0.46, 0.56), 0.1, 0.3)
    stage.lay(stage.box(x, y, 0.4, 0.5), (0.75 + 0.4 * stage.v).clamp(0, 1), 0.2)
    stage.light(stage.circle(x + 0.14, y + 0.16, 0.13), glow=0.2)
    hill = stage.v - (y - 0.26 + 0.1 * torch.sin(4 * stage.u + 1))
    stage.lay(torch.maximum(hill, stage.box(x, y, 0.4, 0.5)), 0.5, 0.25)
    stage.lay(torch.minimum(stage.box(x, y, 0.018, 0.5), stage.box(x, y + 0.05, 0.4, 0.018)), 0.1, 0.3)


def _arches(stage: Stage) -> None:
    pitch = stage.dice.number(0.6, 0.72)
    base = -0.62
    for row, (tone, depth) in enumerate([(0.45, 0.3), (0.18, 0.6)]):
        width = pitch / (2 - row)
        near = stage.u - width * torch.round(stage.u / width)
        crown = base + 0.72 - 0.3 * row
        leg = (near.abs() - width * 0.34).clamp_min(-1)
        round_top = torch.sqrt(near**2 + (stage.v - crown).clamp_min(0) ** 2) - width * 0.34
        opening = torch.where(stage.v > crown, round_top, leg)
        wall = stage.v - (crown + width * 0.34 + 0.16 - 0.04 * row)
        stage.lay(torch.maximum(wall, -opening), tone, depth)


def _ridges(stage: Stage) -> None:
    for layer in range(4):
        nearness = layer / 3
        crest = stage.horizon + 0.42 - 0.32 * layer + (0.3 - 0.04 * layer) * stage.line(0.75 + 0.2 * layer, 4, 0.8)
        below = crest - stage.v
        stage.lay(-below, (0.72 - 0.2 * layer - 0.1 * below).clamp(0.04, 1), 0.25 + 0.7 * nearness)


def _hills(stage: Stage) -> None:
    for layer in range(3):
        crest = stage.horizon + 0.16 - 0.28 * layer + 0.16 * stage.line(0.55 + 0.15 * layer, 2, 0.0)
        below = crest - stage.v
        stage.lay(-below, (0.62 - 0.18 * layer - 0.2 * below).clamp(0.08, 1), 0.3 + 0.3 * layer)


def _dunes(stage: Stage) -> None:
    for layer in range(4):
        sway = stage.line(0.5, 2, 0.25)
        crest = stage.horizon + 0.2 - 0.27 * layer + 0.2 * sway
        below = crest - stage.v
        edge = stage.u * 0.8 + 0.5 * sway + stage.v * 1.6 - stage.dice.number(-0.8, 0.4)
        lit = torch.sigmoid(edge * 9)
        stage.lay(-below, (0.3 + 0.5 * lit - 0.25 * below - 0.03 * layer).clamp(0.05, 1), 0.3 + 0.2 * layer)


def _city(stage: Stage) -> None:
    for layer in range(3):
        width = 0.2 - 0.03 * layer
        column = torch.floor(stage.u / width + 0.37 * layer)
        draw = torch.frac(torch.sin(column * 12.9898 + stage.dice.number(0, 50)) * 437.585)
        roof = stage.horizon + 0.5 - 0.3 * layer + 0.42 * (draw - 0.5)
        stage.lay(stage.v - roof, 0.6 - 0.22 * layer, 0.3 + 0.3 * layer)
        if layer:
            _panes(stage, roof, column, layer)


def _panes(stage: Stage, roof: Tensor, column: Tensor, layer: int) -> None:
    """Lit windows: a grid of panes of which a hash lights about one in four."""
    pitch = 0.062
    across, up = stage.u / pitch, stage.v / pitch
    which = torch.floor(across) * 7.13 + torch.floor(up) * 3.71 + column * 1.7 + layer
    lit = torch.frac(torch.sin(which) * 915.3).abs() < 0.24
    near = torch.maximum((torch.frac(across + 64) - 0.5).abs(), (torch.frac(up + 64) - 0.5).abs() * 0.8)
    pane = (near - 0.24) * pitch
    pane = torch.maximum(pane, stage.v - roof + 0.03)
    stage.light(torch.where(lit, pane, torch.ones_like(pane)))


def _sea(stage: Stage) -> None:
    below = stage.horizon - stage.v
    reach = below.clamp_min(0) + 0.02
    rate = 1.35**stage.energy
    swell = torch.sin(26 * torch.sqrt(reach) * rate + 1.6 * torch.sin(2.2 * stage.u / (0.3 + reach)))
    chop = torch.sin(9 * stage.u * rate / (0.25 + reach) + 40 * torch.sqrt(reach))
    wave = 0.16 * swell + 0.07 * chop * (1.3**stage.energy)
    glint = torch.exp(-(((stage.u - stage.focus[0]) / (0.08 + 0.3 * reach)) ** 2)) * (swell > 0.1)
    stage.lay(-below, (0.55 - 0.4 * below + wave + 0.3 * glint).clamp(0.05, 1), 0.4)


def _river(stage: Stage) -> None:
    below = (stage.horizon + 0.1 - stage.v).clamp_min(0)
    sway = 0.5 * torch.sin(5.0 / (0.35 + below) + stage.dice.number(0, 6)) * (0.1 + below)
    bed = (stage.u - 0.2 * stage.focus[0] - sway).abs() - (0.015 + 0.24 * below**1.3)
    shine = 0.85 - 0.35 * below + 0.08 * torch.sin(30 * torch.sqrt(below + 0.02) * 3)
    stage.lay(torch.maximum(bed, stage.v - stage.horizon - 0.1), shine, 0.5)


def _forest(stage: Stage) -> None:
    for layer in range(3):
        width = 0.34 - 0.05 * layer
        shift = stage.dice.number(0, 1)
        lean = 0.05 * stage.line(0.7, 1, 0.0) * stage.v
        column = torch.round((stage.u + lean) / width + shift)
        jitter = torch.frac(torch.sin(column * 78.233 + layer * 3.1) * 437.5) * 0.3
        near = (stage.u + lean) - width * (column - shift + jitter)
        taper = 0.022 + 0.02 * layer + 0.012 * (-stage.v).clamp(-0.5, 1)
        stage.lay(near.abs() - taper, 0.55 - 0.22 * layer, 0.3 + 0.3 * layer)
        leaves = stage.v - (0.62 + 0.12 * layer + 0.16 * stage.line(2.2, 3, 0.0))
        stage.lay(-leaves, 0.5 - 0.17 * layer, 0.35 + 0.3 * layer)
    ground = stage.v + 0.72 - 0.08 * stage.line(1.0, 3, 0.0)
    stage.lay(ground, 0.2, 0.95)


def _house(stage: Stage) -> None:
    for number in range(3):
        x = -0.55 + 0.5 * number + stage.dice.number(-0.1, 0.1)
        y, size = -0.34 - 0.12 * (number % 2), stage.dice.number(0.13, 0.18)
        roof = (stage.u - x).abs() * 0.9 + (stage.v - y - size) - size * 0.95
        stage.lay(torch.maximum(roof, -(stage.v - y - size)), 0.12, 0.8)
        stage.lay(stage.box(x, y, size * 0.85, size), 0.78, 0.75)
        stage.light(stage.box(x + size * 0.25, y, size * 0.2, size * 0.28))


def _tower(stage: Stage) -> None:
    x = -stage.focus[0] * 1.1
    base, top = -0.62, 0.36
    taper = 0.12 - 0.05 * (stage.v - base) / (top - base)
    body = torch.maximum((stage.u - x).abs() - taper, (stage.v - (top + base) / 2).abs() - (top - base) / 2)
    beam = torch.maximum((stage.v - top - 0.07).abs() - 0.4 * (stage.u - x).abs() + 0.01, (stage.u - x) * x)
    stage.tone = stage.tone + stage.inside(beam) * 0.55 * (1 - stage.tone)
    stripes = torch.sin((stage.v - base) * 16) > 0
    stage.lay(body, torch.where(stripes, 0.9, 0.25), 0.85)
    stage.lay(stage.box(x, top + 0.16, 0.085, 0.03), 0.08, 0.9)
    stage.light(stage.box(x, top + 0.07, 0.06, 0.065), glow=0.2)
    rock = stage.v + 0.62 - 0.4 * torch.exp(-(((stage.u - x) / 0.42) ** 2)) + 0.3
    stage.lay(rock - 0.05 * stage.line(2.4, 3, 0.7), 0.08, 0.9)


def _tree(stage: Stage) -> None:
    x = -stage.focus[0] * 0.8
    stage.lay(stage.capsule((x, -0.6), (x + 0.02, 0.0), 0.045), 0.1, 0.85)
    for _ in range(7):
        dx, dy = stage.dice.number(-0.26, 0.26), stage.dice.number(-0.12, 0.3)
        stage.lay(stage.circle(x + dx, 0.14 + dy, stage.dice.number(0.14, 0.22)), stage.dice.number(0.18, 0.5), 0.9)


def _boat(stage: Stage) -> None:
    for number in range(2):
        x = (-0.42 + 0.8 * number) + stage.dice.number(-0.1, 0.1)
        y, size = stage.horizon - 0.2 - 0.22 * number, 0.22 + 0.12 * number
        hull = stage.ellipse(x, y, size, size * 0.42)
        stage.lay(torch.maximum(hull, stage.v - y), 0.08, 0.85)
        mast = (stage.v - y) / (size * 1.9)
        main = torch.maximum((stage.u - x) / size - 0.85 * (1 - mast), -(stage.u - x) / size + 0.05)
        jib = torch.maximum(-(stage.u - x) / size - 0.55 * (1 - mast), (stage.u - x) / size + 0.03)
        lift = (0.08 - mast) * size
        stage.light(torch.maximum(main * size, lift))
        stage.lay(torch.maximum(jib * size, lift), 0.95, 0.85)


def _whale(stage: Stage) -> None:
    x, y = stage.focus[0] * 0.3, -0.38
    side = 1 if stage.focus[0] > 0 else -1
    body = stage.ellipse(x, y, 0.5, 0.2 + 0.02)
    tail = stage.capsule((x - side * 0.42, y), (x - side * 0.66, y + 0.18), 0.055)
    fluke = torch.minimum(
        stage.capsule((x - side * 0.64, y + 0.16), (x - side * 0.82, y + 0.2), 0.05),
        stage.capsule((x - side * 0.64, y + 0.16), (x - side * 0.66, y + 0.36), 0.05),
    )
    whole = torch.minimum(torch.minimum(body, tail), fluke)
    stage.lay(whole - 0.02, (0.12 + 0.9 * (y - stage.v).clamp_min(0)).clamp(0, 0.7), 0.9)
    stage.light(stage.circle(x + side * 0.34, y + 0.03, 0.022))


def _flame(stage: Stage) -> None:
    x = stage.focus[0] * 0.35
    base = -0.62
    sway = 0.1 * torch.sin(3.2 * stage.v + stage.dice.number(0, 6)) * (stage.v - base)
    height = 0.95 + 0.25 * stage.energy
    for layer in range(4):
        shrink = 1 - 0.23 * layer
        rise = ((stage.v - base) / (height * shrink)).clamp(0, 1.2)
        width = 0.42 * shrink * torch.sqrt(rise.clamp_min(0)) * (1 - rise).clamp_min(0) * 1.9
        tongue = 0.05 * shrink * stage.line(3.0, 2, 0.3)
        distance = torch.maximum((stage.u - x - sway).abs() - width - tongue * rise, base - stage.v)
        if layer < 3:
            stage.lay(distance, 0.35 + 0.22 * layer, 0.6 + 0.12 * layer)
        else:
            stage.light(distance, glow=0.3)


def _flower(stage: Stage) -> None:
    x, y = stage.focus[0] * 0.4, stage.focus[1] * 0.25
    radius, angle = stage.polar(x, y)
    petals = int(stage.dice.number(5, 9))
    stage.lay(stage.capsule((x, y), (x * 0.4, -1.1), 0.03), 0.2, 0.5)
    for layer in range(3):
        turn = layer * math.pi / petals
        size = 0.62 - 0.16 * layer
        edge = size * (0.55 + 0.45 * torch.cos(petals * (angle + turn)).abs() ** 0.7)
        tone = (0.35 + 0.22 * layer + 0.5 * (size - radius)).clamp(0.1, 1)
        stage.lay((radius - edge) * 0.6, tone, 0.6 + 0.1 * layer)
    stage.light(radius - 0.13)


def _blooms(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.3, 0.36)
    radius, angle = torch.sqrt(du * du + dv * dv), torch.atan2(dv, du)
    edge = (0.04 + 0.065 * size) * (0.75 + 0.25 * torch.cos(5 * angle))
    here = (chance < 0.75) & (stage.v < -0.2)
    stage.light(torch.where(here, radius - edge, torch.ones_like(edge)))


def _leaves(stage: Stage) -> None:
    for layer in range(3):
        du, dv, tilt, draw = stage.scatter(0.46, 0.44)
        cos, sin = torch.cos(tilt * math.pi), torch.sin(tilt * math.pi)
        along, across = du * cos + dv * sin, dv * cos - du * sin
        size = 0.1 + 0.06 * draw
        blade = torch.sqrt(along**2 + (across.abs() + size * 0.75) ** 2) - size * 1.25
        missing = torch.ones_like(blade)
        stage.lay(torch.where(draw < 0.8, blade, missing), 0.15 + 0.7 * draw, 0.4 + 0.2 * layer)
        stage.light(torch.where(draw > 0.86, blade, missing))


def _fruit(stage: Stage) -> None:
    stage.tone = 0.8 + 0.12 * stage.v
    stage.lay(stage.v + 0.5 + 0.02 * stage.u, 0.42 + 0.2 * stage.v, 0.2)
    places = [(-0.34, -0.1), (0.3, -0.08), (0.0, 0.12), (-0.03, -0.16)]
    for index, (x, y) in enumerate(places):
        x, y = x + stage.dice.number(-0.05, 0.05), y + stage.dice.number(-0.03, 0.05)
        radius = stage.dice.number(0.2, 0.25)
        disc = stage.circle(x, y, radius)
        if index == 2:
            stage.light(disc)
        else:
            shade = 0.62 + 0.9 * ((stage.u - x) * -0.5 + (stage.v - y))
            stage.lay(disc, shade.clamp(0.2, 0.98), 0.5 + 0.05 * index)
    bowl = torch.maximum(stage.ellipse(0.0, -0.2, 0.66, 0.5), stage.v + 0.2)
    stage.lay(bowl, (0.16 - 0.25 * stage.u).clamp(0.03, 0.5), 0.9)


def _figure(stage: Stage) -> None:
    count = 2 if stage.dice.number(0, 1) < 0.4 else 1
    for number in range(count):
        x = (0.0 if count == 1 else -0.26 + 0.52 * number) + stage.dice.number(-0.08, 0.08)
        tall = stage.dice.number(0.0, 0.14)
        lean = stage.dice.number(-0.08, 0.08)
        rise = ((stage.v + 1) / (1.05 + tall)).clamp(0, 1)
        width = 0.3 - 0.2 * torch.sqrt(rise)
        body = torch.maximum((stage.u - x - lean * rise).abs() - width, stage.v - 0.02 - tall)
        shoulders = stage.ellipse(x + lean, 0.0 + tall, 0.19, 0.12)
        whole = torch.minimum(body, shoulders)
        shade = (0.2 + 0.25 * number + 0.5 * (stage.u - x)).clamp(0.05, 0.6)
        stage.lay(whole, shade, 0.85 + 0.05 * number)
        stage.lay(stage.box(x + lean, 0.13 + tall, 0.05, 0.08), 0.3, 0.9)
        stage.light(stage.ellipse(x + lean, 0.3 + tall, 0.13, 0.16))


def _birds(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.42, 0.4)
    size = 0.07 + 0.09 * size
    du, dv = du / size, dv / size
    bank = chance - 0.4
    du, dv = du + bank * dv, dv - bank * du
    wing = (dv - 0.55 * torch.sqrt(du.abs() + 0.01) + 0.55 * du * du + 0.1).abs() - 0.16 * (1.05 - du.abs())
    distance = torch.maximum(wing, du.abs() - 1) * size
    here = (chance < 0.7) & (stage.v > stage.horizon + 0.1)
    stage.lay(torch.where(here, distance, torch.ones_like(distance)), 0.05, 0.9)


def _lanterns(stage: Stage) -> None:
    for pitch in (0.34, 0.5):
        du, dv, size, chance = stage.scatter(pitch, 0.4)
        size = pitch * (0.16 + 0.14 * size)
        missing = torch.ones_like(size)
        here = (chance < 0.62) & (stage.v > -0.4)
        body = (torch.sqrt((du / 0.85) ** 2 + dv**2) - size) * 0.9
        stage.light(torch.where(here, body, missing), glow=0.06)
        cap = torch.maximum(du.abs() - size * 0.4, (dv - size).abs() - size * 0.14)
        stage.lay(torch.where(here, cap, missing), 0.1, 0.9)


def _rain(stage: Stage) -> None:
    slant = stage.dice.number(0.25, 0.5)
    across = (stage.u + slant * stage.v) * 11
    column = torch.floor(across)
    draw = torch.frac(torch.sin(column * 41.3) * 951.7).abs()
    fall = torch.frac(stage.v * (0.9 + 0.5 * draw) + draw * 7 + 8)
    streak = ((torch.frac(across + 64) - 0.5).abs() - 0.075) / 11
    visible = (fall < 0.42) & (draw > 0.25)
    cover = stage.inside(torch.where(visible, streak, torch.ones_like(streak)))
    stage.tone = stage.tone + 0.5 * cover * (1 - stage.tone)


def _snow(stage: Stage) -> None:
    for pitch in (0.16, 0.27):
        du, dv, size, chance = stage.scatter(pitch, 0.14)
        distance = torch.sqrt(du * du + dv * dv) - pitch * (0.03 + 0.07 * size)
        distance = torch.where(chance < 0.7, distance, torch.ones_like(distance))
        stage.tone = stage.tone + stage.inside(distance) * (1 - stage.tone)


MOTIFS: dict[str, Callable[[Stage], None]] = {
    "stars": _stars,
    "aurora": _aurora,
    "spiral": _spiral,
    "rings": _rings,
    "sun": _sun,
    "moon": _moon,
    "planet": _planet,
    "strings": _strings,
    "window": _window,
    "ridges": _ridges,
    "hills": _hills,
    "dunes": _dunes,
    "city": _city,
    "sea": _sea,
    "river": _river,
    "arches": _arches,
    "forest": _forest,
    "house": _house,
    "tower": _tower,
    "tree": _tree,
    "boat": _boat,
    "whale": _whale,
    "flame": _flame,
    "flower": _flower,
    "blooms": _blooms,
    "leaves": _leaves,
    "fruit": _fruit,
    "figure": _figure,
    "birds": _birds,
    "lanterns": _lanterns,
    "rain": _rain,
    "snow": _snow,
}
