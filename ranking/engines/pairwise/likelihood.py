"""The likelihood of observed pairs under a link, with the tie parameter maximised out.

L(theta, tau) = sum over pairs a < b of wins[a, b] log P(a wins) + wins[b, a] log P(b wins) + ties[a, b] log P(tie).

`evaluate` gives the profile max_tau L, so whoever maximises it over theta needs to know nothing of ties; its
information H_tt - H_tn H_nn^-1 H_nt is the inverse of the theta block of the joint covariance. `joint` gives it all.

With `tie_prior` the tie parameter has a prior worth one ballot between equals, half tied and half decided. It keeps tau
finite when no pair, or every pair, is a tie, and is out of sight otherwise.

Cost of one evaluation: a few passes over the at most M (M - 1) / 2 distinct pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ranking.engines.errors import FitError
from ranking.engines.pairwise.links import Jet, Link, Logistic
from ranking.engines.pairwise.pairs import Pairs
from ranking.engines.terms import differences

Floats = NDArray[np.float64]

TIE_PRIOR = 0.5  # of a tied and of a decided ballot between equals
TAU_TOLERANCE = 1e-12
SLOPE_ROUNDING = 1e-15  # of a slope in tau, for each logit
MAX_TAU_STEPS = 200


class PairLikelihood:
    """L for M items; a `plackett_luce.Likelihood`. The best tau found last is where the next search starts.

    `choices` is the same as a Plackett-Luce likelihood, which it is under the logistic link alone.
    """

    def __init__(self, pairs: Pairs, link: Link, *, tie_prior: bool) -> None:
        self.link = link
        self.first, self.second = np.nonzero(np.triu(pairs.played, 1))
        self.ahead = pairs.wins[self.first, self.second]
        self.behind = pairs.wins[self.second, self.first]
        self.tied = pairs.ties[self.first, self.second]
        self.wins = pairs.halved.sum(axis=1)
        self.mass = self.ahead + self.behind + self.tied
        self.any_ties = bool(self.tied.any())
        self.profiled = link.models_ties and (self.any_ties or tie_prior)
        self.prior_weight = TIE_PRIOR if link.models_ties and tie_prior else 0.0
        self.choices = pairs.terms() if isinstance(link, Logistic) else None
        self._tau = link.start if self.profiled else link.no_ties

    def reweighted(self, pairs: Pairs) -> PairLikelihood:
        """The same likelihood for other counts of the same pairs, as in a bootstrap."""
        other = PairLikelihood(pairs, self.link, tie_prior=self.prior_weight > 0)
        other._tau = self._tau if other.profiled else other._tau
        return other

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Profile log-likelihood, gradient (M) and information (M, M)."""
        tau = self.tie_parameter(theta)
        value, gradient, information = self.joint(theta, tau)
        inner, cross, corner = information[:-1, :-1], information[:-1, -1], information[-1, -1]
        if self.profiled:
            inner = inner - np.outer(cross, cross) / corner
        return value, gradient[:-1], inner

    def bend(self, theta: Floats, information: Floats, direction: Floats) -> tuple[Floats, Floats]:
        """The third and the fourth derivatives (M, M) of `evaluate`, once and twice along a direction."""
        if self.choices is not None:
            return self.choices.bend(theta, information, direction)
        return differences(lambda trial: self.evaluate(trial)[2], theta, information, direction)

    def gradient(self, theta: Floats) -> Floats:
        """The gradient of `evaluate` alone, at a third of its cost."""
        total = self._total(theta, self.tie_parameter(theta))
        return self._spread(total.eta, len(theta))

    def joint(self, theta: Floats, tau: float) -> tuple[float, Floats, Floats]:
        """Log-likelihood, gradient (M + 1) and information (M + 1, M + 1), tau last (zeros where it is fixed)."""
        count = len(theta)
        total = self._total(theta, tau)
        gradient, information = np.zeros(count + 1), np.zeros((count + 1, count + 1))
        gradient[:count] = self._spread(total.eta, count)
        information[self.first, self.second] = information[self.second, self.first] = total.eta_eta
        information[range(count), range(count)] = -np.bincount(self.first, total.eta_eta, count) - np.bincount(
            self.second, total.eta_eta, count
        )
        value = float(total.value.sum())
        if self.profiled:
            prior = self._tie_prior(tau)
            value += prior[0]
            gradient[-1] = total.tau.sum() + prior[1]
            information[-1, -1] = -total.tau_tau.sum() - prior[2]
            information[:count, -1] = information[-1, :count] = -self._spread(total.eta_tau, count)
        return value, gradient, information

    def of_ballots(self, theta: Floats, tau: float) -> float:
        """The log-likelihood without the prior of the tie parameter."""
        return float(self._total(theta, tau).value.sum())

    def tie_parameter(self, theta: Floats) -> float:
        """The best tau for these strengths, by Newton's method kept within the link's range."""
        if not self.profiled:
            return self.link.no_ties
        tau = self._tau
        value, slope, bend, rounding = self._along_tau(theta, tau)
        for _ in range(MAX_TAU_STEPS):
            step = -slope / bend if bend < 0 else math.copysign(1.0, slope)
            step = min(max(step, -2.0), 2.0)
            while tau + step <= self.link.lowest:
                step /= 2
            if abs(step) <= TAU_TOLERANCE * (1 + abs(tau)) or abs(slope) <= rounding:
                self._tau = tau
                return tau
            trial = self._along_tau(theta, tau + step)
            while trial[0] < value - 1e-12 * (1 + abs(value)):
                step /= 2
                trial = self._along_tau(theta, tau + step)
            tau += step
            value, slope, bend, rounding = trial
        raise FitError(f"the tie parameter did not converge in {MAX_TAU_STEPS} steps")

    def _along_tau(self, theta: Floats, tau: float) -> tuple[float, float, float, float]:
        """Value and two derivatives, and what the first derivative can be off by rounding."""
        total, prior = self._total(theta, tau), self._tie_prior(tau)
        slope, bend = float(total.tau.sum()) + prior[1], float(total.tau_tau.sum()) + prior[2]
        logits = 1 + abs(tau) + float(np.ptp(theta))  # an exponential is off by so many times the precision
        return (
            float(total.value.sum()) + prior[0],
            slope,
            bend,
            SLOPE_ROUNDING * logits * (abs(bend) + self.prior_weight),
        )

    def _total(self, theta: Floats, tau: float) -> Jet:
        eta = theta[self.first] - theta[self.second]
        parts = [(self.ahead, self.link.win(eta, tau)), (self.behind, self.link.win(-eta, tau).mirrored())]
        if self.any_ties:
            parts.append((self.tied, self.link.tie(eta, tau)))
        return Jet(
            *(
                sum((weight * getattr(jet, part) for weight, jet in parts), np.zeros_like(eta))
                for part in ("value", "eta", "tau", "eta_eta", "eta_tau", "tau_tau")
            )
        )

    def _tie_prior(self, tau: float) -> tuple[float, float, float]:
        """Value and two derivatives of the prior of tau."""
        if not self.prior_weight:
            return 0.0, 0.0, 0.0
        zero = np.zeros(1)
        tie, win = self.link.tie(zero, tau), self.link.win(zero, tau)
        found = [getattr(tie, part)[0] + getattr(win, part)[0] for part in ("value", "tau", "tau_tau")]
        return (
            float(self.prior_weight * (found[0] + math.log(2))),
            float(self.prior_weight * found[1]),
            float(self.prior_weight * found[2]),
        )

    def _spread(self, values: Floats, count: int) -> Floats:
        """A derivative by eta as one by theta: plus for the first item of a pair, minus for the second."""
        return np.asarray(np.bincount(self.first, values, count) - np.bincount(self.second, values, count))
