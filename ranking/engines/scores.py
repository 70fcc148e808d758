"""What each ballot says by itself: its log-likelihood and its pull on the contestants it shows.

The grouped terms of a fit forget which ballot they came from; robust intervals and influence have to know. The sums
over ballots are those of `terms`, also for sampled ties. Cost: one pass, about 0.2 us for a four-way ranking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines import kernels
from ranking.engines.evidence import Evidence

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """`values` (B): log-likelihood of each ballot, cast once. `slots` (S): its derivative by the strength at a slot."""

    values: Floats
    slots: Floats

    def along(self, evidence: Evidence, direction: Floats) -> Floats:
        """float64[B]: the derivative of each ballot's log-likelihood, cast once, along `direction` (M)."""
        if not len(evidence):
            return np.zeros(0)
        return np.asarray(np.add.reduceat(self.slots * direction[evidence.slots], evidence.offsets[:-1]))


def ballot_scores(evidence: Evidence, theta: Floats) -> Scores:
    """The scores of all ballots at the log-strengths `theta`."""
    return slot_scores(evidence, theta[evidence.slots])


def slot_scores(evidence: Evidence, eta: Floats) -> Scores:
    """The same where each slot has a log-strength of its own: `eta` (S)."""
    values, slots = np.empty(len(evidence)), np.empty(len(evidence.slots))
    kernels.ballot_scores(
        evidence.offsets, evidence.slots, evidence.ranks, np.ascontiguousarray(eta), len(evidence.items), values, slots
    )
    return Scores(values, slots)
