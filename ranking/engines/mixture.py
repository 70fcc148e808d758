"""Joint draws from the posterior of the default engine, and of the engines of pairs, where no Gaussian is near it.

With few ballots the posterior of strengths and of the prior's width s is skewed, with a thick tail on the side that
nobody contradicted: after ten wins in ten it leaves next to nothing for the other side of zero, where any Gaussian of
the same mean and variance leaves much. Whatever hangs on the shape (who is ahead, who is best, ranks) is therefore
counted in draws of (s, theta) itself.

They come from Markov chains (`chains`), `KEPT` draws from each. A chain begins at a draw from the average of
`second_order`: s by its share, then the Gaussian given s; so it begins nearly where it has to go, and a few sweeps make
up for what the Gaussians are wrong about. Where the series of `second_order` holds, the sweeps leave out what only
helps where it does not.

Against integrals over every strength and width, 40,000 draws for each of two or three contestants, P(a ahead of b) is
off by less than 0.005, the error of the count.

Cost: `KEPT` + `FIRST` (or `FIRST_OF_TIES`) sweeps for `KEPT` draws, each half a dozen passes over the choices (over the
places of long rankings), and M^2; with a tie parameter twice as many passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.engines import chains
from ranking.engines.fit import semidefinite_root
from ranking.engines.second_order import Averaged
from ranking.engines.terms import Terms

Floats = NDArray[np.float64]

FIRST = 3  # sweeps before the first draw of a chain
FIRST_OF_TIES = 8  # the same where a tie parameter goes slowly up and down a ridge together with the strengths
KEPT = 4  # draws of a chain, a sweep apart
MOST_WORK = 1.6e6  # of 10,000 draws: about eight seconds


@dataclass(frozen=True, eq=False, slots=True)
class Ties:
    """Of a link other than the logistic one, what `terms` do not say; see `chains`.

    link, tied, prior   its number, the weight of all ties, and the weight of each outcome in the prior of tau
    tau                 float64[G], where it begins for each width of the grid
    stride              by which the bracket of tau grows: some of its standard deviations
    """

    link: int
    tied: float
    prior: float
    tau: Floats
    stride: float


@dataclass(frozen=True, eq=False, slots=True)
class Mixture:
    """The posterior of strengths under `terms`, as far as the `average` of it is one; else the average's Gaussian."""

    terms: Terms
    average: Averaged
    ties: Ties | None = None

    def __call__(self, count: int, rng: np.random.Generator) -> Floats:
        """float64[count, M]: joint draws of strengths less their average."""
        number = -(-round(count * self.average.share) // KEPT)
        places, states = self._begun(number, rng)
        taus = np.zeros(number) if self.ties is None else self.ties.tau[places]
        grid = self.average.grid
        ridge = self.ties is not None and self.ties.link != chains.PROBIT and grid.trusted < len(grid.share)
        first = FIRST_OF_TIES if ridge else FIRST
        target, parts = self._target(), []
        for draw in range(KEPT):
            chains.sweep(rng, places, states, taus, 1 if draw else first + 1, grid.trusted, *target)
            parts.append(states - states.mean(axis=1, keepdims=True))
        rest = rng.standard_normal((max(count - number * KEPT, 0), states.shape[1]))
        parts.append(self.average.mean + rest @ semidefinite_root(self.average.covariance).T)
        return np.concatenate(parts)[:count]

    def _begun(self, number: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
        grid = self.average.grid
        upto = np.cumsum(grid.share)
        evenly = (np.arange(number) + rng.random()) / number * upto[-1]  # less noise than drawing each
        places = np.minimum(np.searchsorted(upto, evenly, side="right"), len(upto) - 1)
        states = np.empty((number, grid.means.shape[1]))
        for place in range(len(grid.share)):
            own = places == place
            z = rng.standard_normal((int(own.sum()), states.shape[1]))
            states[own] = grid.means[place] + z @ grid.factors[place].T
        return places, states

    def _target(self) -> tuple[Any, ...]:
        """What the chains go by: the grid, then the likelihood."""
        terms, grid, ties = self.terms, self.average.grid, self.ties
        tops = grid.tops
        roots = [np.sqrt(top.values + 1 / top.variance) for top in tops]
        return (
            np.sqrt([top.variance for top in tops]),
            grid.weight,
            np.array([top.theta for top in tops]),
            np.array([(top.vectors / root) @ top.vectors.T for top, root in zip(tops, roots, strict=True)]),
            np.array([(top.vectors * root) @ top.vectors.T for top, root in zip(tops, roots, strict=True)]),
            np.array([-np.log(root).sum() for root in roots]),
            terms.wins,
            terms.starts,
            terms.members,
            terms.split,
            terms.picks,
            terms.mass,
            first_of_another_kind(terms),
            *rows_of_items(terms),
            *((0, 0.0, 0.0, 1.0) if ties is None else (ties.link, ties.tied, ties.prior, ties.stride)),
        )


def work(terms: Terms) -> float:
    """What a sweep costs: for each row its terms, as often as a sweep comes by, which is thrice for each item in it.

    "All of N before the rest" is summed over the subsets of N, or integrated, whose exponentials cost twenty times as
    much as a sum. Measured: five seconds for a million, for 10,000 draws and the average before them.
    """
    length, hidden = np.diff(terms.starts).astype(np.float64), np.maximum(terms.split, 0).astype(np.float64)
    subsets = hidden * 2.0 ** np.minimum(hidden, chains.SUBSETS)
    nodes = 20 * hidden * (np.log(hidden + 60.0) - chains.NODE_LOW) / chains.NODE_STEP
    each = np.where(hidden == 0, length, np.where(hidden > chains.SUBSETS, nodes, subsets + length))
    return float(each @ (3 * length + 6))


def first_of_another_kind(terms: Terms) -> int:
    """How many rows are choices from a single set, before the first that is not."""
    return int(np.append((terms.split != 0) | (terms.picks > 1), True).argmax())


def rows_of_items(terms: Terms) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of each item, one item after the other, and where each item's begin."""
    row = np.repeat(np.arange(len(terms.mass)), np.diff(terms.starts))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(terms.members, minlength=len(terms.wins)))])
    return row[np.argsort(terms.members, kind="stable")], bounds
