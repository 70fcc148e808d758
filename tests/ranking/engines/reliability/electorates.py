"""Simulated electorates: 50 contestants in a close field, ballots of four, some voters not to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ranking.engines.evidence import Evidence
from tests.ranking.engines.ballots import names


@dataclass(frozen=True)
class Electorate:
    """Ballots of voters of whom the first are of another kind; `honest` is the same evidence had nobody been.

    `scale` is how sharply each voter would see if honest.
    """

    theta: np.ndarray
    evidence: Evidence
    honest: Evidence
    odd: np.ndarray
    favourite: int
    scale: np.ndarray


def electorate(
    kind: str,
    share: float,
    seed: int,
    *,
    items: int = 50,
    spread: float = 0.5,
    voters: int = 200,
    each: int = 20,
    shown: int = 4,
    scale_sd: float = 0.0,
) -> Electorate:
    """`kind` of the odd voters: random, reversed, bloc (fans of one contestant), first slot, sharp (scale 2.5)."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, spread, items)
    theta -= theta.mean()
    slots = rng.permuted(rng.random((voters * each, items)).argpartition(shown - 1, axis=1)[:, :shown], axis=1)
    noise = rng.gumbel(size=slots.shape)
    favourite = int(rng.integers(items))
    voter = np.arange(voters * each) % voters
    odd = np.arange(voters) < round(share * voters)
    scale = np.exp(scale_sd * rng.normal(size=voters)) if scale_sd else np.ones(voters)
    cast = scale[voter, None] * theta[slots] + noise
    mine = odd[voter]
    honest = cast.copy()
    if kind == "random":
        cast[mine] = noise[mine]
    elif kind == "reversed":
        cast[mine] *= -1
    elif kind == "bloc":
        cast[mine[:, None] & (slots == favourite)] = np.inf
    elif kind == "first slot":
        cast[mine, 0] = np.inf
    elif kind == "sharp":
        cast[mine] += 1.5 * theta[slots[mine]]
    else:
        raise ValueError(kind)
    labels = [f"v{number}" for number in voter]

    def evidence(utility: np.ndarray) -> Evidence:
        ranks = (-utility).argsort(axis=1).argsort(axis=1) + 1
        return Evidence.from_arrays(names(items), slots, ranks, voters=labels)

    return Electorate(theta, evidence(cast), evidence(honest), odd, favourite, scale)
