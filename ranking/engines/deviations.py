"""Contestants are better at some prompts than at others, or please some voters more: Gaussian deviations by group.

Model. On a ballot of group g (its prompt, or its voter) contestant i has the log-strength theta_i + u_ig with
u_ig ~ N(0, t^2), independent; t is learned. theta_i is then the strength on the average prompt (for the average
voter), and its interval counts that only some groups were seen: many ballots on few prompts no longer pass for
certainty about all prompts.

Method. Ballots of different groups share no u, so u is integrated out group by group with Laplace's approximation: the
mode of u (Newton, concave) and the factor det(I + t^2 H_g)^-1/2, H_g the information of the group's ballots. theta is
the mode of what is left and has the information sum_g (H_g^-1 + t^2 I)^-1. t maximises the same approximation to the
evidence, times the weak prior exp(-t^2 / 2), within `LIMITS`; its interval is from the curvature in log t. Groups come
by prompt or by voter, not both at once: crossed deviations do not separate.

How good. The approximation improves with the number of ballots behind each deviation. In simulation (8 contestants,
40 groups, t = 0.8) twenty four-way ballots a group give t = 0.79 on average, five give 0.69; a hundred groups of five
pairs, about one ballot for each deviation, give 0.4, and intervals of theta then cover 0.87 instead of 0.95 (0.80
without deviations). Intervals of theta take t as known. theta lives on the scale of conditional log-strengths, which is
wider than that of a fit without deviations.

Sources: Breslow and Clayton 1993, Pinheiro and Chao 2006. Cost: an evaluation is a few steps of Newton in each group,
each a pass over its ballots (and 2 K more for the gradient of the determinant), and there are some ten evaluations for
each of some fifteen values of t: about a second for a thousand four-way ballots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.engines import kernels
from ranking.engines.covariates import Design
from ranking.engines.errors import FitError
from ranking.engines.evidence import UNSTATED, Evidence
from ranking.engines.laplace import Mode, maximise
from ranking.engines.profiled import Joint, Profiled

Floats = NDArray[np.float64]

GROUPS = ("prompt", "voter")
LIMITS = (0.02, 4.0)  # of t, in logits
TOLERANCE = 2e-3  # of log t
REACH = 0.15  # of log t, for the curvature


class Deviated(Profiled):
    """The likelihood of theta and of the effects of covariates with the deviations maximised out, for one t."""

    def __init__(self, evidence: Evidence, design: Design, by: str) -> None:
        if by not in GROUPS:
            raise FitError(f"effects must be prompt or voter, not {by!r}")
        labels = evidence.prompts if by == "prompt" else evidence.voters
        kept = np.flatnonzero(evidence.informative())
        group = labels.index[kept].astype(np.int64)
        self.unstated = int((group == UNSTATED).sum())
        if self.unstated == len(group):
            raise FitError(f"no ballot that ranks anything states its {by}, so it can have no effects")
        group[group == UNSTATED] = len(labels.names) + np.arange(self.unstated)
        order = np.argsort(group, kind="stable")
        sizes = np.diff(evidence.offsets)[kept[order]]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(starts[-1]) + np.repeat(evidence.offsets[:-1][kept[order]] - starts[:-1], sizes)
        ordered = Design(design.names, np.ascontiguousarray(design.values[places]), design.precision)
        super().__init__(evidence.take(kept[order]), ordered, noise=False)
        self._number(group[order], sizes)
        self.variance = 1.0
        self.deviations, self.spread = np.zeros(len(self.cell_items)), np.zeros(len(self.cell_items))

    def _number(self, group: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        """Number the groups, and the cells: contestants within a group, those of a group together."""
        names, first, number = np.unique(group, return_index=True, return_inverse=True)
        self.groups = np.append(first, len(group)).astype(np.int64)
        items = len(self.evidence.items)
        keys, cells = np.unique(np.repeat(number, sizes) * items + self.evidence.slots, return_inverse=True)
        self.cells = cells.astype(np.int64)
        self.cell_items = (keys % items).astype(np.int64)
        self.cell_starts = np.searchsorted(keys // items, np.arange(len(names) + 1)).astype(np.int64)

    def joint(self, theta: Floats, others: Floats, *, complete: bool = False) -> Joint:
        """Value and gradient with the deviations integrated out (Laplace), information at their mode."""
        size = len(theta) + len(others)
        gradient, information = np.empty(size), np.empty((size, size))
        eta = theta[self.evidence.slots] + self.design.values @ others
        value = kernels.accumulate_groups(
            self.evidence.offsets, self.evidence.slots, self.evidence.ranks, self.evidence.weight, self.groups,
            self.cells, self.cell_starts, self.cell_items, eta, self.design.values, self.variance, self.deviations,
            self.spread, len(theta), gradient, information,
        )  # fmt: skip
        return Joint(float(value), gradient, information)

    def log_evidence(self, mode: Mode) -> float:
        """Laplace's approximation to log P(ballots | s, t) with the priors of s and t, up to a constant."""
        value, _, profile = self.evaluate(mode.theta)
        strengths = np.linalg.slogdet(np.eye(len(profile)) + mode.variance * profile)[1]
        bend = self.joint(mode.theta, self.others).information[len(profile) :, len(profile) :]
        others = np.linalg.slogdet(bend + np.diag(self.design.precision))[1] if len(self.others) else 0.0
        hyper = -math.log(mode.variance) / 2 - 1 / (4 * mode.variance) - self.variance / 2
        height = value - mode.theta @ mode.theta / (2 * mode.variance)
        return float(height - (strengths + others) / 2 + hyper)


@dataclass(frozen=True, slots=True)
class Deviation:
    """t with its interval; None where the data do not bound it. `at_limit` is which end of `LIMITS` it is at."""

    sd: float
    low: float | None
    high: float | None
    at_limit: str | None


def learn(
    likelihood: Deviated, *, prior_sd: float | None, start: Floats | None, width: float
) -> tuple[Mode, Deviation]:
    """Learn t, leaving `likelihood` at it, and the mode there. `width` is the normal quantile of the interval."""
    from scipy.optimize import minimize_scalar  # a quarter of a second that other fits need not wait

    modes: dict[float, Mode] = {}
    last = start

    def loss(log_sd: float) -> float:
        nonlocal last
        likelihood.variance = math.exp(2 * log_sd)
        modes[log_sd] = maximise(likelihood, prior_sd=prior_sd, start=last)
        last = modes[log_sd].theta
        return -likelihood.log_evidence(modes[log_sd])

    low, high = (math.log(limit) for limit in LIMITS)
    best = float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": TOLERANCE}).x)
    beside = [loss(best - REACH), loss(best + REACH)]
    middle = loss(best)
    curvature = (beside[0] - 2 * middle + beside[1]) / REACH**2
    at_limit = "lower" if best < low + 0.05 else ("upper" if best > high - 0.05 else None)
    if at_limit is not None or curvature <= 0:
        return modes[best], Deviation(math.exp(best), None, None, at_limit)
    error = width / math.sqrt(curvature)
    return modes[best], Deviation(math.exp(best), math.exp(best - error), math.exp(best + error), None)
