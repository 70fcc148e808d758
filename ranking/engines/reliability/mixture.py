"""Strengths, class shares and responsibilities together, by variational expectation-maximisation.

Model. Shares pi ~ Dirichlet(A); each voter has a class c ~ pi and casts all ballots by it (`voters`), and where scales
differ an honest one has a scale alpha, log alpha ~ N(0, tau^2) (`scales`); theta ~ N(0, s^2). With the classes summed
out and a Dirichlet(A + n) for the shares, n_c the expected number of voters in class c,

    F = sum_v log sum_c w_c exp L_vc(theta) - KL(Dirichlet(A + n) | Dirichlet(A)) - |theta|^2 / 2 s^2,
    log w_c = psi(A_c + n_c) - psi(sum A + V),

is a bound on the log-evidence, raised in turn by
- expectation: r_vc proportional to w_c exp L_vc (`voters.respond`), n_c = sum_v r_vc and the law of scales, repeated
  until n and the law rest, which needs no new likelihoods;
- maximisation in theta by the solver of `plackett_luce`, on the same choices with new weights: all classes are
  Plackett-Luce in what they say about theta. A random voter says nothing, a fan of x nothing in the first choice from a
  set with x, scale alpha puts alpha theta in place of theta. s is given, or learned there from the weighted ballots.
Where scales differ F also has the law's log-prior, and expected log scales that sum to 0.

The prior is worth A = 20 voters in all, nearly all honest; 10 where scales differ, since whether a voter sees poorly or
not at all is often for the prior to say. psi makes a class of less than about one expected voter
vanish: with shares set to n_c / V instead, 50 classes of fans share a sixth of 200 honest voters between them.

Sources: Dempster, Laird and Rubin 1977; Attias 2000 (the bound). The start believes everybody about theta, and gives
fans a generous share, from which those that do not exist vanish. Cost: about ten rounds, each some ten passes over
the distinct sets and up to forty over the voters and the items they saw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from ranking.engines.evidence import Evidence
from ranking.engines.plackett_luce import Mode, maximise
from ranking.engines.reliability.scales import Law
from ranking.engines.reliability.stages import Stages, tally
from ranking.engines.reliability.voters import (
    Electorate,
    Likelihoods,
    Responsibilities,
    Shares,
    likelihoods,
    respond,
)
from ranking.engines.terms import Terms

Floats = NDArray[np.float64]

PSEUDO_VOTERS = 20.0  # of the prior of the shares
PSEUDO_VOTERS_SCALED = 10.0  # of the same where scales differ; in simulation, on pairs, 20 cover 0.90 and these 0.93
PRIOR_RARE = 1.0  # of them in each class but scale 1; all fans together are one class here
START = {"honest": 5.0, "fans": 4.0, "rare": 1.0}  # proportions of the first expected numbers of voters
TOLERANCE = 1e-4  # of a round, in posterior standard deviations of strengths
COUNT_TOLERANCE = 1e-4  # of expected numbers of voters, times the root of the number
LEAST_LOG_SHARE = -200.0  # a favourite without fans: never, but still a number to divide by
MAX_ROUNDS = 200
MAX_SWEEPS = 40  # of the expectation in one round; the next goes on from where they ended


@dataclass(frozen=True, eq=False, slots=True)
class Pooled:
    """The log-likelihood sum_k l_k(scale_k A x) of parameters x, a `plackett_luce.Likelihood`.

    x is the M strengths and, with a position effect, that effect; A is `spread`.
    """

    scales: tuple[float, ...]
    parts: tuple[Terms, ...]
    effect: bool

    @property
    def wins(self) -> Floats:
        scaled = [scale * part.wins for scale, part in zip(self.scales, self.parts, strict=True)]
        return gathered(np.sum(scaled, axis=0), self.effect)

    @property
    def mass(self) -> Floats:
        return np.concatenate([part.mass for part in self.parts])

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        strengths = spread(theta, self.effect)
        value, count = 0.0, len(strengths)
        gradient, information = np.zeros(count), np.zeros((count, count))
        for scale, part in zip(self.scales, self.parts, strict=True):
            at, slope, bend = part.evaluate(scale * strengths)
            value += at
            gradient += scale * slope
            information += scale**2 * bend
        bent = gathered(gathered(information, self.effect).T, self.effect)
        return value, gathered(gradient, self.effect), np.ascontiguousarray(bent)


def spread(parameters: Floats, effect: bool) -> Floats:
    """Strengths of places: with an effect (the last parameter), the items again with it added, for the first slot."""
    return np.concatenate([parameters[:-1], parameters[:-1] + parameters[-1]]) if effect else parameters


def gathered(values: Floats, effect: bool) -> Floats:
    """The transpose of `spread`: sums of values of places (rows) for each parameter."""
    if not effect:
        return values
    half = len(values) // 2
    return np.concatenate([values[:half] + values[half:], values[half:].sum(axis=0, keepdims=True)])


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """Where the alternation ended. `mode` is the last weighted fit, `pooled` the likelihood it maximised.

    prior, voters   A_c and n_c, the expected number of voters
    shares          w_c
    law             of the scales of the honest
    bounds          F after each round, comparable where s is given
    """

    mode: Mode
    pooled: Pooled
    prior: Shares
    voters: Shares
    shares: Shares
    law: Law
    likelihoods: Likelihoods
    responsibilities: Responsibilities
    rounds: int
    converged: bool
    bounds: tuple[float, ...]


def prior_voters(electorate: Electorate) -> Shares:
    """A_c for every class; they sum to `PSEUDO_VOTERS`, or where scales differ to `PSEUDO_VOTERS_SCALED`."""
    total = PSEUDO_VOTERS if len(electorate.scales) == 1 else PSEUDO_VOTERS_SCALED
    classes = np.full(len(electorate.classes), PRIOR_RARE)
    fans = np.full(electorate.fans, PRIOR_RARE / max(electorate.fans, 1))
    classes[0] += total - classes.sum() - fans.sum()
    return Shares(classes, fans)


def solve(
    evidence: Evidence, stages: Stages, electorate: Electorate, start: Floats, *, prior_sd: float | None, effect: bool
) -> Solution:
    """Alternate until a round moves neither strengths nor voters. `start` holds the first parameters.

    Scales are let differ only when voters and strengths are settled at one scale: before, strengths that random voters
    have made too small would look like voters who see sharply.
    """
    voters = _first_voters(electorate)
    if len(electorate.scales) > 1:
        alike = _alternate(
            evidence, stages, replace(electorate, scales=(1.0,)), start, voters, prior_sd=prior_sd, effect=effect
        )
        start, voters = alike.mode.theta, alike.voters
    return _alternate(evidence, stages, electorate, start, voters, prior_sd=prior_sd, effect=effect)


def _alternate(
    evidence: Evidence,
    stages: Stages,
    electorate: Electorate,
    theta: Floats,
    voters: Shares,
    *,
    prior_sd: float | None,
    effect: bool,
) -> Solution:
    prior, law = prior_voters(electorate), Law.of(electorate.scales)
    bounds: list[float] = []
    while True:
        found = likelihoods(evidence, stages, electorate, spread(theta, effect))
        answer, shares, voters, law, rested = _expect(found, electorate, prior, voters, law)
        pooled = pool(evidence, stages, electorate, answer, effect=effect)
        mode = maximise(pooled, prior_sd=prior_sd, start=theta)
        moved = float(np.abs((mode.theta - theta) / np.sqrt(np.diag(mode.covariance))).max())
        against = _divergence(prior, voters) + float(theta @ theta) / (2 * mode.variance)
        bounds.append(answer.log_likelihood - against + law.log_prior)
        theta = mode.theta
        converged = rested and mode.converged and moved < TOLERANCE
        if converged or len(bounds) == MAX_ROUNDS:
            break
    return Solution(
        mode, pooled, prior, voters, shares, law, found, answer, len(bounds), converged, tuple(bounds)
    )  # fmt: skip


def _first_voters(electorate: Electorate) -> Shares:
    classes = np.full(len(electorate.classes), START["rare"])
    classes[0] = START["honest"]
    fans = np.full(electorate.fans, START["fans"] / max(electorate.fans, 1))
    share = len(electorate.names) / (classes.sum() + fans.sum())
    return Shares(classes * share, fans * share)


def _expect(
    found: Likelihoods, electorate: Electorate, prior: Shares, voters: Shares, law: Law
) -> tuple[Responsibilities, Shares, Shares, Law, bool]:
    """Responsibilities, w, n and the law of scales that agree with each other, and whether they came to rest."""
    for _ in range(MAX_SWEEPS):
        shares = expected_shares(prior, voters)
        answer = respond(found, electorate, shares, law.weights)
        renewed = Shares(answer.classes.sum(axis=0), answer.fans(electorate, shares)[1])
        new, old = _joined(renewed), _joined(voters)
        voters, used = renewed, law
        law = used.renewed(answer.scales)
        rest = (np.abs(new - old) <= COUNT_TOLERANCE * np.sqrt(1 + new)).all()
        if rest and law.rests(used, answer.scales, COUNT_TOLERANCE):
            return answer, shares, voters, used, True
    return answer, shares, voters, used, False


def expected_shares(prior: Shares, voters: Shares) -> Shares:
    """w_c, the exponential of the expected log share; they sum to less than one."""
    total = digamma(_joined(prior).sum() + _joined(voters).sum())
    classes, fans = digamma(prior.classes + voters.classes) - total, digamma(prior.fans + voters.fans) - total
    return Shares(np.exp(classes), np.exp(np.maximum(fans, LEAST_LOG_SHARE)))


def _divergence(prior: Shares, voters: Shares) -> float:
    """KL divergence of Dirichlet(A + n) from Dirichlet(A)."""
    a, n = _joined(prior), _joined(voters)
    value = gammaln(a.sum() + n.sum()) - gammaln(a.sum()) - np.sum(gammaln(a + n) - gammaln(a))
    return float(value + n @ (digamma(a + n) - digamma(a.sum() + n.sum())))


def pool(
    evidence: Evidence, stages: Stages, electorate: Electorate, answer: Responsibilities, *, effect: bool
) -> Pooled:
    """The ballots as they count: each with the probability that its voter's class says something by it."""
    parts = []
    for number, scale in enumerate(electorate.scales):
        if scale == 1:
            silent = answer.scales.sum(axis=1) - answer.scales[:, number] + answer.classes[:, 1]
            weight = evidence.weight * _of_ballots(electorate, np.maximum(1 - silent, 0.0), 1.0)
            lost = evidence.weight * _set_beforehand(evidence, stages, electorate, answer)
            parts.append(stages.terms(weight, np.maximum(weight - lost, 0.0)))
        else:
            weight = evidence.weight * _of_ballots(electorate, answer.scales[:, number], 0.0)
            parts.append(stages.terms(weight, weight))
    return Pooled(electorate.scales, tuple(parts), effect)


def _set_beforehand(evidence: Evidence, stages: Stages, electorate: Electorate, answer: Responsibilities) -> Floats:
    """float64[B]: probability that the voter had settled the first choice before seeing the outputs."""
    used = electorate.pair_of >= 0
    fans = tally(stages.ballot_of[used], answer.pairs[electorate.pair_of[used]], len(evidence))
    sided = answer.classes[:, 2:].sum(axis=1)
    result: Floats = np.where(stages.knows_first, fans + _of_ballots(electorate, sided, 0.0), 0.0)
    return result


def _of_ballots(electorate: Electorate, values: Floats, nobody: float) -> Floats:
    """The value of each ballot's voter, or `nobody` for a ballot without one."""
    return np.append(values, nobody)[electorate.voter_of]  # the last for -1


def _joined(shares: Shares) -> Floats:
    return np.concatenate([shares.classes, shares.fans])
