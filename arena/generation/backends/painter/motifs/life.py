"""Motifs of living things: people, animals, plants."""

from __future__ import annotations

import math

import torch

from arena.generation.backends.painter.stage import Stage


def tree(stage: Stage) -> None:
    x = -stage.focus[0] * 0.8
    stage.lay(stage.capsule((x, -0.6), (x + 0.02, 0.0), 0.045), 0.1, 0.85)
    for _ in range(7):
        dx, dy = stage.dice.number(-0.26, 0.26), stage.dice.number(-0.12, 0.3)
        crown = stage.circle(x + dx, 0.14 + dy, stage.dice.number(0.14, 0.22))
        stage.lay(crown, stage.dice.number(0.18, 0.5), 0.9)


def whale(stage: Stage) -> None:
    """Seen from the side, tail raised, a paler belly."""
    side = 1 if stage.focus[0] > 0 else -1
    x, y = stage.focus[0] * 0.3, stage.horizon - 0.36
    body = stage.ellipse(x, y, 0.54, 0.24)
    tail = stage.capsule((x - side * 0.4, y + 0.02), (x - side * 0.7, y + 0.2), 0.06)
    tip = (x - side * 0.7, y + 0.2)
    flukes = torch.minimum(
        stage.capsule(tip, (tip[0] - side * 0.2, tip[1] + 0.05), 0.045),
        stage.capsule(tip, (tip[0] - side * 0.02, tip[1] + 0.2), 0.045),
    )
    whole = torch.minimum(torch.minimum(body, tail), flukes)
    belly = stage.v - (y - 0.07) - 0.12 * (stage.u - x) * side
    grooves = 0.1 * torch.sin((stage.v - 0.2 * (stage.u - x) * side) * 70)
    stage.lay(whole - 0.03, 0.62, 0.85)
    stage.lay(whole, torch.where(belly < 0, 0.86 + grooves, 0.1), 0.9)
    fin = stage.capsule((x + side * 0.1, y - 0.1), (x - side * 0.06, y - 0.3), 0.05)
    stage.lay(fin, 0.14, 0.92)
    stage.light(stage.circle(x + side * 0.36, y + 0.02, 0.024))
    for bubble in range(5):
        drift = x + side * (0.5 + 0.07 * bubble), y + 0.12 + 0.13 * bubble
        stage.light(stage.circle(*drift, 0.018 + 0.008 * (bubble % 3)).abs() - 0.007)


def flower(stage: Stage) -> None:
    x, y = stage.focus[0] * 0.4, 0.08 + stage.focus[1] * 0.25
    radius, angle = stage.polar(x, y)
    petals = int(stage.dice.number(6, 10))
    stage.lay(stage.capsule((x, y), (x * 0.4, -1.1), 0.032), 0.25, 0.5)
    for side in (-1, 1):
        leaf = stage.ellipse(x * 0.7 + side * 0.2, -0.66 + 0.06 * side, 0.22, 0.075)
        stage.lay(leaf - 0.02 * torch.sin(9 * stage.u), 0.36 - 0.12 * side, 0.5)
    for layer in range(3):
        size = 0.64 - 0.15 * layer
        lobe = torch.cos(0.5 * petals * (angle + layer * math.pi / petals)).abs()
        edge = size * (0.5 + 0.5 * lobe**0.6)
        vein = 0.1 * torch.cos(3 * petals * angle)
        shade = (0.42 + 0.16 * layer + 0.7 * (radius - 0.25) + 0.25 * (lobe - 0.5) + vein).clamp(0.2, 1)
        stage.light((radius - edge) * 0.6, tone=shade)
    seeds = 0.12 * torch.sin(60 * radius) * torch.sin(13 * angle)
    stage.lay(radius - 0.2, (0.14 + seeds + 0.6 * (radius - 0.1)).clamp(0.02, 0.5), 0.9)


