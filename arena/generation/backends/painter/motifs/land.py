"""Motifs of land and water, and fire."""

from __future__ import annotations

import torch

from arena.generation.backends.painter.stage import Stage


def ridges(stage: Stage) -> None:
    """Mountains, each range darker and lower than the one behind it, mist at their feet."""
    for layer in range(4):
        relief = (0.3 - 0.04 * layer) * stage.line(0.75 + 0.2 * layer, 4, 0.8)
        below = stage.horizon + 0.42 - 0.32 * layer + relief - stage.v
        mist = 0.28 * (below - 0.1).clamp(0, 0.5)
        stage.lay(-below, (0.7 - 0.21 * layer + mist).clamp(0.04, 1), 0.25 + 0.23 * layer)


def volcano(stage: Stage) -> None:
    x = stage.focus[0] * 0.35
    top = 0.22
    for puff in range(6):
        rise = puff / 5
        sway = 0.12 * (1 if puff % 2 else -1) + stage.dice.number(-0.08, 0.08) + 0.25 * rise
        radius = 0.13 + 0.17 * rise
        cloud = stage.circle(x + sway, top + 0.12 + 0.62 * rise, radius)
        stage.lay(cloud, (0.3 + 0.12 * (puff % 3) - 1.1 * cloud).clamp(0.15, 0.9), 0.2)
    flank = ((stage.u - x).abs() + 0.02).pow(0.62)
    cone = stage.v - (0.62 - 1.15 * flank) - 0.035 * stage.line(3.2, 3, 0.7)
    crater = stage.v - (top - 0.02 * torch.cos((stage.u - x) * 40))
    mountain = torch.maximum(cone, crater)
    stage.light(torch.maximum(stage.circle(x, top + 0.02, 0.14), -mountain), glow=0.22)
    stage.lay(mountain, (0.34 - 0.5 * (stage.u - x) + 0.15 * stage.v).clamp(0.03, 0.7), 0.6)
    for flow in range(3):
        drop = (top - stage.v).clamp_min(0)
        path = x + (flow - 1) * (0.06 + 0.42 * drop) + 0.05 * torch.sin(8 * drop + 2 * flow)
        stream = (stage.u - path).abs() - (0.034 - 0.012 * (flow % 2)) * (1 - 0.7 * drop)
        stage.light(torch.maximum(torch.maximum(stream, stage.v - top), -0.5 + 0.12 * flow - stage.v))


def hills(stage: Stage) -> None:
    for layer in range(3):
        crest = stage.horizon + 0.16 - 0.28 * layer + 0.16 * stage.line(0.55 + 0.15 * layer, 2, 0.0)
        below = crest - stage.v
        stage.lay(-below, (0.62 - 0.18 * layer - 0.2 * below).clamp(0.08, 1), 0.3 + 0.3 * layer)


def dunes(stage: Stage) -> None:
    """Sand: every crest has a lit and a shaded side."""
    for layer in range(4):
        sway = stage.line(0.5, 2, 0.25)
        below = stage.horizon + 0.2 - 0.27 * layer + 0.2 * sway - stage.v
        edge = stage.u * 0.8 + 0.5 * sway + stage.v * 1.6 - stage.dice.number(-0.8, 0.4)
        lit = torch.sigmoid(edge * 9)
        stage.lay(-below, (0.3 + 0.5 * lit - 0.25 * below - 0.03 * layer).clamp(0.05, 1), 0.3 + 0.2 * layer)


def sea(stage: Stage) -> None:
    """Swell in perspective, and a path of light under the focus."""
    below = stage.horizon - stage.v
    reach = below.clamp_min(0) + 0.02
    rate = 1.2**stage.energy
    swell = torch.sin(24 * torch.sqrt(reach) * rate + 1.4 * torch.sin(2.2 * stage.u / (0.35 + reach)))
    chop = torch.sin(7 * stage.u * rate / (0.3 + reach) + 36 * torch.sqrt(reach))
    wave = 0.17 * swell + 0.05 * chop
    glint = torch.exp(-(((stage.u - stage.focus[0]) / (0.08 + 0.3 * reach)) ** 2)) * torch.sigmoid(swell * 6)
    stage.lay(-below, (0.52 - 0.36 * below + wave + 0.3 * glint).clamp(0.05, 1), 0.4)


def river(stage: Stage) -> None:
    below = (stage.horizon + 0.1 - stage.v).clamp_min(0)
    sway = 0.5 * torch.sin(5.0 / (0.35 + below) + stage.dice.number(0, 6)) * (0.1 + below)
    bed = (stage.u - 0.2 * stage.focus[0] - sway).abs() - (0.015 + 0.24 * below**1.3)
    shine = 0.92 - 0.25 * below + 0.07 * torch.sin(40 * torch.sqrt(below + 0.02))
    stage.lay(torch.maximum(bed, stage.v - stage.horizon - 0.1), shine, 0.5)


def forest(stage: Stage) -> None:
    """Trunks in three depths under a common crown."""
    for layer in range(3):
        width = 0.36 - 0.05 * layer
        shift = stage.dice.number(0, 1)
        place = stage.u + 0.05 * stage.line(0.7, 1, 0.0) * stage.v
        column = torch.round(place / width + shift)
        jitter = torch.frac(torch.sin(column * 78.23 + layer * 3.1) * 43.75) * 0.3
        near = place - width * (column - shift + jitter)
        trunk = near.abs() - (0.026 + 0.022 * layer + 0.012 * (-stage.v).clamp(-0.5, 1))
        bark = 0.12 * (near < 0).to(near.dtype)
        stage.lay(trunk, 0.62 - 0.26 * layer + bark, 0.3 + 0.3 * layer)
        crown = 0.58 + 0.13 * layer + 0.16 * stage.line(2.2, 3, 0.0) - stage.v
        stage.lay(crown, 0.5 - 0.17 * layer, 0.35 + 0.3 * layer)
    stage.lay(stage.v + 0.72 - 0.08 * stage.line(1.0, 3, 0.0), 0.25 if stage.light_mood < 0.3 else 0.98, 0.95)


def flame(stage: Stage) -> None:
    x = stage.focus[0] * 0.35
    base = -0.62
    sway = 0.1 * torch.sin(3.2 * stage.v + stage.dice.number(0, 6)) * (stage.v - base)
    for layer in range(4):
        shrink = 1 - 0.23 * layer
        rise = ((stage.v - base) / ((0.95 + 0.25 * stage.energy) * shrink)).clamp(0, 1.2)
        width = 0.8 * shrink * torch.sqrt(rise) * (1 - rise).clamp_min(0)
        tongue = 0.05 * shrink * stage.line(3.0, 2, 0.3)
        distance = torch.maximum((stage.u - x - sway).abs() - width - tongue * rise, base - stage.v)
        if layer < 3:
            stage.lay(distance, 0.35 + 0.22 * layer, 0.6 + 0.12 * layer)
        else:
            stage.light(distance, glow=0.3)
