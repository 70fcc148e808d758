"""How sure strengths and shares are when nobody knows which voter is of which class.

Strengths. The weighted fit takes the responsibilities as known, so its information is too large. Louis 1982: what is
observed is the information of the complete data less the variance of their score over what is missing,

    I = sum_v sum_c r_vc H_vc - sum_v Cov_{c ~ r_v}(g_vc) + 1 / s^2,

g_vc and H_vc being gradient and information of voter v's ballots under class c, in the strengths, the log odds of each
class against honest (fans together) and log tau of the `scales`. Of the strengths it is exactly minus the second
derivative of sum_v log sum_c w_c exp L_vc, so it is positive definite at a maximum. Shares and tau have to be in it:
whether many voters are random or many see poorly moves all strengths together. How the fans divide among favourites is
held at its estimate. What a learned s adds is carried over from the weighted fit.

Shares. For one class against all others in their estimated proportions, strengths held fixed, the posterior of its
share p is a function of one variable, beta prior x prod_v (p a_v + (1 - p) b_v), summed on a grid of log-odds. Unlike a
normal approximation it is right for a share near zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.sparse import csr_array
from scipy.special import expit, log_expit

from ranking.engines.evidence import Evidence
from ranking.engines.fit import centred_product, rounding
from ranking.engines.reliability.mixture import Solution, gathered, spread
from ranking.engines.reliability.scales import PRIOR_VARIANCE
from ranking.engines.reliability.stages import Stages, tally
from ranking.engines.reliability.voters import Electorate

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-9  # responsibilities below this change no digit of a variance
ROWS = 1 << 15  # pairs handled at a time
LOG_ODDS = np.linspace(-16.0, 16.0, 641)  # where a share's posterior is summed; 0.05 apart


def covariance(
    evidence: Evidence, stages: Stages, electorate: Electorate, solution: Solution, *, effect: bool
) -> tuple[Floats, bool]:
    """Of the parameters, strengths less their average, and whether the solution is a maximum.

    In the order of `information`. Where it is not one (the alternation was cut short), directions without
    information get the prior's; where not even the weighted fit converged, all do. Cost: a few sparse products of
    voters by items.
    """
    mode = solution.mode
    if not mode.converged:
        return block_diag(mode.covariance, np.eye(len(_of_shares(electorate, solution))), [PRIOR_VARIANCE]), False
    known = information(evidence, stages, electorate, solution, effect=effect)
    swing = np.append(mode.swing, np.zeros(len(known) - len(mode.swing)))
    values, vectors = np.linalg.eigh(known)
    is_maximum = bool(values[0] > -rounding(values))
    least = rounding(values) if is_maximum else 1 / mode.variance
    usable = np.where(values > least, values, 1 / mode.variance)
    count = len(evidence.items)
    return centred_product(np.column_stack([vectors / np.sqrt(usable), swing]), count), is_maximum


def information(
    evidence: Evidence, stages: Stages, electorate: Electorate, solution: Solution, *, effect: bool
) -> Floats:
    """I in strengths (and position), log odds of classes and, where scales differ, log tau, in this order."""
    strengths = solution.pooled.evaluate(solution.mode.theta)[2]
    complete = [strengths + np.eye(len(strengths)) / solution.mode.variance, _of_shares(electorate, solution)]
    if solution.law.varies:
        complete.append(np.array([[solution.law.complete_information(solution.responsibilities.scales)]]))
    found: Floats = block_diag(*complete) - _missing(evidence, stages, electorate, solution, effect=effect)
    return found


def _missing(evidence: Evidence, stages: Stages, electorate: Electorate, solution: Solution, *, effect: bool) -> Floats:
    """sum_v Cov_{c ~ r_v}(g_vc), in the parameters of `information`."""
    strengths, answer = spread(solution.mode.theta, effect), solution.responsibilities
    whole, first = (csr_array(found) for found in stages.gradients(strengths))
    count = len(electorate.names)
    named = np.flatnonzero(electorate.voter_of >= 0)
    cast = csr_array((evidence.weight[named], (electorate.voter_of[named], named)), shape=(count, len(evidence)))
    honest = gathered((cast @ whole).toarray().T, effect).T
    seen = tally(electorate.pair_voter, answer.pairs, count)
    width = len(_of_shares(electorate, solution))
    slopes = solution.law.slopes()[:, None] if solution.law.varies else np.zeros((len(electorate.scales), 0))
    honestly, fan = -1, width - 1

    def score(gradient: Floats, number: int, slope: Floats | None = None) -> Floats:
        """With the derivatives in the log odds, 1 in that of the class, and in log tau, which moves only the honest."""
        constant = np.append(np.arange(width) == number, np.zeros_like(slopes[0]) if slope is None else slope)
        return np.column_stack([gradient, np.tile(constant, (len(gradient), 1))])

    unseen = 1 - answer.classes.sum(axis=1) - seen
    mean = unseen[:, None] * score(honest, fan)
    second = score(honest, fan).T @ mean
    for number, scale in enumerate(electorate.scales):
        at = honest
        if scale != 1:
            at = scale * gathered((cast @ stages.gradients(scale * strengths)[0]).toarray().T, effect).T
        mean, second = _added(mean, second, answer.scales[:, number], score(at, honestly, slopes[number]))
    mean, second = _added(mean, second, answer.classes[:, 1], score(np.zeros_like(honest), 0))
    if electorate.sides:
        settled = gathered((cast @ first).toarray().T, effect).T
        for number in range(2, len(electorate.classes)):
            mean, second = _added(mean, second, answer.classes[:, number], score(honest - settled, number - 1))
    for voters, likely, settled in _fans(evidence, stages, electorate, solution, first):
        loyal = score(honest[voters] - gathered(settled.T, effect).T, fan)
        np.add.at(mean, voters, likely[:, None] * loyal)
        second += loyal.T @ (likely[:, None] * loyal)
    return np.asarray(second - mean.T @ mean)


def _of_shares(electorate: Electorate, solution: Solution) -> Floats:
    """Complete information of the log odds of the classes after honest; fans, if any, are one class and the last."""
    prior, voters = solution.prior, solution.voters
    expected = (prior.classes + voters.classes)[1:]
    if electorate.fans:
        expected = np.append(expected, prior.fans.sum() + voters.fans.sum())
    found: Floats = np.diag(expected) - np.outer(expected, expected) / (prior.total + len(electorate.names))
    return found


def _added(mean: Floats, second: Floats, likely: Floats, score: Floats) -> tuple[Floats, Floats]:
    return mean + likely[:, None] * score, second + score.T @ (likely[:, None] * score)


def _fans(
    evidence: Evidence, stages: Stages, electorate: Electorate, solution: Solution, first: csr_array
) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Voters who may be fans of an item: who, how likely, and the gradient of the choices it would settle."""
    likely = solution.responsibilities.pairs
    used = np.flatnonzero(electorate.pair_of >= 0)
    ballots = stages.ballot_of[used]
    settles = csr_array(
        (evidence.weight[ballots], (electorate.pair_of[used], ballots)), shape=(len(likely), len(evidence))
    )
    possible = np.flatnonzero(likely > NEGLIGIBLE)
    for begin in range(0, len(possible), ROWS):
        chosen = possible[begin : begin + ROWS]
        yield electorate.pair_voter[chosen], likely[chosen], (settles[chosen] @ first).toarray()


def share_interval(own: Floats, others: Floats, prior: float, total: float, level: float) -> tuple[float, float]:
    """Central interval of the share of a class.

    `own` and `others` (V) are likelihoods of each voter's ballots in the class and outside it, up to a factor common
    to both; `prior` is A_c, `total` the sum of A. Cost: V times the length of the grid.
    """
    logs = prior * log_expit(LOG_ODDS) + (total - prior) * log_expit(-LOG_ODDS)
    share = expit(LOG_ODDS)
    for begin in range(0, len(own), ROWS):
        a, b = own[begin : begin + ROWS, None], others[begin : begin + ROWS, None]
        logs = logs + np.log(share * a + (1 - share) * b).sum(axis=0)
    mass = np.cumsum(np.exp(logs - logs.max()))
    low, high = np.interp([(1 - level) / 2 * mass[-1], (1 + level) / 2 * mass[-1]], mass, LOG_ODDS)
    return float(expit(low)), float(expit(high))