def blooms(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.3, 0.36)
    radius, angle = torch.sqrt(du * du + dv * dv), torch.atan2(dv, du)
    edge = (0.04 + 0.065 * size) * (0.75 + 0.25 * torch.cos(5 * angle))
    stage.light(stage.where((chance < 0.75) & (stage.v < -0.2), radius - edge))


def leaves(stage: Stage) -> None:
    for layer in range(3):
        du, dv, tilt, draw = stage.scatter(0.46, 0.44)
        cos, sin = torch.cos(tilt * math.pi), torch.sin(tilt * math.pi)
        along, across = du * cos + dv * sin, dv * cos - du * sin
        size = 0.1 + 0.06 * draw
        blade = torch.sqrt(along**2 + (across.abs() + size * 0.75) ** 2) - size * 1.25
        vein = 0.16 * (across.abs() < 0.006).to(across.dtype)
        if layer == 1:
            stage.light(stage.where(draw < 0.7, blade), tone=0.6 + 0.5 * draw - vein)
        else:
            stage.lay(stage.where(draw < 0.6, blade), 0.15 + 0.8 * draw + vein, 0.4 + 0.2 * layer)


def fruit(stage: Stage) -> None:
    """Fruit in a bowl, by a window's light."""
    stage.tone = (0.84 + 0.12 * stage.v - 0.18 * stage.u).clamp(0, 1)
    stage.lay(stage.v + 0.42 + 0.02 * stage.u, 0.36 + 0.16 * stage.v, 0.2)
    stage.lay(stage.ellipse(0.12, -0.66, 0.62, 0.09), 0.12, 0.3)
    count = min(max(stage.count or 3, 3), 5)
    for index in range(count):
        x = -0.34 + 0.68 * index / (count - 1) + stage.dice.number(-0.04, 0.04)
        y = -0.06 + (0.16 if 0 < index < count - 1 else 0.0) + stage.dice.number(-0.03, 0.04)
        wide, high = stage.dice.number(0.22, 0.27), stage.dice.number(0.19, 0.23)
        skin = stage.ellipse(x, y, wide, high)
        nub = stage.circle(x + wide * 0.95, y + high * 0.25, 0.045)
        shade = 0.72 + 1.3 * ((stage.u - x) * -0.6 + (stage.v - y))
        stage.light(torch.minimum(skin, nub), tone=shade.clamp(0.28, 1.05))
        stage.lay(skin.abs() - 0.006, 0.2, 0.5)
    bowl = torch.maximum(stage.ellipse(0.0, -0.16, 0.66, 0.5), stage.v + 0.16)
    band = 0.25 * (((stage.v + 0.3).abs() < 0.03) | ((stage.v + 0.4).abs() < 0.012))
    stage.lay(bowl, (0.3 - 0.4 * stage.u + band).clamp(0.05, 0.85), 0.9)


def figure(stage: Stage) -> None:
    """People in long coats, seen from behind."""
    count = min(stage.count or 1, 3)
    for number in range(count):
        spread = 0.0 if count == 1 else -0.36 + 0.72 * number / (count - 1)
        alone = 1.25 * stage.focus[0] if stage.indoors else -0.5 * stage.focus[0]  # beside the window
        x = spread + (alone if count == 1 else 0.0) + stage.dice.number(-0.06, 0.06)
        tall = stage.dice.number(-0.04, 0.1)
        rise = ((stage.v + 1.0) / (1.1 + tall)).clamp(0, 1)
        coat = torch.maximum((stage.u - x).abs() - (0.32 - 0.18 * rise**0.7), stage.v - 0.06 - tall)
        shoulders = stage.capsule((x - 0.09, 0.04 + tall), (x + 0.09, 0.04 + tall), 0.075)
        shade = 0.16 + 0.2 * (number % 2) - 0.5 * (stage.u - x) + 0.05 * torch.sin(26 * (stage.u - x) * (2 - rise))
        stage.lay(torch.minimum(coat, shoulders), shade.clamp(0.03, 0.6), 0.85 + 0.05 * number)
        stage.lay(stage.box(x, 0.14 + tall, 0.035, 0.06), 0.6, 0.9)
        stage.lay(stage.ellipse(x, 0.26 + tall, 0.088, 0.105), 0.72, 0.95)
        hair = torch.maximum(stage.ellipse(x, 0.285 + tall, 0.1, 0.11), 0.24 + tall - stage.v)
        if stage.dice.number(0, 1) < 0.5 or stage.indoors:
            top = stage.circle(x, 0.4 + tall, 0.045)
        else:
            top = torch.minimum(stage.ellipse(x, 0.3 + tall, 0.17, 0.022), stage.box(x, 0.355 + tall, 0.085, 0.055))
        stage.lay(torch.minimum(hair, top), 0.06, 0.95)
        scarf = stage.capsule((x - 0.085, 0.12 + tall), (x + 0.085, 0.12 + tall), 0.034)
        tail = stage.capsule((x + 0.05, 0.1 + tall), (x + 0.1, -0.16 + tall), 0.03)
        stage.light(torch.minimum(scarf, tail))


