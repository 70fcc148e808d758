"""Joint draws from the posterior of the engines with a link, where no Gaussian is near it: see `mixture`.

The tie parameter is not maximised out but drawn along, with its prior: the posterior is that of (s, theta, tau), where
tau is uniform but for the prior of `likelihood`. Written in rows as `chains` has them, with pi = exp theta:

    thurstone     wins log Phi(theta_a - theta_b), a tie being half a win each way
    davidson      -n log(pi_a + pi_b + nu sqrt(pi_a pi_b)) for n ballots on a pair, and theta_a for each win, half of
                  both thetas and tau = log nu for each tie
    rao-kupper    -m log(pi_a + Theta pi_b) and m theta_a for the m ballots that a won or tied, likewise for b, and
                  log(Theta^2 - 1) for each tie

Mean and covariance of a fit come from the likelihood with tau maximised out. They are Gaussian, and a little off the
draws' own where there are few ballots.
"""

from __future__ import annotations

import math

import numpy as np

from ranking.engines import chains
from ranking.engines.mixture import Mixture, Ties
from ranking.engines.pairwise.likelihood import PairLikelihood
from ranking.engines.pairwise.links import Davidson, Link, Probit, RaoKupper
from ranking.engines.second_order import Averaged
from ranking.engines.terms import Terms

STRIDE = 3.0  # standard deviations of tau
NUMBERS: dict[type[Link], int] = {Probit: chains.PROBIT, Davidson: chains.DAVIDSON, RaoKupper: chains.RAO_KUPPER}


def sampler(likelihood: PairLikelihood, average: Averaged) -> Mixture:
    """Draws from the posterior under any link of `links`."""
    if likelihood.choices is not None:
        return Mixture(likelihood.choices, average)
    number = NUMBERS[type(likelihood.link)]
    rows = _rows(likelihood, number)
    tops = average.grid.tops
    tau = np.array([likelihood.tie_parameter(top.theta) for top in tops])
    middle = int(average.grid.share.argmax())
    stride = 1.0
    if likelihood.profiled:
        stride = STRIDE / math.sqrt(likelihood.joint(tops[middle].theta, tau[middle])[2][-1, -1])
    return Mixture(rows, average, Ties(number, float(likelihood.tied.sum()), likelihood.prior_weight, tau, stride))


def _rows(likelihood: PairLikelihood, number: int) -> Terms:
    first, second, count = likelihood.first, likelihood.second, len(likelihood.wins)
    share = 1.0 if number == chains.RAO_KUPPER else 0.5  # of a tie, that counts as a win
    ahead, behind = likelihood.ahead + share * likelihood.tied, likelihood.behind + share * likelihood.tied
    wins = np.asarray(np.bincount(first, ahead, count) + np.bincount(second, behind, count), np.float64)
    if number == chains.DAVIDSON:
        pairs, mass = np.column_stack([first, second]), likelihood.mass
    else:
        pairs = np.concatenate([np.column_stack([first, second]), np.column_stack([second, first])])
        mass = np.concatenate([ahead, behind])
        pairs, mass = pairs[mass > 0], mass[mass > 0]
    return Terms(
        np.zeros(count) if number == chains.PROBIT else wins,
        2 * np.arange(len(pairs) + 1, dtype=np.int64),
        pairs.astype(np.int32).ravel(),
        np.full(len(pairs), number, np.int32),
        np.ones(len(pairs), np.int32),
        mass,
    )
