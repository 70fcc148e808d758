"""Panes: the picture divided into irregular cells (Voronoi cells of one displaced site per grid square)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from arena.generation.backends.painter.easel import Easel


@dataclass(frozen=True, slots=True)
class Panes:
    """`gap` is the distance to the nearest border, as a share of the side; `draw` 0..1 is constant in a pane."""

    gap: Tensor
    draw: Tensor


def find_panes(easel: Easel, count: int) -> Panes:
    """About `count` panes across."""
    x, y = (easel.x + 1) / 2 * count, (1 - easel.y) / 2 * count
    pitch = count + 2  # one square of margin on every side
    sites = easel.dice.uniform(0.08, 0.92, pitch * pitch, 3)
    column, row = torch.floor(x), torch.floor(y)
    best, second = torch.full_like(x, 1e9), torch.full_like(x, 1e9)
    bx, by, sx, sy, draw = (torch.zeros_like(x) for _ in range(5))
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            where = ((row + down + 1) * pitch + column + across + 1).long().reshape(len(x), -1)
            site_x = sites[..., 0].gather(1, where).reshape(x.shape) + column + across
            site_y = sites[..., 1].gather(1, where).reshape(x.shape) + row + down
            distance = (site_x - x) ** 2 + (site_y - y) ** 2
            nearer = distance < best
            closer = distance < second
            sx = torch.where(nearer, bx, torch.where(closer, site_x, sx))
            sy = torch.where(nearer, by, torch.where(closer, site_y, sy))
            second = torch.minimum(torch.maximum(distance, best), second)
            best = torch.minimum(distance, best)
            bx, by = torch.where(nearer, site_x, bx), torch.where(nearer, site_y, by)
            draw = torch.where(nearer, sites[..., 2].gather(1, where).reshape(x.shape), draw)
    apart = torch.sqrt((bx - sx) ** 2 + (by - sy) ** 2).clamp_min(1e-3)
    return Panes(gap=(second - best) / (2 * apart) / count, draw=draw)
