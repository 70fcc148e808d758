"""The ballots on which `benchmarks.engines` compares: drawn once, kept on disk, read by every process alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPREAD = 0.5  # logits, the standard deviation of the strengths: a close field


@dataclass(frozen=True)
class Ballots:
    """Full rankings: `order[b]` lists the items of ballot b, best first; `slots` and `ranks` are as they were shown."""

    contestants: int
    slots: np.ndarray
    ranks: np.ndarray

    @property
    def order(self) -> np.ndarray:
        return np.take_along_axis(self.slots, np.argsort(self.ranks, axis=1), axis=1)

    @classmethod
    def drawn(cls, count: int, contestants: int, size: int, seed: int = 0) -> tuple[Ballots, np.ndarray]:
        """Plackett-Luce ballots on random sets, and the strengths behind them in logits."""
        rng = np.random.default_rng(seed)
        theta = rng.normal(0, SPREAD, contestants)
        slots = rng.integers(0, contestants, (count, size))
        while (again := (np.diff(np.sort(slots, axis=1), axis=1) == 0).any(axis=1)).any():
            slots[again] = rng.integers(0, contestants, (int(again.sum()), size))
        utility = theta[slots] + rng.gumbel(size=slots.shape)
        return cls(contestants, slots, np.argsort(np.argsort(-utility, axis=1), axis=1) + 1), theta

    def save(self, path: Path) -> None:
        np.savez(path, contestants=self.contestants, slots=self.slots, ranks=self.ranks)

    @classmethod
    def load(cls, path: Path) -> Ballots:
        with np.load(path) as found:
            return cls(int(found["contestants"]), found["slots"], found["ranks"])
