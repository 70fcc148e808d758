"""Voters: who judges what they are shown, and by which equation.

A voter shown the set A forms an impression x_i of each i in A; the ballot (`ballots`) is what the impressions say.
With theta the strengths, alpha_v the voter's scale, c_v the voter's taste:

    u_vi = alpha_v (theta_i + cyclic (((g_i + t_v) mod 3) - 1)),        x_i = u_vi + e_i

    plackett-luce   e_i standard Gumbel, so that P(order a_1 ... a_K) = prod_j exp u_aj / sum_{l >= j} exp u_al
    thurstone       e_i ~ N(0, pi^2 / 6), the variance of a Gumbel: P(a above b) = Phi((u_a - u_b) / (pi / sqrt 3))
    true            e_i = 0: the voter always ranks by strength

- `scale_sd`: log alpha_v ~ N(0, scale_sd^2), otherwise alpha_v = 1. Some voters see sharply, some hardly.
- `cyclic`: contestants are of three kinds g, voters of three tastes t, equally often. A kind that taste t ranks first,
  taste t + 1 ranks last or in between, so that with equal theta majorities run in a circle (Condorcet).
- `random`: this share of voters ranks whatever is shown at random, P(order) = 1 / K!.
- `lazy`: this share ranks in the order of the slots, the first one first, without looking.
- `bloc`: this share puts one contestant, the target, first wherever it is shown, and is honest about the rest.
- `random_ballots`: this share of the ballots of everybody is random.

Shares are exact up to rounding; every voter casts `each` ballots, in an order mixed over all voters.
Sources: Luce 1959; Yellott 1977 (Gumbel noise gives Plackett-Luce); Thurstone 1927.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ints

KINDS = ("plackett-luce", "thurstone", "true")
NORMAL_SD = math.pi / math.sqrt(6)  # of the impressions of thurstone: that of a Gumbel
FAR = 1e6  # above every impression
HONEST, RANDOM, LAZY, FAN = range(4)
MOST_EACH = 1_000_000  # ballots
_MOST = {"scale_sd": 5.0, "cyclic": 100.0}  # logits; beyond, impressions have no digits in common with their noise
_SHARES = ("random", "lazy", "bloc", "random_ballots")


@dataclass(frozen=True)
class Electorate:
    """How voters are drawn; see the module."""

    kind: str = "plackett-luce"
    each: int = 20
    scale_sd: float = 0.0
    cyclic: float = 0.0
    random: float = 0.0
    lazy: float = 0.0
    bloc: float = 0.0
    random_ballots: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise LaboratoryError(f"voters must be {', '.join(KINDS)}, not {self.kind!r}")
        if not 1 <= self.each <= MOST_EACH:
            raise LaboratoryError(f"a voter casts 1 to {MOST_EACH} ballots, not {self.each}")
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise LaboratoryError(f"{_plain(name)} must be 0 to {most:g}, not {getattr(self, name)}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise LaboratoryError(f"{_plain(name)} is a share from 0 to 1, not {getattr(self, name)}")
        if self.random + self.lazy + self.bloc > 1 + 1e-12:
            raise LaboratoryError("the shares of random, lazy and bloc voters add up to more than 1")


class Voters:
    """The voters of one trial, with the ballots that each will cast.

    of: (ballots,) the voter of each ballot; target: the contestant that the bloc favours, drawn from all of them.
    """

    def __init__(self, electorate: Electorate, theta: Floats, ballots: int, rng: np.random.Generator) -> None:
        count = -(-ballots // electorate.each)
        self.of: Ints = rng.permutation(np.repeat(np.arange(count), electorate.each))[:ballots]
        self.target = int(rng.integers(len(theta)))
        self.scale = np.exp(electorate.scale_sd * rng.normal(size=count))
        self.taste = rng.permutation(np.arange(count) % 3)
        self.behaviour = _behaviours(electorate, count, rng)
        self.kind_of_contestant = rng.permutation(np.arange(len(theta)) % 3)
        self._electorate, self._theta, self._rng = electorate, theta, rng

    def impressions(self, ballot: int, members: Ints) -> Floats:
        """x of the members, in the order in which they are shown; higher is better."""
        voter, count = self.of[ballot], len(members)
        behaviour = self.behaviour[voter]
        share = self._electorate.random_ballots
        if behaviour == RANDOM or (share and self._rng.random() < share):
            return self._rng.gumbel(size=count)
        if behaviour == LAZY:
            return -FAR * np.arange(count, dtype=np.float64)
        found = self.utilities(int(voter), members) + self._noise(count)
        if behaviour == FAN:
            found[members == self.target] = FAR
        return found

    def utilities(self, voter: int, members: Ints) -> Floats:
        """u of the members for one voter."""
        liked = self._theta[members]
        if self._electorate.cyclic:
            kinds = (self.kind_of_contestant[members] + self.taste[voter]) % 3
            liked = liked + self._electorate.cyclic * (kinds - 1)
        return np.asarray(self.scale[voter] * liked)

    def _noise(self, count: int) -> Floats | float:
        if self._electorate.kind == "plackett-luce":
            return self._rng.gumbel(size=count)
        if self._electorate.kind == "thurstone":
            return self._rng.normal(0, NORMAL_SD, count)
        return 0.0


def _behaviours(electorate: Electorate, count: int, rng: np.random.Generator) -> Ints:
    found, begin = np.full(count, HONEST), 0
    share = 0.0
    for behaviour, part in ((RANDOM, electorate.random), (LAZY, electorate.lazy), (FAN, electorate.bloc)):
        share += part
        end = round(share * count)
        found[begin:end] = behaviour
        begin = end
    return rng.permutation(found)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def described(electorate: Electorate) -> dict[str, str | int | float]:
    """The settings by name, for reports."""
    return {field.name: getattr(electorate, field.name) for field in fields(electorate)}
