"""Markov chains through the joint posterior of strengths and the prior's width, in compiled loops; see `mixture`.

A state is (k, theta): the k-th width s_k of a grid, which has the weight w_k before the ballots, and strengths. Its
posterior is p(k, theta) = w_k N(theta; 0, s_k^2 I) exp(log-likelihood), whatever proposes moves. Where the likelihood
has a tie parameter, its logarithm tau is in the state as well, and begins each sweep with a slice of its own. Then a
sweep makes four moves:

1. an elliptical slice of each strength in turn, with the prior as the ellipse: theta_i cos + nu sin, nu ~ N(0, s_k^2);
2. to another width, with theta / s kept;
3. an elliptical slice around the mode m_k, with Laplace's covariance R_k R_k as the ellipse;
4. to another width, with z = R_k^-1 (theta - m_k) kept.

The first two mix well where ballots say little, the others where they say much. Numba draws from numpy's generators as
numpy does, so a seed means the same everywhere.

Besides the rows of `kernels` there are pairs under another link, with its number in place of `split`: row (a, b) of
mass m is worth m log Phi(theta_a - theta_b), or -m log D where D is pi_a + pi_b + nu sqrt(pi_a pi_b) or
pi_a + Theta pi_b, with pi = exp theta and the tie parameter nu or Theta. `pairwise.draws` makes a likelihood of them.

Sources: Murray, Adams and MacKay 2010 (elliptical slices); Yu and Meng 2011 (two parametrisations in turn); Neal 2003
(slices of one number).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

LARGE, SMALL = 1e40, 1e-40  # a product of totals, each above e^-600, is brought to its logarithm beyond
SUBSETS = 8  # places before others are summed over subsets up to so many, else integrated
NODE_LOW, NODE_STEP = -34.0, 0.2  # as in `kernels.integrate_before`
SHRINKS = 100  # of an ellipse's bracket; ten are many
FARTHEST = 3  # places of the grid, of a move to another width
PROBIT, DAVIDSON, RAO_KUPPER = -1, -2, -3  # the links
STRIDES = 40  # by which the bracket of tau grows on one side


@compiled
def log_before(table: Array, row: Array, n: int, reached: Array) -> float:
    """log P(all of row[:n] before any of row[n:]); `table` holds exp(theta), up to a factor."""
    rest = 0.0
    for place in range(n, len(row)):
        rest += table[row[place]]
    if n > SUBSETS:
        high = math.log(n + 60.0)
        nodes = int((high - NODE_LOW) / NODE_STEP) + 1
        total = 0.0
        for node in range(nodes):
            v = NODE_LOW + node * NODE_STEP
            t = math.exp(v)
            here = t * math.exp(-t)
            for place in range(n):
                here *= -math.expm1(-table[row[place]] / rest * t)
            total += here
        return math.log(total * NODE_STEP)
    reached[0] = 1.0
    for subset in range(1, 1 << n):
        total, found = rest, 0.0
        for place in range(n):
            if subset >> place & 1:
                total += table[row[place]]
                found += table[row[place]] * reached[subset ^ (1 << place)]
        reached[subset] = found / total
    return float(math.log(reached[(1 << n) - 1]))


@compiled
def chain_value(row: Array, in_turn: int, table: Array) -> float:
    """The sum of the logarithms of the totals of the first `in_turn` sets of a chain."""
    total, product, result = 0.0, 1.0, 0.0
    for place in range(len(row) - 1, -1, -1):
        total += table[row[place]]
        if place < in_turn:
            product *= total
            if product < SMALL or product > LARGE:
                result += math.log(product)
                product = 1.0
    return result + math.log(product)


@compiled
def log_normal(x: float) -> float:
    """log Phi(x), the normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    near = 1 - (1 - (3 - 15 / x**2) / x**2) / x**2
    return math.log(near / -x) - x**2 / 2 - math.log(2 * math.pi) / 2


@compiled
def pair_total(link: int, size: float, one: float, two: float) -> float:
    """D of the module for the tie parameter `size`."""
    if link == DAVIDSON:
        return one + two + size * math.sqrt(one) * math.sqrt(two)
    return one + size * two


@compiled
def tie_level(link: int, tau: float, tied: float, prior: float) -> float:
    """What tau adds to the log-posterior besides the rows: `tied` ties, and a prior worth `prior` of each outcome."""
    size = math.exp(tau)
    if link == DAVIDSON:
        return tied * tau + prior * (tau - 2 * math.log(2 + size))
    return tied * math.log(size**2 - 1) + prior * (math.log(size - 1) - 2 * math.log(1 + size))


