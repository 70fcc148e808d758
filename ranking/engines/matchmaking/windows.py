"""A window: contestants that are neighbours in a random order, and the probability that they are.

The order is that of one joint draw theta ~ N(mu, Sigma) of the strengths. Present in it is one contestant of each group
that is kept apart, any of its members alike, with a chance that goes with how gladly the voter sees it; where fewer
than K are present, one of each group is all the same. A pivot is anybody present, and the window are the pivot and its
nearest K - 1 in the order. Of m present, the window from place x on (0 is the first) has the chance

    w(x) / m,    w = (K + 1) / 2 at both ends, 1 in between, m where m = K.

The probability of a set A is the mean over S draws of the others, none of them the one that was used, of the chance
given that draw, which is all but free of chance itself:

    P(A | theta_B, who else is present) = P(A present) sum_x P(theta_A all between the neighbours x - 1 and x) w(x) / m.

Given the others, theta_A is normal with covariance C = (Sigma^-1)_AA^-1 and mean mu_A - C (Sigma^-1)_AB (theta_B -
mu_B). That all its K members fall between the same two others is found one member after the other, each drawn between
the two before the next (GHK); where C is diagonal that is exact. The estimate has no bias. Its relative standard error
is about 0.2 to 0.35 for S = 64 and K = 4 among 50 or 200 contestants, 0.03 for K = 2, and above 1 for K = 8. Sigma +
c 11' gives the same orders as Sigma: a c is added, so that centred covariances, which are singular, do as well.

Source: Geweke 1989, Hajivassiliou and McFadden 1998, Keane 1994 for GHK.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import cho_solve
from scipy.special import ndtr, ndtri

from ranking.engines.matchmaking.situation import Bools, Floats, Ints, Situation, SituationError

_JITTERS = (1e-9, 1e-6, 1e-3)  # shares of the variances that are added: the least with which there is a factor
_FAR = 8.0  # standard deviations; beyond lie 1e-15


@dataclass(frozen=True)
class Window:
    """S + 1 draws, the first of which is the one to draw a set from; the others tell how likely a set is.

    mean: (n,); root: (n, n), the Cholesky factor of the covariance; glad: (n,) chances of being present;
    group: (n,) numbers of groups; strengths, chosen, awake: (S + 1, n), what was drawn: strengths, who stands for its
    group, and who would be present; uniforms: (S, K) of GHK.
    """

    size: int
    mean: Floats
    root: Floats
    glad: Floats
    group: Ints
    strengths: Floats
    chosen: Bools
    awake: Bools
    uniforms: Floats

    @property
    def too_few(self) -> bool:
        """Whether there are fewer groups than members: no draw has a window then."""
        return len(np.unique(self.group)) < self.size

    def draw(self, situation: Situation, rng: np.random.Generator) -> tuple[int, ...]:
        """Members in the drawn order; empty where there are fewer groups than members."""
        present = np.flatnonzero(self._present[0])
        order = present[np.argsort(self.strengths[0, present])]
        if len(order) < self.size:
            return ()
        pivot = int(rng.integers(len(order)))
        before = (self.size - 1) // 2 if self.size % 2 else self.size // 2 - int(rng.integers(2))
        start = min(max(pivot - before, 0), len(order) - self.size)
        return tuple(order[start : start + self.size].tolist())

    def probability(self, situation: Situation, members: tuple[int, ...]) -> float:
        """Monte Carlo, see above. Cost: S (n + K gaps), and K n^2 for what the others say of the members."""
        who = np.array(members)
        own = self.group[who]
        if len(np.unique(own)) < self.size:
            return 0.0
        likely = float(np.prod(1 / np.bincount(self.group)[own]))  # that they stand for their groups
        others = np.flatnonzero(~np.isin(self.group, own))
        strengths, chosen = self.strengths[1:, others], self.chosen[1:, others]
        awake = chosen & self.awake[1:, others]
        center, root = self._given(who)
        share = np.prod(self.glad[who]) * self._between(strengths, awake, center, root)
        # All groups are present where fewer than K contestants are awake.
        wanted = self.size - awake.sum(axis=1)
        asleep = np.where(wanted > 0, _fewer(self.glad[who])[np.maximum(wanted, 0)], 0.0)
        if asleep.any():
            share = share + asleep * self._between(strengths, chosen, center, root)
        estimate = likely * float(share.mean())
        # Rarer than anything that so many draws can tell of: as often as it came.
        return estimate or self._frequency([members], slice(None))

    def total(self, situation: Situation, groups: Sequence[tuple[int, ...]]) -> float:
        """The probability of several sets together: how often one of them came. Cost: S K for each."""
        return self._frequency(groups, slice(1, None))

    def _frequency(self, groups: Sequence[tuple[int, ...]], rows: slice) -> float:
        if not groups:
            return 0.0
        place = self._place[rows][:, np.array(groups)]  # (S, sets, K)
        first = place.min(axis=2)
        there = place.max(axis=2) - first == self.size - 1
        many = np.maximum(self._present[rows].sum(axis=1), 1)[:, None]
        return float(np.where(there, _weight(first, many, self.size) / many, 0.0).sum(axis=1).mean())

    @cached_property
    def _present(self) -> Bools:
        present = self.chosen & self.awake
        few = present.sum(axis=1) < self.size
        present[few] = self.chosen[few]
        return present

    @cached_property
    def _place(self) -> Ints:
        """(S + 1, n): the places of those present in the drawn order; of others numbers that are far from any."""
        last = np.where(self._present, self.strengths, np.inf)
        place = np.argsort(np.argsort(last, axis=1), axis=1)
        far = (np.arange(place.shape[1]) + 1) * -10 * self.size
        return np.asarray(np.where(self._present, place, far))

    def _given(self, who: Ints) -> tuple[Floats, Floats]:
        """Of the members given the others of each draw: means (S, K), and the root of their covariance (K, K)."""
        unit = np.zeros((len(self.mean), len(who)))
        unit[who, np.arange(len(who))] = 1.0
        precision = cho_solve((self.root, True), unit, check_finite=False)
        covariance = np.linalg.inv(precision[who])
        center = self.strengths[1:, who] - (self.strengths[1:] - self.mean) @ precision @ covariance
        return center, np.asarray(np.linalg.cholesky((covariance + covariance.T) / 2))

    def _between(self, strengths: Floats, present: Bools, center: Floats, root: Floats) -> Floats:
        """(S,): the chance, given each draw of the others, that the members are a window among those present."""
        draws = len(strengths)
        sorted_ = np.sort(np.where(present, strengths, np.inf), axis=1)
        wall = np.full((draws, 1), np.inf)
        edges = np.concatenate([-wall, sorted_, wall], axis=1)  # place x lies between the edges x and x + 1
        many = present.sum(axis=1)
        spread = _FAR * np.sqrt((root**2).sum(axis=1))
        near = (edges[:, :-1] < (center + spread).min(axis=1)[:, None]) & (
            edges[:, 1:] > (center - spread).max(axis=1)[:, None]
        )
        near &= np.arange(edges.shape[1] - 1)[None, :] <= many[:, None]
        row, place = np.nonzero(near)
        low, high = edges[row, place], edges[row, place + 1]
        chance = np.ones(len(row))
        drawn: list[Floats] = []
        for at in range(self.size):
            middle = center[row, at]
            for before, value in enumerate(drawn):
                middle = middle + root[at, before] * value
            sd = root[at, at]
            inside, value = _truncated((low - middle) / sd, (high - middle) / sd, self.uniforms[row, at])
            chance *= inside
            drawn.append(value)
        chance *= _weight(place, many[row] + self.size, self.size) / (many[row] + self.size)
        return np.asarray(np.bincount(row, chance, draws))


def window(situation: Situation, draws: int, rng: np.random.Generator) -> Window:
    """Draw for one battle. Cost: n^3 / 3, and n^2 for each draw."""
    n = situation.count
    root = _root(np.asarray(situation.covariance, np.float64))
    strengths = situation.mean + rng.standard_normal((draws + 1, n)) @ root.T
    group = situation.components
    glad = situation.gladness / situation.gladness.max()
    return Window(
        size=situation.size,
        mean=situation.mean,
        root=root,
        glad=glad,
        group=group,
        strengths=strengths,
        chosen=_one_of_each(group, draws + 1, rng),
        awake=rng.random((draws + 1, n)) < glad,
        uniforms=rng.random((draws, situation.size)),
    )


def _root(covariance: Floats) -> Floats:
    """The Cholesky factor of a covariance that gives the same orders."""
    variance = np.diag(covariance)
    level = max(float(variance.mean()), 1e-300)
    for jitter in _JITTERS:
        try:
            return np.asarray(
                np.linalg.cholesky(covariance + level + np.diag((variance + level * _JITTERS[0]) * jitter))
            )
        except np.linalg.LinAlgError:
            continue
    raise SituationError("covariance is not positive semidefinite: no strengths can be drawn from it")


def _one_of_each(group: Ints, draws: int, rng: np.random.Generator) -> Bools:
    """(draws, n): one contestant of each group, any of its members alike."""
    chosen = np.ones((draws, len(group)), np.bool_)
    for many in np.flatnonzero(np.bincount(group) > 1):
        members = np.flatnonzero(group == many)
        chosen[:, members] = False
        chosen[np.arange(draws), members[rng.integers(len(members), size=draws)]] = True
    return chosen


def _weight(place: Ints, many: Ints, size: int) -> Floats:
    """w of the window from this place on."""
    ends = np.where((place == 0) | (place == many - size), (size + 1) / 2, 1.0)
    return np.asarray(np.where(many == size, many, ends))


def _fewer(chances: Floats) -> Floats:
    """[k]: the probability that fewer than k of independent events with these chances happen, k = 0 to K."""
    exactly = np.array([1.0])
    for chance in chances:
        exactly = np.append(exactly * (1 - chance), 0.0) + np.append(0.0, exactly * chance)
    return np.concatenate([[0.0], np.cumsum(exactly[:-1])])


def _truncated(low: Floats, high: Floats, uniforms: Any) -> tuple[Floats, Floats]:
    """P(low < z < high) of a standard normal z, and a z from there; from the lower tail, where numbers are precise."""
    flipped = low > 0
    low, high = np.where(flipped, -high, low), np.where(flipped, -low, high)
    below = ndtr(low)
    inside = ndtr(high) - below
    z = np.clip(ndtri(below + uniforms * inside), np.maximum(low, -40.0), np.minimum(high, 40.0))
    return inside, np.where(flipped, -z, z)
