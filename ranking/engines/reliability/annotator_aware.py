"""The engine that asks who can be believed: strengths by Plackett-Luce, voters by class, estimated together.

Model and prior: `mixture`; what each class says: `voters`; intervals: `uncertainty`. In short, each voter is honest,
random, or (unless `fans=False`) a fan of one contestant, for all ballots alike; the shares of the classes are learned,
one for each favourite; a voter's ballots count by the probability that they mean something. Options:

- `scales`: honest voters differ in how sharply they see: alpha times theta, log alpha ~ N(0, tau^2), tau learned. theta
  is then on the scale of the typical honest voter, the geometric mean, and intervals include how well that is known.
- `sides`: two more classes, voters set on the first or on the last slot whatever stands there.
- `position`: everybody sees the contestant in the first slot as stronger by one and the same beta, in logits, with the
  strengths' prior. Slots are in the order of the evidence, which must then be the order shown.

Ballots without a voter are believed. What it is good for, in simulation: see `benchmarks/reliability.py`. With twenty
ballots a voter, 10 to 20 % random or reversed voters cost hardly more than if they were known. A bloc is harder, since
a fan shows only on ballots with the favourite: a 5 % bloc's gain falls to a fifth with twenty ballots a voter, and to
half with five.

Units: logits, centred. Cost: 0.1 s for 4,000 four-way ballots of 200 voters on 50 contestants, 4 s for 100,000 of
5,000. Errors: `FitError` for options out of range and evidence without items.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import notes, ranges
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit, centred
from ranking.engines.plackett_luce import VARIANCE_RANGE, maximise, quality_floor
from ranking.engines.reliability import findings
from ranking.engines.reliability.mixture import Solution, solve, spread
from ranking.engines.reliability.scales import SCALES, SPREAD_RANGE
from ranking.engines.reliability.stages import Stages, expand
from ranking.engines.reliability.uncertainty import covariance
from ranking.engines.reliability.voters import LOYALTY, Electorate
from ranking.engines.terms import group

Floats = NDArray[np.float64]

NAME = "annotator-aware"


@dataclass(frozen=True, eq=False, slots=True)
class ReliabilityFit:
    """The `Fit` for the board, and what was learned about voters.

    position, position_sd   the advantage of the first slot in logits; None without that option
    bounds                  the objective after each round
    """

    fit: Fit
    voters: findings.Voters
    shares: tuple[findings.Share, ...]
    position: float | None
    position_sd: float | None
    bounds: tuple[float, ...]


def fit(
    evidence: Evidence,
    *,
    prior_sd: float | None = None,
    fans: bool = True,
    scales: bool = False,
    sides: bool = False,
    position: bool = False,
    start: Fit | None = None,
) -> Fit:
    """The board alone; `analyse` tells about the voters too."""
    return analyse(
        evidence, prior_sd=prior_sd, fans=fans, scales=scales, sides=sides, position=position, start=start
    ).fit


def analyse(
    evidence: Evidence,
    *,
    prior_sd: float | None = None,
    fans: bool = True,
    scales: bool = False,
    sides: bool = False,
    position: bool = False,
    start: Fit | None = None,
) -> ReliabilityFit:
    """Fit strengths and voters. `prior_sd` in logits fixes the prior, else it is learned; `start` only saves time."""
    prior_sd = ranges.prior_sd(prior_sd)
    if not evidence.items:
        raise FitError("there are no items to rate")
    stages = expand(evidence, positions=position)
    electorate = Electorate.of(evidence, stages, fans=fans, scales=SCALES if scales else (1.0,), sides=sides)
    begin = _begin(evidence, prior_sd, start)
    if position:
        begin = np.append(begin, 0.0)
    solution = solve(evidence, stages, electorate, begin, prior_sd=prior_sd, effect=position)
    spreads, is_maximum = covariance(evidence, stages, electorate, solution, effect=position)
    return _result(evidence, stages, electorate, solution, spreads, is_maximum, prior_sd, position)


def _begin(evidence: Evidence, prior_sd: float | None, start: Fit | None) -> Floats:
    """The first strengths: as in `start`, else those of the fit that believes everybody."""
    if start is None:
        return maximise(group(evidence), prior_sd=prior_sd).theta
    known = dict(zip(start.items, start.mean.tolist(), strict=True))
    return np.array([known.get(item, 0.0) for item in evidence.items])


def _result(
    evidence: Evidence,
    stages: Stages,
    electorate: Electorate,
    solution: Solution,
    spreads: Floats,
    is_maximum: bool,
    prior_sd: float | None,
    position: bool,
) -> ReliabilityFit:
    count = len(evidence.items)
    mean, shared = centred(solution.mode.theta[:count], spreads[:count, :count])
    effect, effect_sd = None, None
    if position:
        effect, effect_sd = float(solution.mode.theta[count]), math.sqrt(spreads[count, count])
    shares, table = findings.shares(evidence, electorate, solution), findings.voters(electorate, solution)
    parameters: dict[str, Any] = {
        "prior_sd": math.sqrt(solution.mode.variance),
        "prior": "learned" if prior_sd is None else "given",
        "log_likelihood": _log_likelihood(stages, electorate, solution, position),
        "loyalty": LOYALTY if electorate.fans or electorate.sides else None,
        "voters": len(electorate.names),
        "shares": {share.name: share.as_dict() for share in shares if share.favourite is None},
        "fans": [{"item": share.favourite, **share.as_dict()} for share in shares if share.favourite is not None],
        "position": {"effect": effect, "sd": effect_sd} if position else None,
        "scales": findings.scales(solution, math.sqrt(spreads[-1, -1])),
        "all_bad": quality_floor(evidence, mean),
    }
    warnings = (
        *_solver_notes(solution, is_maximum, prior_sd),
        *findings.sentences(evidence, electorate, table, shares),
        *notes.links(evidence.items, group(evidence)),
        *notes.general(evidence),
    )
    result = Fit(
        NAME, evidence.items, mean, shared, evidence.shown(), len(evidence), parameters,
        solution.converged and is_maximum, solution.rounds, warnings,
    )  # fmt: skip
    return ReliabilityFit(result, table, shares, effect, effect_sd, solution.bounds)


def _log_likelihood(stages: Stages, electorate: Electorate, solution: Solution, position: bool) -> float:
    """Of all ballots, with the classes of voters summed out at the expected log shares."""
    nameless = electorate.voter_of < 0
    whole, _ = stages.log_likelihood(spread(solution.mode.theta, position))
    return solution.responsibilities.log_likelihood + float(whole[nameless].sum())


def _solver_notes(solution: Solution, is_maximum: bool, prior_sd: float | None) -> list[str]:
    found = []
    if not solution.converged:
        found.append(f"strengths and voters did not settle in {solution.rounds} rounds")
    elif not is_maximum:
        found.append("strengths and voters settled where the likelihood is not highest; start from another fit")
    if solution.law.varies and solution.law.spread == SPREAD_RANGE[1]:
        found.append(f"the standard deviation of the scales of voters is at its upper limit, {SPREAD_RANGE[1]:g}")
    if prior_sd is None and solution.mode.variance in VARIANCE_RANGE:
        end = "lower" if solution.mode.variance == VARIANCE_RANGE[0] else "upper"
        found.append(
            f"the learned prior standard deviation is at its {end} limit, {math.sqrt(solution.mode.variance):g}"
        )
    return found
