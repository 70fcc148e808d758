"""How a difference of strengths becomes a probability, for the engines that differ in nothing else.

A link gives, for eta = theta_a - theta_b and a tie parameter tau, log P(a wins) and log P(tie) with their first and
second derivatives. P(b wins) is P(a wins) at -eta. Every link here is log-concave in (eta, tau) jointly, so the
likelihood has one maximum. Arrays in, arrays of the same length out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_ndtr

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Jet:
    """A function of (eta, tau) with its derivatives: by eta, by tau, and the three second ones."""

    value: Floats
    eta: Floats
    tau: Floats
    eta_eta: Floats
    eta_tau: Floats
    tau_tau: Floats

    def mirrored(self) -> Jet:
        """The same for -eta, from values taken at -eta."""
        return Jet(self.value, -self.eta, self.tau, self.eta_eta, -self.eta_tau, self.tau_tau)


class Link(ABC):
    """One outcome model. `models_ties` is False where a tie is half a win each way and tau plays no role."""

    models_ties: bool = False
    no_ties: float = 0.0  # the tau at which ties are impossible
    start: float = 0.0
    lowest: float = -math.inf  # tau stays above

    @abstractmethod
    def win(self, eta: Floats, tau: float) -> Jet: ...

    def tie(self, eta: Floats, tau: float) -> Jet:
        """Half a win each way, unless the model says otherwise."""
        ahead, behind = self.win(eta, tau), self.win(-eta, tau).mirrored()
        return Jet(
            *(
                (getattr(ahead, part) + getattr(behind, part)) / 2
                for part in ("value", "eta", "tau", "eta_eta", "eta_tau", "tau_tau")
            )
        )


class Logistic(Link):
    """P(a beats b) = 1 / (1 + exp(-eta))."""

    def win(self, eta: Floats, tau: float) -> Jet:
        p = np.exp(log_expit(eta))
        q = np.exp(log_expit(-eta))
        zero = np.zeros_like(eta)
        return Jet(log_expit(eta), q, zero, -p * q, zero, zero)


class Probit(Link):
    """P(a beats b) = Phi(eta), the normal distribution function."""

    def win(self, eta: Floats, tau: float) -> Jet:
        value = log_ndtr(eta)
        ratio = np.exp(-(eta**2) / 2 - value) / math.sqrt(2 * math.pi)  # density over probability
        zero = np.zeros_like(eta)
        return Jet(value, ratio, zero, -ratio * (eta + ratio), zero, zero)


class Davidson(Link):
    """P(a wins) : P(b wins) : P(tie) = exp(eta / 2) : exp(-eta / 2) : exp(tau)."""

    models_ties = True
    no_ties = -math.inf

    def win(self, eta: Floats, tau: float) -> Jet:
        ahead, behind, level = self._outcomes(eta, tau)
        others = np.logaddexp(-eta, tau - eta / 2)
        return self._jet(-np.logaddexp(0.0, others), behind + level / 2, -level, ahead, behind, level)

    def tie(self, eta: Floats, tau: float) -> Jet:
        ahead, behind, level = self._outcomes(eta, tau)
        others = np.logaddexp(eta / 2, -eta / 2) - tau
        return self._jet(-np.logaddexp(0.0, others), (behind - ahead) / 2, ahead + behind, ahead, behind, level)

    @staticmethod
    def _outcomes(eta: Floats, tau: float) -> tuple[Floats, Floats, Floats]:
        """The probabilities of winning, losing and a tie."""
        normal = np.logaddexp(np.logaddexp(eta / 2, -eta / 2), tau)
        return np.exp(eta / 2 - normal), np.exp(-eta / 2 - normal), np.exp(tau - normal)

    @staticmethod
    def _jet(value: Floats, by_eta: Floats, by_tau: Floats, ahead: Floats, behind: Floats, level: Floats) -> Jet:
        """The log of a softmax, whose second derivatives are alike for all outcomes.

        All is written in sums of probabilities, so that what is nearly 0 keeps its digits: times the weight of a
        million ballots it counts.
        """
        decided = ahead + behind
        return Jet(
            value=value,
            eta=by_eta,
            tau=by_tau,
            eta_eta=-(ahead * behind + level * decided / 4),
            eta_tau=level * (ahead - behind) / 2,
            tau_tau=-level * decided,
        )


class RaoKupper(Link):
    """P(a wins) = 1 / (1 + exp(tau - eta)); a tie has what both leave, (exp(2 tau) - 1) P(a wins) P(b wins)."""

    models_ties = True
    start = 0.5
    lowest = 0.0

    def win(self, eta: Floats, tau: float) -> Jet:
        jet = Logistic().win(eta - tau, 0.0)
        return Jet(jet.value, jet.eta, -jet.eta, jet.eta_eta, -jet.eta_eta, jet.eta_eta)

    def tie(self, eta: Floats, tau: float) -> Jet:
        """By tau it is 2 / (1 - exp(-2 tau)) less the chances of not winning, written as sums of what is above 0."""
        ahead, behind = self.win(eta, tau), self.win(-eta, tau).mirrored()
        grown = -math.expm1(-2 * tau)  # 1 - exp(-2 tau)
        return Jet(
            value=math.log(grown) + log_expit(tau - eta) + log_expit(tau + eta),
            eta=ahead.eta + behind.eta,
            tau=2 * math.exp(-2 * tau) / grown + np.exp(log_expit(eta - tau)) + np.exp(log_expit(-eta - tau)),
            eta_eta=ahead.eta_eta + behind.eta_eta,
            eta_tau=ahead.eta_tau + behind.eta_tau,
            tau_tau=-4 * math.exp(-2 * tau) / grown**2 + ahead.tau_tau + behind.tau_tau,
        )