@compiled
def value(
    theta: Array, size: float, wins: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    plain: int, table: Array, reached: Array,
) -> float:  # fmt: skip
    """The log-likelihood of `kernels.evaluate` alone; the first `plain` rows are choices from a set, and no chain."""
    top, low, result = theta[0], theta[0], 0.0
    for item in range(len(theta)):
        top, low = max(top, theta[item]), min(low, theta[item])
        result += wins[item] * theta[item]
    if top - low > 600.0:
        return -math.inf
    for item in range(len(theta)):
        table[item] = math.exp(theta[item] - top)
    product, choices = 1.0, 0.0
    for row in range(plain):
        total = 0.0
        for place in range(starts[row], starts[row + 1]):
            total += table[members[place]]
        choices += mass[row]
        if mass[row] == 1.0:
            product *= total
            if product < SMALL or product > LARGE:
                result -= math.log(product)
                product = 1.0
        else:
            result -= mass[row] * math.log(total)
    for row in range(plain, len(mass)):
        own = members[starts[row] : starts[row + 1]]
        if split[row] > 0:
            result += mass[row] * log_before(table, own, split[row], reached)
        elif split[row] == 0:
            result -= mass[row] * chain_value(own, picks[row], table)
            choices += mass[row] * picks[row]
        elif split[row] == PROBIT:
            result += mass[row] * log_normal(theta[own[0]] - theta[own[1]])
        else:
            total = pair_total(split[row], size, table[own[0]], table[own[1]])
            choices += mass[row]
            if mass[row] == 1.0:
                product *= total
                if product < SMALL or product > LARGE:
                    result -= math.log(product)
                    product = 1.0
            else:
                result -= mass[row] * math.log(total)
    return float(result - math.log(product) - choices * top)


@compiled
def transformed(matrix: Array, vector: Array, result: Array) -> None:
    """result = matrix vector for a symmetric matrix, by rows, which is quicker."""
    result[:] = 0.0
    for row in range(len(vector)):
        for column in range(len(vector)):
            result[column] += vector[row] * matrix[row, column]


@compiled
def beside(
    item: int, starts: Array, members: Array, split: Array, picks: Array, rows: Array, table: Array,
    rest: Array, upto: Array,
) -> None:  # fmt: skip
    """Fill `rest` with the totals without `item` of all sets that it is in; `table` holds exp(theta).

    The sets of row `rows[i]` are those before `upto[i]`: one, several of a chain, none of what is no choice.
    """
    used = 0
    for place, row in enumerate(rows):
        begin, total = starts[row], 0.0
        if split[row] == 0 and picks[row] == 1:
            for other in members[begin : starts[row + 1]]:
                if other != item:
                    total += table[other]
            rest[used] = total
            used += 1
        elif split[row] == 0:
            met = False
            for position in range(starts[row + 1] - begin - 1, -1, -1):
                other = members[begin + position]
                if other == item:
                    met = True
                else:
                    total += table[other]
                if met and position < picks[row]:
                    rest[used] = total
                    used += 1
        upto[place] = used


@compiled
def nearby(
    item: int, theta: Array, size: float, wins: Array, starts: Array, members: Array, split: Array, picks: Array,
    mass: Array, rows: Array, table: Array, rest: Array, upto: Array, reached: Array,
) -> float:  # fmt: skip
    """The part of the log-likelihood that `item` is in, `rows`; see `beside`. Brings `table` up to date."""
    table[item] = math.exp(theta[item])
    result, used = wins[item] * theta[item], 0
    for place, row in enumerate(rows):
        if split[row] > 0:
            result += mass[row] * log_before(table, members[starts[row] : starts[row + 1]], split[row], reached)
        elif split[row] == PROBIT:
            result += mass[row] * log_normal(theta[members[starts[row]]] - theta[members[starts[row] + 1]])
        elif split[row] < 0:
            one, two = table[members[starts[row]]], table[members[starts[row] + 1]]
            result -= mass[row] * math.log(pair_total(split[row], size, one, two))
        elif picks[row] == 1:
            result -= mass[row] * math.log(rest[used] + table[item])
        else:
            product, total = 1.0, 0.0
            for index in range(used, upto[place]):
                product *= rest[index] + table[item]
                if product < SMALL or product > LARGE:
                    total += math.log(product)
                    product = 1.0
            result -= mass[row] * (total + math.log(product))
        used = upto[place]
    return float(result)


