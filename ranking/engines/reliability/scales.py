"""How sharply honest voters see: the law of their scales, on a grid.

Voter v sees alpha_v theta, and log alpha_v ~ N(0, tau^2) among the honest. The normal law stands on the equidistant
nodes a_k = log `SCALES`, where the sum over k is the trapezoidal rule of the integral over a voter's scale:

    q_k = exp(-a_k^2 / 2 tau^2 + lambda a_k) / sum_j exp(-a_j^2 / 2 tau^2).

One parameter, tau, says how much scales differ; where they lie is 0 by definition. Were each scale given a share of its
own the law could move, and strengths half as large seen by voters twice as sharp say the same about every ballot: what
the scale of theta is would be left to the prior of the shares, and intervals would know nothing of it.

tau has a half-normal prior of sd `PRIOR_SPREAD`, and is the mode in t = log tau, so it is small where voters are alike
but never the 0 to which a variance is easily estimated (Chung and others 2013).

lambda is set so that log scales of the honest voters, as expected from their ballots, average 0. Where the likelihood
alone decides, that is so at lambda = 0; but a mode in M strengths loses |theta|^2 / s^2, about M, for each unit of
common log scale, and would come out a factor exp(-tau^2 M / V) too small. The mean of theta does not: the room for the
other M - 1 directions grows with theta.

Cost: a few sums over V voters and K nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A factor of 1.41 apart, up to 4. Who sees less than a third as sharply as others ranks all but at random, and is left
# to that class: with a longer lower end random voters count as honest, and the law widens to hold them
SCALES = tuple(2.0 ** (step / 2) for step in range(-3, 5))
PRIOR_SPREAD = 0.5  # of log alpha: two thirds of voters within a factor of 1.6 of each other
PRIOR_VARIANCE = 0.5  # of log tau at its prior's mode
SPREAD_RANGE = (0.1, 1.5)  # of tau: at the lower end all but 0.5 % stand on 1, at the upper the grid is all but even
LARGEST_STEP = 0.5  # of log tau
HALVINGS = 20  # of a step that leads downhill
LARGEST_TILT = 1.0  # a step of lambda
TILT_LIMIT = 20.0  # a few voters may be so sure of their nodes that no lambda brings the average to 0


@dataclass(frozen=True, eq=False, slots=True)
class Law:
    """q of the nodes `logs` (K), with spread tau and tilt lambda. One node: everybody sees alike."""

    logs: Floats
    spread: float = PRIOR_SPREAD
    tilt: float = 0.0

    @classmethod
    def of(cls, scales: tuple[float, ...]) -> Law:
        return cls(np.log(scales))

    @property
    def varies(self) -> bool:
        return len(self.logs) > 1

    @property
    def untilted(self) -> Floats:
        raw = np.exp(-(self.logs**2) / (2 * self.spread**2))
        found: Floats = raw / raw.sum()
        return found

    @property
    def weights(self) -> Floats:
        """float64[K]; the tilt is that of a constraint, so they need not sum to one."""
        found: Floats = self.untilted * np.exp(self.tilt * self.logs)
        return found

    @property
    def log_prior(self) -> float:
        """Of t, up to a constant."""
        return math.log(self.spread) - self.spread**2 / (2 * PRIOR_SPREAD**2) if self.varies else 0.0

    def slopes(self) -> Floats:
        """float64[K]: d log q_k / dt."""
        squares = self.logs**2
        found: Floats = (squares - self.untilted @ squares) / self.spread**2
        return found

    def complete_information(self, likely: Floats) -> float:
        """-d^2 / dt^2 of the log-density of known scales and of the prior; `likely` (V, K) says how they are known."""
        expected, squares = likely.sum(axis=0), self.logs**2
        law = self.untilted
        across = float(law @ squares**2 - (law @ squares) ** 2)
        return (
            2 * float(expected @ self.slopes())
            + float(expected.sum()) * across / self.spread**4
            + 2 * (self.spread / PRIOR_SPREAD) ** 2
        )

    def renewed(self, likely: Floats) -> Law:
        """tau moved uphill, and lambda to the average 0, by Newton steps. `likely` float64[V, K]: P(honest, node k)."""
        if not self.varies:
            return self
        first = likely @ self.logs
        loose = float((likely @ self.logs**2 - first**2).sum())
        wanted = float(first.sum()) / loose if loose > 0 else 0.0
        tilt = self.tilt - min(max(wanted, -LARGEST_TILT), LARGEST_TILT)
        return Law(self.logs, self._uphill(likely), min(max(tilt, -TILT_LIMIT), TILT_LIMIT))

    def _uphill(self, likely: Floats) -> float:
        """tau after a Newton step in log tau, halved until the marginal likelihood with the prior is no lower."""
        slopes = self.slopes()
        gradient = float((likely @ slopes).sum()) + 1 - (self.spread / PRIOR_SPREAD) ** 2
        lost = float((likely @ slopes**2 - (likely @ slopes) ** 2).sum())
        bend = self.complete_information(likely) - lost
        step = gradient / bend if bend > 0 else math.copysign(LARGEST_STEP, gradient)
        step = min(max(step, -LARGEST_STEP), LARGEST_STEP)
        for _ in range(HALVINGS):
            spread = min(max(self.spread * math.exp(step), SPREAD_RANGE[0]), SPREAD_RANGE[1])
            if self._gain(likely, Law(self.logs, spread)) >= 0:
                return spread
            step /= 2
        return self.spread

    def _gain(self, likely: Floats, other: Law) -> float:
        """By what the voters' ballots, scales summed out, and the prior are likelier at the spread of another law."""
        ratio = other.untilted / self.untilted
        return float(np.log1p(likely @ (ratio - 1)).sum()) + other.log_prior - self.log_prior

    def rests(self, before: Law, likely: Floats, tolerance: float) -> bool:
        """Whether neither parameter moved by more than `tolerance` of its standard deviation."""
        voters = float(likely.sum())
        average = 0.0 if abs(self.tilt) == TILT_LIMIT else abs(float((likely @ self.logs).sum()))
        moved = abs(math.log(self.spread / before.spread))
        return max(moved * math.sqrt(1 + voters), average / math.sqrt(1 + voters)) <= tolerance
