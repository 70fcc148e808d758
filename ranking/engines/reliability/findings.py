"""What is reported about voters: who is likely what, how common the classes are, and sentences for the board."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines.evidence import Evidence
from ranking.engines.notes import SHOWN_NAMES
from ranking.engines.reliability.mixture import Solution
from ranking.engines.reliability.uncertainty import share_interval
from ranking.engines.reliability.voters import HONEST, RANDOM, Electorate

Floats = NDArray[np.float64]

FAN = "fan"
LEVEL = 0.95  # of the intervals of shares
LISTED = 0.5  # expected voters from which a favourite is listed
FEW_BALLOTS = 10  # a voter; with fewer the class of most voters stays open
QUANTILE = 1.96  # of 95 %
FOUND = 0.5  # probability of a class from which a voter counts as found


@dataclass(frozen=True, slots=True)
class Share:
    """How common a class is: the mean and the central 95 % interval of its share, and the expected number of voters.

    name is a class of `Voters.classes`; "fan" is all fans together, or with a `favourite` the fans of that item.
    """

    name: str
    favourite: str | None
    share: float
    low: float
    high: float
    voters: float

    def as_dict(self) -> dict[str, Any]:
        return {"share": self.share, "low": self.low, "high": self.high, "voters": self.voters}


@dataclass(frozen=True, eq=False, slots=True)
class Voters:
    """One row for each of the V voters who ranked anything.

    names          as in the evidence
    ballots        int64[V], how many of a voter's ballots rank something
    classes        names of the columns of `probability`; the last is "fan"
    probability    float64[V, C], each row sums to one
    favourite      int64[V], the item shown to the voter whose fan the voter most likely is; -1 where there is none
    loyalty        float64[V], the probability of being that item's fan
    scale          float64[V], how sharply a voter sees if honest: alpha, as the mean of its logarithm; all 1 unless
                   scales differ
    """

    names: tuple[str, ...]
    ballots: NDArray[np.int64]
    classes: tuple[str, ...]
    probability: Floats
    favourite: NDArray[np.int64]
    loyalty: Floats
    scale: Floats

    @property
    def reliability(self) -> Floats:
        """float64[V]: probability of judging by what is shown, at whatever scale."""
        result: Floats = self.probability[:, self.classes.index(HONEST)]
        return result


def voters(electorate: Electorate, solution: Solution) -> Voters:
    """The table of voters at the solution."""
    answer, count = solution.responsibilities, len(electorate.names)
    fans, _ = answer.fans(electorate, solution.shares)
    favourite, loyalty = np.full(count, -1, np.int64), np.zeros(count)
    ascending = np.argsort(answer.pairs, kind="stable")
    favourite[electorate.pair_voter[ascending]] = electorate.pair_item[ascending]  # the last written is the likeliest
    loyalty[electorate.pair_voter[ascending]] = answer.pairs[ascending]
    return Voters(
        electorate.names,
        np.bincount(electorate.voter_of + 1, minlength=count + 1)[1:],
        (*electorate.classes, FAN),
        np.column_stack([answer.classes, fans]),
        favourite,
        loyalty,
        np.exp(_scales_if_honest(solution) @ solution.law.logs),
    )


def _scales_if_honest(solution: Solution) -> Floats:
    """float64[V, K]: how likely each scale is, also for voters whose chance of being honest is not a number above 0."""
    logs = solution.likelihoods.scales + np.log(solution.law.weights)
    raw = np.exp(logs - logs.max(axis=1, keepdims=True))
    result: Floats = raw / raw.sum(axis=1, keepdims=True)
    return result


def scales(solution: Solution, deviation: float) -> dict[str, Any] | None:
    """tau and its 95 % interval, `deviation` being the standard deviation of log tau; None where scales are alike."""
    if not solution.law.varies:
        return None
    spread, reach = solution.law.spread, math.exp(QUANTILE * deviation)
    return {"sd": spread, "low": spread / reach, "high": spread * reach}


def shares(evidence: Evidence, electorate: Electorate, solution: Solution) -> tuple[Share, ...]:
    """Every class, all fans together, and each favourite with some fans (most first)."""
    answer, weight, expected, prior = (
        solution.responsibilities, solution.shares, solution.voters, solution.prior,
    )  # fmt: skip
    sure, whole = prior.total, weight.total

    def estimated(
        name: str, favourite: str | None, likely: Floats, weight: float, voters: float, prior: float
    ) -> Share:
        low, high = share_interval(likely / weight, (1 - likely) / (whole - weight), prior, sure, LEVEL)
        return Share(name, favourite, (prior + voters) / (sure + len(likely)), low, high, voters)

    result = [
        estimated(
            name,
            None,
            answer.classes[:, number],
            *(float(column.classes[number]) for column in (weight, expected, prior)),
        )
        for number, name in enumerate(electorate.classes)
    ]
    if electorate.fans:
        sums = (float(column.sum()) for column in (weight.fans, expected.fans, prior.fans))
        result.append(estimated(FAN, None, answer.fans(electorate, weight)[0], *sums))
    for item in np.argsort(-expected.fans, kind="stable").tolist():
        if expected.fans[item] < LISTED:
            break
        likely = answer.unseen * weight.fans[item]
        mine = electorate.pair_item == item
        likely[electorate.pair_voter[mine]] = answer.pairs[mine]
        numbers = (float(column[item]) for column in (weight.fans, expected.fans, prior.fans))
        result.append(estimated(FAN, evidence.items[item], likely, *numbers))
    return tuple(result)


def sentences(evidence: Evidence, electorate: Electorate, table: Voters, found: Sequence[Share]) -> list[str]:
    """For `Fit.warnings`: whose ballots count less, and what cannot be known."""
    result, count = [], len(table.names)
    nameless = int((evidence.informative() & (electorate.voter_of < 0)).sum())
    if nameless:
        result.append(f"{nameless} of {len(evidence)} ballots name no voter and are believed")
    if count and table.ballots.mean() < FEW_BALLOTS:
        result.append(
            f"{table.ballots.mean():.1f} ballots a voter are few: below {FEW_BALLOTS} most voters cannot be placed"
        )
    for number, name in enumerate(table.classes):
        sure = int((table.probability[:, number] > FOUND).sum())
        if sure and (name in (RANDOM, *electorate.sides)):
            what = "rank at random" if name == RANDOM else f"put the {name} first"
            result.append(f"{sure} of {count} voters seem to {what}; their ballots count little")
    favourites = [f"{share.favourite} {share.voters:.0f}" for share in found if share.favourite and share.voters >= 1]
    if favourites:
        more = f" and {len(favourites) - SHOWN_NAMES} more" if len(favourites) > SHOWN_NAMES else ""
        listed = ", ".join(favourites[:SHOWN_NAMES])
        result.append(f"some voters seem to put a favourite first whatever is shown (expected: {listed}{more})")
    return result