@compiled
def slide_each(
    rng: Any, theta: Array, size: float, width: float, wins: Array, starts: Array, members: Array, split: Array,
    picks: Array, mass: Array, rows: Array, bounds: Array, table: Array, rest: Array, upto: Array, reached: Array,
) -> None:  # fmt: skip
    """Move 1; item i is in the rows `rows[bounds[i]:bounds[i + 1]]`."""
    for item in range(len(theta)):
        table[item] = math.exp(theta[item])
    for item in range(len(theta)):
        own, here, nu = rows[bounds[item] : bounds[item + 1]], theta[item], width * rng.standard_normal()
        beside(item, starts, members, split, picks, own, table, rest, upto)
        level = nearby(item, theta, size, wins, starts, members, split, picks, mass, own, table, rest, upto, reached)
        level += math.log(rng.random())
        turn = 2 * math.pi * rng.random()
        low, high = turn - 2 * math.pi, turn
        for _ in range(SHRINKS):
            theta[item] = here * math.cos(turn) + nu * math.sin(turn)
            found = nearby(
                item, theta, size, wins, starts, members, split, picks, mass, own, table, rest, upto, reached
            )
            if found > level:
                break
            if turn > 0:
                high = turn
            else:
                low = turn
            turn = low + (high - low) * rng.random()
        else:
            theta[item] = here
            table[item] = math.exp(here)


@compiled
def slide(
    rng: Any, centre: Array, across: Array, along: Array, z: Array, nu: Array, precision: float, theta: Array,
    size: float, height: float, wins: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    plain: int, table: Array, reached: Array,
) -> float:  # fmt: skip
    """One elliptical slice: brings `theta` to centre + across cos + along sin, and returns the log-likelihood there.

    `across` is R z and `along` is R nu; `z` follows theta. Besides the likelihood, of which `height` is the logarithm
    now, the target has exp(-precision |theta|^2 / 2), and exp(+|z|^2 / 2), which takes out the ellipse's own density.
    """
    square, first, both, second = 0.0, 0.0, 0.0, 0.0
    for item in range(len(theta)):
        square += theta[item] ** 2
        first += z[item] ** 2
        both += 2 * z[item] * nu[item]
        second += nu[item] ** 2
    level = height - precision * square / 2 + first / 2 + math.log(rng.random())
    turn = 2 * math.pi * rng.random()
    low, high = turn - 2 * math.pi, turn
    for _ in range(SHRINKS):
        cosine, sine = math.cos(turn), math.sin(turn)
        square = 0.0
        for item in range(len(theta)):
            theta[item] = centre[item] + across[item] * cosine + along[item] * sine
            square += theta[item] ** 2
        found = value(theta, size, wins, starts, members, split, picks, mass, plain, table, reached)
        own = first * cosine**2 + both * cosine * sine + second * sine**2
        if found - precision * square / 2 + own / 2 > level:
            for item in range(len(theta)):
                z[item] = z[item] * cosine + nu[item] * sine
            return found
        if turn > 0:
            high = turn
        else:
            low = turn
        turn = low + (high - low) * rng.random()
    for item in range(len(theta)):  # the bracket has shrunk to where it began
        theta[item] = centre[item] + across[item]
    return height


@compiled
def tie_height(
    theta: Array, tau: float, link: int, tied: float, prior: float, wins: Array, starts: Array, members: Array,
    split: Array, picks: Array, mass: Array, plain: int, table: Array, reached: Array,
) -> float:  # fmt: skip
    """The log-posterior of tau for these strengths."""
    if link == RAO_KUPPER and tau <= 0:
        return -math.inf
    found = value(theta, math.exp(tau), wins, starts, members, split, picks, mass, plain, table, reached)
    return found + tie_level(link, tau, tied, prior)


@compiled
def slide_tie(
    rng: Any, theta: Array, tau: float, link: int, tied: float, prior: float, stride: float, wins: Array, starts: Array,
    members: Array, split: Array, picks: Array, mass: Array, plain: int, table: Array, reached: Array,
) -> float:  # fmt: skip
    """A slice of tau: the bracket grows by strides until both ends are below the level, then shrinks towards tau."""
    level = math.log(rng.random()) + tie_height(
        theta, tau, link, tied, prior, wins, starts, members, split, picks, mass, plain, table, reached
    )
    low = tau - stride * rng.random()
    high = low + stride
    for end, way in ((low, -stride), (high, stride)):
        for _ in range(STRIDES):
            found = tie_height(
                theta, end, link, tied, prior, wins, starts, members, split, picks, mass, plain, table, reached
            )
            if found < level:
                break
            end += way
        low, high = (end, high) if way < 0 else (low, end)
    for _ in range(SHRINKS):
        trial = low + (high - low) * rng.random()
        found = tie_height(
            theta, trial, link, tied, prior, wins, starts, members, split, picks, mass, plain, table, reached
        )
        if found > level:
            return float(trial)
        if trial > tau:
            high = trial
        else:
            low = trial
    return tau


