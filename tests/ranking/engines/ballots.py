"""Ballots for the tests of the engines: simulated, random, and from the shared data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from ranking.engines.evidence import UNKNOWN, Evidence


def names(count: int) -> tuple[str, ...]:
    return tuple(f"c{number}" for number in range(count))


def simulated(
    theta: np.ndarray, ballots: int, size: int, rng: np.random.Generator, *, known: int | None = None
) -> Evidence:
    """Plackett-Luce ballots on random sets of `size` items; the first `known` places are observed (all if None)."""
    slots = rng.random((ballots, len(theta))).argpartition(size - 1, axis=1)[:, :size]
    utility = theta[slots] + rng.gumbel(size=slots.shape)
    ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
    if known is not None:
        ranks = np.where(ranks <= known, ranks, UNKNOWN)
    return Evidence.from_arrays(names(len(theta)), slots, ranks)


def evidence_of(ballots: list[tuple[list[int], list[int | None]]], items: int, **columns: object) -> Evidence:
    """Evidence from (slots, ranks) pairs, None where a rank is not observed."""
    offsets = np.concatenate([[0], np.cumsum([len(slots) for slots, _ in ballots])]).astype(int)
    slots = np.array([slot for slots, _ in ballots for slot in slots], dtype=int)
    ranks = np.array([UNKNOWN if rank is None else rank for _, ranks in ballots for rank in ranks], dtype=int)
    return Evidence.from_arrays(names(items), slots, ranks, offsets=offsets, **columns)


@st.composite
def some_ballots(draw: st.DrawFn, items: int = 6, most: int = 12) -> list[tuple[list[int], list[int | None]]]:
    """Ballots of every kind: pairs to five-way, ties, best-only, top-m, from the bottom, unknowns anywhere."""
    ballots = []
    for _ in range(draw(st.integers(1, most))):
        size = draw(st.integers(2, min(5, items)))
        slots = draw(st.permutations(range(items)))[:size]
        ranks = draw(st.lists(st.sampled_from([None, 1, 2, 3, -1, -2]), min_size=size, max_size=size))
        ballots.append((list(slots), ranks))
    return ballots


def shared_data(name: str) -> Path:
    """A file of the shared data folder; the test is skipped where it is absent."""
    root = os.environ.get("PODIUM_SHARED_DATA")
    folder = Path(root) if root else Path(__file__).resolve().parents[3].parent / "shared" / "data"
    path = folder / name
    if not path.exists():
        pytest.skip(f"no shared data at {path}; set PODIUM_SHARED_DATA")
    return path
