"""Strengths, class shares and responsibilities together, by variational expectation-maximisation.

Model. Shares pi ~ Dirichlet(A); each voter has a class c ~ pi and casts all ballots by it (`voters`);
theta ~ N(0, s^2). With the classes summed out and a Dirichlet(A + n) for the shares, n_c the expected number of voters
in class c,

    F = sum_v log sum_c w_c exp L_vc(theta) - KL(Dirichlet(A + n) | Dirichlet(A)) - |theta|^2 / 2 s^2,
    log w_c = psi(A_c + n_c) - psi(sum A + V),

is a bound on the log-evidence, raised in turn by
- expectation: r_vc proportional to w_c exp L_vc (`voters.respond`) and n_c = sum_v r_vc, repeated until n rests, which
  needs no new likelihoods;
- maximisation in theta by the solver of `plackett_luce`, on the same choices with new weights: all classes are
  Plackett-Luce in what they say about theta. A random voter says nothing, a fan of x nothing in the first choice from a
  set with x, scale alpha puts alpha theta in place of theta. s is given, or learned there from the weighted ballots.

The prior is worth A = 20 voters in all, nearly all honest. psi makes a class of less than about one expected voter
vanish: with shares set to n_c / V instead, 50 classes of fans share a sixth of 200 honest voters between them.

Sources: Dempster, Laird and Rubin 1977; Attias 2000 (the bound). The start believes everybody about theta, and gives
fans a generous share, from which those that do not exist vanish. Cost: about ten rounds, each some ten passes over
the distinct sets and up to forty over the voters and the items they saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from ranking.engines.evidence import Evidence
from ranking.engines.plackett_luce import Mode, maximise
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
    bounds          F after each round, comparable where s is given
    """

    mode: Mode
    pooled: Pooled
    prior: Shares
    voters: Shares
    shares: Shares
    likelihoods: Likelihoods
    responsibilities: Responsibilities
    rounds: int
    converged: bool
    bounds: tuple[float, ...]


def prior_voters(electorate: Electorate) -> Shares:
    """A_c for every class; they sum to `PSEUDO_VOTERS`."""
    classes = np.full(len(electorate.classes), PRIOR_RARE)
    fans = np.full(electorate.fans, PRIOR_RARE / max(electorate.fans, 1))
    classes[electorate.honest] += PSEUDO_VOTERS - classes.sum() - fans.sum()
    return Shares(classes, fans)


def solve(
    evidence: Evidence, stages: Stages, electorate: Electorate, start: Floats, *, prior_sd: float | None, effect: bool
) -> Solution:
    """Alternate until a round moves neither strengths nor shares. `start` holds the first parameters."""
    prior, voters = prior_voters(electorate), _first_voters(electorate)
    theta, bounds, converged = start, [], False
    while True:
        found = likelihoods(evidence, stages, electorate, spread(theta, effect))
        answer, shares, voters, rested = _expect(found, electorate, prior, voters)
        pooled = pool(evidence, stages, electorate, answer, effect=effect)
        mode = maximise(pooled, prior_sd=prior_sd, start=theta)
        moved = float(np.abs((mode.theta - theta) / np.sqrt(np.diag(mode.covariance))).max())
        theta = mode.theta
        bounds.append(answer.log_likelihood - _divergence(prior, voters))
        converged = rested and mode.converged and moved < TOLERANCE
        if converged or len(bounds) == MAX_ROUNDS:
            break
    return Solution(mode, pooled, prior, voters, shares, found, answer, len(bounds), converged, tuple(bounds))


def _first_voters(electorate: Electorate) -> Shares:
    classes = np.full(len(electorate.classes), START["rare"])
    classes[electorate.honest] = START["honest"]
    fans = np.full(electorate.fans, START["fans"] / max(electorate.fans, 1))
    share = len(electorate.names) / (classes.sum() + fans.sum())
    return Shares(classes * share, fans * share)


def _expect(
    found: Likelihoods, electorate: Electorate, prior: Shares, voters: Shares
) -> tuple[Responsibilities, Shares, Shares, bool]:
    """Responsibilities, w and n that agree with each other, and whether they came to rest."""
    for _ in range(MAX_SWEEPS):
        shares = expected_shares(prior, voters)
        answer = respond(found, electorate, shares)
        renewed = Shares(answer.classes.sum(axis=0), answer.fans(electorate, shares)[1])
        new, old = _joined(renewed), _joined(voters)
        voters = renewed
        if (np.abs(new - old) <= COUNT_TOLERANCE * np.sqrt(1 + new)).all():
            return answer, shares, voters, True
    return answer, shares, voters, False


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
            silent = answer.classes[:, : len(electorate.scales) + 1].sum(axis=1) - answer.classes[:, number]
            weight = evidence.weight * _of_ballots(electorate, np.maximum(1 - silent, 0.0), 1.0)
            lost = evidence.weight * _set_beforehand(evidence, stages, electorate, answer)
            parts.append(stages.terms(weight, np.maximum(weight - lost, 0.0)))
        else:
            weight = evidence.weight * _of_ballots(electorate, answer.classes[:, number], 0.0)
            parts.append(stages.terms(weight, weight))
    return Pooled(electorate.scales, tuple(parts), effect)


def _set_beforehand(evidence: Evidence, stages: Stages, electorate: Electorate, answer: Responsibilities) -> Floats:
    """float64[B]: probability that the voter had settled the first choice before seeing the outputs."""
    used = electorate.pair_of >= 0
    fans = tally(stages.ballot_of[used], answer.pairs[electorate.pair_of[used]], len(evidence))
    sided = answer.classes[:, len(electorate.scales) + 1 :].sum(axis=1)
    result: Floats = np.where(stages.knows_first, fans + _of_ballots(electorate, sided, 0.0), 0.0)
    return result


def _of_ballots(electorate: Electorate, values: Floats, nobody: float) -> Floats:
    """The value of each ballot's voter, or `nobody` for a ballot without one."""
    return np.append(values, nobody)[electorate.voter_of]  # the last for -1


def _joined(shares: Shares) -> Floats:
    return np.concatenate([shares.classes, shares.fans])
