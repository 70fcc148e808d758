"""Whether 95 % intervals hold the truth 95 % of the time, in simulation with fixed seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ranking.engines import posterior
from ranking.engines.plackett_luce import fit
from ranking.engines.standings import standings
from tests.ranking.engines.ballots import simulated

DRAWS = 4000
WIDE = 8  # ranks: in an interval as wide as that a single rank is a small part


@dataclass(frozen=True)
class Coverage:
    """Shares of intervals that hold the truth.

    strengths, ranks   of the board
    wide               of those of ranks that are `WIDE` or more
    exact              of ranks, if an end of the central interval could be a part of a rank: the share of the true
                       rank's probability, ranks in order, that lies between the quantiles 0.025 and 0.975
    """

    strengths: float
    ranks: float
    wide: float
    exact: float


def coverage(items: int, ballots: int, size: int, spread: float, *, known: int | None, repeats: int) -> Coverage:
    """Of fields with the prior learned each time."""
    rng = np.random.default_rng(20_260)
    strengths, places, exact, wide = [], [], [], []
    for _ in range(repeats):
        theta = rng.normal(0, spread, items)
        truth, rank = theta - theta.mean(), (-theta).argsort().argsort() + 1
        found = fit(simulated(theta, ballots, size, rng, known=known))
        samples = posterior.draws(found, DRAWS)
        found = replace(found, sampler=lambda *_, samples=samples: samples)  # the same draws for all that is read off
        for row in standings(found, draws=DRAWS):
            item = int(row.item[1:])
            strengths.append(row.low <= truth[item] <= row.high)
            places.append(row.rank_low <= rank[item] <= row.rank_high)
            wide.append(row.rank_high - row.rank_low >= WIDE - 1)
        drawn = posterior.ranks(samples)
        below, here = (drawn < rank).mean(axis=0), np.maximum((drawn == rank).mean(axis=0), 1e-9)
        exact.append(np.clip((0.975 - below) / here, 0, 1) - np.clip((0.025 - below) / here, 0, 1))
    held = np.array(places)
    return Coverage(
        float(np.mean(strengths)), float(held.mean()), float(held[np.array(wide)].mean()), float(np.mean(exact))
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("items", "ballots", "size", "spread", "known"),
    [
        (30, 300, 4, 0.7, None),  # forty showings of each contestant
        (50, 500, 4, 0.5, None),  # a close field
        (20, 400, 2, 0.5, None),  # pairs
        (30, 600, 4, 0.7, 1),  # best of four
        (50, 1000, 4, 1.5, None),  # an easy field
        (50, 200, 2, 0.5, None),  # eight pairs each
        (50, 150, 2, 1.5, None),  # six
        (50, 100, 2, 1.0, None),  # four
        (50, 50, 4, 1.0, None),  # four showings, four at a time
    ],
)
def test_intervals_cover_what_they_promise(items, ballots, size, spread, known) -> None:
    found = coverage(items, ballots, size, spread, known=known, repeats=150)
    assert 0.93 <= found.strengths <= 0.97
    assert 0.93 <= found.ranks <= 0.97  # mostly above 0.95: ranks are whole, so an interval holds more than it promises
    assert 0.93 <= found.wide <= 0.97
    assert 0.93 <= found.exact <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "least", "most"), [(0.5, 0.97, 1.0), (1.0, 0.93, 0.97), (1.5, 0.9, 0.96)])
def test_with_two_pairs_each_intervals_allow_for_close_and_wide_fields(spread, least, most) -> None:
    """So little says nearly nothing about the spread: too wide for the closest, a little too narrow for the widest."""
    found = coverage(50, 50, 2, spread, known=None, repeats=100)
    assert least <= found.strengths <= most
    assert 0.93 <= found.ranks <= 0.985
    assert 0.93 <= found.exact <= 0.97
