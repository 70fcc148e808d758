"""Seeded ballots of voters whose taste is known, and what the engines make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from ranking.engines import posterior
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.registry import engine_named
from ranking.engines.standings import standings
from ranking.engines.terms import group

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Crowd:
    """Ballots and the strengths behind them, centred.

    `random` is the share of ballots (or with `whole_voters` of voters) that are cast without looking; `taste` the
    standard deviation, in logits, of what a voter likes about each contestant beyond its strength.
    """

    truth: Floats
    evidence: Evidence

    @classmethod
    def of(
        cls,
        seed: int,
        contestants: int,
        spread: float,
        ballots: int,
        *,
        per_voter: int = 20,
        size: int = 4,
        random: float = 0.0,
        whole_voters: bool = False,
        taste: float = 0.0,
    ) -> Crowd:
        rng = np.random.default_rng(seed)
        truth = rng.normal(0, spread, contestants)
        voter = np.arange(ballots) // per_voter
        voters = int(voter[-1]) + 1
        liking = truth + rng.normal(0, taste, (voters, contestants))
        slots = rng.permuted(np.tile(np.arange(contestants), (ballots, 1)), axis=1)[:, :size]
        careless = rng.random(voters)[voter] < random if whole_voters else rng.random(ballots) < random
        seen = np.where(careless[:, None], 0.0, liking[voter[:, None], slots])
        ranks = 1 + np.argsort(np.argsort(-(seen + rng.gumbel(size=slots.shape)), axis=1), axis=1)
        names = [f"c{number}" for number in range(contestants)]
        evidence = Evidence.from_arrays(names, slots, ranks, voters=[f"v{number}" for number in voter])
        return cls(truth - truth.mean(), evidence)


def known(value: float | None) -> float:
    """A number of a row, from an engine that has uncertainty."""
    if value is None:
        raise ValueError("an engine without uncertainty")
    return value


def covered(crowd: Crowd, fit: Fit) -> tuple[float, float]:
    """Shares of the 95 % intervals that hold the truth: of strengths, and of ranks."""
    rows = {row.item: row for row in standings(fit)}
    places = posterior.ranks(crowd.truth[None, :])[0]
    strengths, ranks = [], []
    for item, truth, place in zip(fit.items, crowd.truth, places, strict=True):
        row = rows[item]
        strengths.append(known(row.low) <= truth <= known(row.high))
        ranks.append(known(row.rank_low) <= place <= known(row.rank_high))
    return float(np.mean(strengths)), float(np.mean(ranks))


def coverage(seeds: int = 100) -> Rows:
    """What becomes of 95 % intervals when voters do not do what the model says."""
    cases: dict[str, dict[str, float]] = {
        "voters are as the model says": {},
        "20 % of the ballots are cast at random": {"random": 0.2},
        "voters differ in taste (sd 0.5), 20 ballots each": {"taste": 0.5},
    }

    def measure(options: dict[str, float]) -> tuple[float, float]:
        found = []
        for seed in range(seeds):
            crowd = Crowd.of(seed, 30, 0.5, 1000, **options)  # type: ignore[arg-type]
            found.append(covered(crowd, engine_named("plackett-luce").fit(crowd.evidence)))
        strengths, ranks = np.mean(found, axis=0)
        return float(strengths), float(ranks)

    return [
        {"case": case, "strengths": round(strengths, 3), "ranks": round(ranks, 3)}
        for case, (strengths, ranks) in ((case, measure(options)) for case, options in cases.items())
    ]


def priors(seeds: int = 100) -> Rows:
    """A learned prior against given ones, right and wrong, with few ballots."""
    found = []
    for name, given in (("learned", None), ("0.5, the true one", 0.5), ("1.5", 1.5), ("5", 5.0)):
        options = {} if given is None else {"prior_sd": given}
        errors, inside = [], []
        for seed in range(seeds):
            crowd = Crowd.of(seed, 20, 0.5, 60)
            fit = engine_named("plackett-luce").fit(crowd.evidence, **options)
            errors.append(float(np.sqrt(np.mean((fit.mean - crowd.truth) ** 2))))
            inside.append(covered(crowd, fit)[0])
        found.append(
            {"prior": name, "error": round(float(np.mean(errors)), 2), "strengths": round(float(np.mean(inside)), 2)}
        )
    return found


def reliability(seeds: int = 20) -> Rows:
    """What one voter in five who ranks at random costs, and what is won back by finding them."""
    found: Rows = []
    for case, random in (("all are honest", 0.0), ("one voter in five ranks at random", 0.2)):
        row: dict[str, Any] = {"case": case}
        for engine in ("plackett-luce", "annotator-aware"):
            agreements, inside = [], []
            for seed in range(seeds):
                crowd = Crowd.of(seed, 30, 0.5, 2000, random=random, whole_voters=True)
                fit = engine_named(engine).fit(crowd.evidence)
                agreements.append(kendalltau(fit.mean, crowd.truth).statistic)
                inside.append(covered(crowd, fit)[0])
            row[engine] = {"tau": round(float(np.mean(agreements)), 3), "strengths": round(float(np.mean(inside)), 2)}
        found.append(row)
    return found


def online(seeds: int = 10) -> dict[str, float]:
    """How far 500 updates end from the fit of the same 500 ballots, in posterior standard deviations."""
    from ranking.engines.fit import centred
    from ranking.engines.online import assimilate

    squares, largest = [], 0.0
    for seed in range(seeds):
        crowd = Crowd.of(seed, 20, 0.5, 500)
        batch = engine_named("plackett-luce").fit(crowd.evidence, prior_sd=0.5)
        mean, covariance = np.zeros(20), 0.25 * np.eye(20)
        for slots, ranks in zip(*(a.reshape(-1, 4) for a in (crowd.evidence.slots, crowd.evidence.ranks)), strict=True):
            mean, covariance = assimilate(mean, covariance, slots, ranks)
        spread = np.array([known(row.sd) for row in sorted(standings(batch), key=lambda row: int(row.item[1:]))])
        distance = (centred(mean, covariance)[0] - batch.mean) / spread
        squares.append(float(np.mean(distance**2)))
        largest = max(largest, float(np.abs(distance).max()))
    return {"root mean square": round(float(np.sqrt(np.mean(squares))), 3), "largest": round(largest, 2)}


def worth(most: int = 8) -> Rows:
    """Information of one ballot between equals, over that of a pair: trace of the information matrix."""

    def of(ranks: list[int]) -> float:
        size = len(ranks)
        evidence = Evidence.from_arrays([f"c{i}" for i in range(size)], [list(range(size))], [ranks])
        return float(np.trace(group(evidence).evaluate(np.zeros(size))[2]))

    asked: dict[str, Callable[[int], list[int]]] = {
        "whole order": lambda size: list(range(1, size + 1)),
        "best and worst": lambda size: [1, *[0] * (size - 2), -1],
        "best only": lambda size: [1, *[0] * (size - 1)],
    }
    pair = of([1, 2])
    return [
        {"size": size, **{name: round(of(ranks(size)) / pair, 2) for name, ranks in asked.items()}}
        for size in range(2, most + 1)
    ]