@compiled
def moved(rng: Any, place: int, count: int) -> int:
    """Another place of a grid, or one outside it."""
    step = 1 + int(rng.random() * FARTHEST)
    return place + step if rng.random() < 0.5 else place - step


@compiled
def most_sets(picks: Array, rows: Array, bounds: Array) -> Any:
    """Room for `beside`: for the sets and for the rows of the item with the most of each."""
    sets, longest = 1, 1
    for item in range(len(bounds) - 1):
        own = 0
        for row in rows[bounds[item] : bounds[item + 1]]:
            own += picks[row]
        sets, longest = max(sets, own), max(longest, bounds[item + 1] - bounds[item])
    return np.empty(sets), np.empty(longest, np.int64)


@compiled
def sweep(
    rng: Any, places: Array, states: Array, taus: Array, sweeps: int, trusted: int,
    width: Array, weight: Array, modes: Array, roots: Array, inverses: Array, volume: Array,
    wins: Array, starts: Array, members: Array, split: Array, picks: Array, mass: Array,
    plain: int, rows: Array, bounds: Array, link: int, tied: float, prior: float, stride: float,
) -> None:  # fmt: skip
    """Bring each chain forward: `places` (C) on the grid, `states` (C, M), and `taus` (C) where the `link` has one.

    Move 1 is left out below `trusted`. Of the grid: `width` is s, `weight` the logarithm of w, `roots` and `inverses`
    are R and R^-1, both symmetric, and `volume` is log |R|.
    """
    chains, items = states.shape
    table, reached = np.empty(items), np.empty(1 << SUBSETS)
    rest, upto = most_sets(picks, rows, bounds)
    trial, z, nu = np.empty(items), np.empty(items), np.empty(items)
    across, along = np.empty(items), np.empty(items)
    for chain in range(chains):
        theta, k = states[chain], places[chain]
        known = False  # whether z is that of theta and k
        for _ in range(sweeps):
            if link in (DAVIDSON, RAO_KUPPER):
                taus[chain] = slide_tie(
                    rng, theta, taus[chain], link, tied, prior, stride,
                    wins, starts, members, split, picks, mass, plain, table, reached,
                )  # fmt: skip
            size = math.exp(taus[chain])
            if k >= trusted:
                slide_each(
                    rng, theta, size, width[k], wins, starts, members, split, picks, mass, rows, bounds,
                    table, rest, upto, reached,
                )  # fmt: skip
                known = False
            height = value(theta, size, wins, starts, members, split, picks, mass, plain, table, reached)
            other = moved(rng, k, len(width))
            if 0 <= other < len(width):
                for item in range(items):
                    trial[item] = theta[item] * width[other] / width[k]
                found = value(trial, size, wins, starts, members, split, picks, mass, plain, table, reached)
                if found + weight[other] - height - weight[k] > math.log(rng.random()):
                    theta[:], height, k = trial, found, other
                    known = False
            for item in range(items):
                across[item] = theta[item] - modes[k, item]
                nu[item] = rng.standard_normal()
            if not known:
                transformed(inverses[k], across, z)
            known = True
            transformed(roots[k], nu, along)
            height = slide(
                rng, modes[k], across, along, z, nu, 1 / width[k] ** 2, theta, size, height,
                wins, starts, members, split, picks, mass, plain, table, reached,
            )  # fmt: skip
            other = moved(rng, k, len(width))
            if 0 <= other < len(width):
                transformed(roots[other], z, trial)
                here, there = 0.0, 0.0
                for item in range(items):
                    trial[item] += modes[other, item]
                    here += theta[item] ** 2
                    there += trial[item] ** 2
                here = height - here / (2 * width[k] ** 2) - items * math.log(width[k]) + weight[k] + volume[k]
                found = value(trial, size, wins, starts, members, split, picks, mass, plain, table, reached)
                ahead = found - there / (2 * width[other] ** 2) - items * math.log(width[other])
                ahead += weight[other] + volume[other]
                if ahead - here > math.log(rng.random()):
                    theta[:], height, k = trial, found, other
        places[chain] = k