def dancer(stage: Stage) -> None:
    """Arms up, the skirt flung out by the turn."""
    x = -0.3 * stage.focus[0]
    toward = 1 if stage.focus[0] > 0 else -1
    limbs = [
        stage.capsule((x, -0.3), (x - toward * 0.05, -0.88), 0.034),
        stage.capsule((x, -0.3), (x + toward * 0.34, -0.68), 0.034),
        stage.capsule((x + toward * 0.34, -0.68), (x + toward * 0.52, -0.6), 0.026),
        stage.capsule((x, 0.28), (x - toward * 0.28, 0.42), 0.03),
        stage.capsule((x - toward * 0.28, 0.42), (x - toward * 0.24, 0.72), 0.025),
        stage.capsule((x, 0.28), (x + toward * 0.34, 0.2), 0.03),
        stage.capsule((x + toward * 0.34, 0.2), (x + toward * 0.58, 0.36), 0.024),
        stage.box(x, 0.36, 0.03, 0.06),
    ]
    body = limbs[0]
    for limb in limbs[1:]:
        body = torch.minimum(body, limb)
    stage.lay(body, 0.9, 0.85)
    drop = (0.08 - stage.v).clamp(0, 1.0)
    tilt = toward * 0.28 * drop
    hem = 0.44 + 0.05 * torch.sin(17 * stage.u) + toward * 0.3 * (stage.u - x)
    skirt = torch.maximum((stage.u - x + tilt).abs() - 0.07 - 1.15 * drop, drop - hem)
    folds = 0.16 * torch.sin((stage.u - x + tilt) / (0.1 + drop) * 14)
    stage.light(torch.maximum(skirt, stage.v - 0.09), tone=0.72 + folds + 0.2 * stage.v)
    stage.light(stage.capsule((x, 0.27), (x, 0.06), 0.072), tone=0.8 - 1.5 * (stage.u - x) * toward)
    stage.lay(stage.ellipse(x - toward * 0.01, 0.47, 0.07, 0.085), 0.88, 0.9)
    hair = torch.minimum(stage.ellipse(x, 0.5, 0.078, 0.07), stage.circle(x + toward * 0.075, 0.56, 0.042))
    stage.lay(torch.maximum(hair, 0.45 - stage.v), 0.05, 0.95)


def birds(stage: Stage) -> None:
    du, dv, size, chance = stage.scatter(0.44, 0.4)
    size = 0.08 + 0.09 * size
    du, dv = du / size, dv / size
    bank = chance - 0.4
    du, dv = du + bank * dv, dv - bank * du
    arch = dv - 0.55 * torch.sqrt(du.abs() + 0.01) + 0.55 * du * du + 0.1
    wing = torch.maximum(arch.abs() - 0.17 * (1.05 - du.abs()), du.abs() - 1)
    tail = torch.maximum(du.abs() + 0.12 * dv - 0.1, (dv + 0.22).abs() - 0.28)
    distance = torch.minimum(wing, tail) * size
    stage.lay(stage.where((chance < 0.7) & (stage.v > stage.horizon + 0.1), distance), 0.03, 0.9)
