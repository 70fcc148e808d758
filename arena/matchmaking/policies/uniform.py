"""Every prompt equally likely, then every set of its contestants equally likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np


@dataclass(frozen=True)
class Choice:
    """A prompt and the contestants to show on it, in the order of the slots.

    `probability` is that of the prompt and the set, whatever the order: orders are shuffled uniformly.
    """

    prompt: int
    contestants: tuple[int, ...]
    probability: float


def choose(
    eligible: Mapping[int, Sequence[int]],
    size: int,
    seen: Mapping[int, Sequence[frozenset[int]]],
    rng: np.random.Generator,
) -> Choice | None:
    """Draw a battle, or None where no prompt has a set that this voter has not seen.

    eligible: prompt -> contestants with a ready candidate. seen: prompt -> sets that the voter has judged.
    Cost: O(prompts), and O(1) draws while the voter has seen few of a prompt's sets.
    """
    open_sets = {
        prompt: comb(len(contestants), size) - _possible(seen.get(prompt, ()), contestants, size)
        for prompt, contestants in eligible.items()
    }
    prompts = [prompt for prompt, count in open_sets.items() if count > 0]
    if not prompts:
        return None
    prompt = prompts[rng.integers(len(prompts))]
    forbidden = set(seen.get(prompt, ()))
    while True:  # ends: at least one of the sets is not forbidden
        drawn = rng.permutation(np.asarray(eligible[prompt]))[:size]
        if frozenset(drawn.tolist()) not in forbidden:
            return Choice(prompt, tuple(drawn.tolist()), 1 / len(prompts) / open_sets[prompt])


def _possible(sets: Sequence[frozenset[int]], contestants: Sequence[int], size: int) -> int:
    """How many of the sets could still be drawn."""
    among = frozenset(contestants)
    return sum(len(members) == size and members <= among for members in set(sets))
