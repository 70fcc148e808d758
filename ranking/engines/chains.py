"""Markov chains through the joint posterior of strengths and the prior's width, in compiled loops; see `mixture`.

A state is (k, theta): the k-th width s_k of a grid, which has the weight w_k before the ballots, and strengths. Its
posterior is p(k, theta) = w_k N(theta; 0, s_k^2 I) exp(log-likelihood), whatever proposes moves. A sweep makes four:

1. an elliptical slice of each strength in turn, with the prior as the ellipse: theta_i cos + nu sin, nu ~ N(0, s_k^2);
2. to another width, with theta / s kept;
3. an elliptical slice around the mode m_k, with Laplace's covariance R_k R_k as the ellipse;
4. to another width, with z = R_k^-1 (theta - m_k) kept.

The first two mix well where ballots say little, the others where they say much. Numba draws from numpy's generators as
numpy does, so a seed means the same everywhere.

Sources: Murray, Adams and MacKay 2010 (elliptical slices); Yu and Meng 2011 (two parametrisations in turn).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ranking.engines.compiled import compiled

Array = Any  # numba infers the types; the callers in this package are typed

LARGE, SMALL = 1e200, 1e-200  # a product of totals is brought to its logarithm beyond
SUBSETS = 8  # places before others are summed over subsets up to so many, else integrated
NODE_LOW, NODE_STEP = -34.0, 0.2  # as in `kernels.integrate_before`
SHRINKS = 100  # of an ellipse's bracket; ten are many
FARTHEST = 3  # places of the grid, of a move to another width


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
def value(
    theta: Array, wins: Array, starts: Array, members: Array, split: Array, mass: Array, table: Array, reached: Array
) -> float:
    """The log-likelihood of `kernels.evaluate` alone."""
    top, low, result = theta[0], theta[0], 0.0
    for item in range(len(theta)):
        top, low = max(top, theta[item]), min(low, theta[item])
        result += wins[item] * theta[item]
    if top - low > 600.0:
        return -math.inf
    for item in range(len(theta)):
        table[item] = math.exp(theta[item] - top)
    product, choices = 1.0, 0.0
    for row in range(len(mass)):
        begin, end, weight = starts[row], starts[row + 1], mass[row]
        if split[row] > 0:
            result += weight * log_before(table, members[begin:end], split[row], reached)
            continue
        total = 0.0
        for place in range(begin, end):
            total += table[members[place]]
        choices += weight
        if weight == 1.0:
            product *= total
            if product < SMALL or product > LARGE:
                result -= math.log(product)
                product = 1.0
        else:
            result -= weight * math.log(total)
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
    item: int, starts: Array, members: Array, split: Array, rows: Array, table: Array, rest: Array
) -> None:  # fmt: skip
    """Fill `rest` with the totals of the choices in `rows` without `item`; `table` holds exp(theta)."""
    for place, row in enumerate(rows):
        rest[place] = 0.0
        if split[row] == 0:
            for other in members[starts[row] : starts[row + 1]]:
                if other != item:
                    rest[place] += table[other]


@compiled
def nearby(
    item: int, at: float, wins: Array, starts: Array, members: Array, split: Array, mass: Array,
    rows: Array, table: Array, rest: Array, reached: Array,
) -> float:  # fmt: skip
    """The part of the log-likelihood that `item` is in, `rows`, with its strength at `at`; `rest` is from `beside`."""
    table[item] = math.exp(at)
    result = wins[item] * at
    for place, row in enumerate(rows):
        if split[row] > 0:
            result += mass[row] * log_before(table, members[starts[row] : starts[row + 1]], split[row], reached)
        else:
            result -= mass[row] * math.log(rest[place] + table[item])
    return float(result)


@compiled
def slide_each(
    rng: Any, theta: Array, width: float, wins: Array, starts: Array, members: Array, split: Array, mass: Array,
    rows: Array, bounds: Array, table: Array, rest: Array, reached: Array,
) -> None:  # fmt: skip
    """Move 1; item i is in the rows `rows[bounds[i]:bounds[i + 1]]`."""
    for item in range(len(theta)):
        table[item] = math.exp(theta[item])
    for item in range(len(theta)):
        own, here, nu = rows[bounds[item] : bounds[item + 1]], theta[item], width * rng.standard_normal()
        beside(item, starts, members, split, own, table, rest)
        level = nearby(item, here, wins, starts, members, split, mass, own, table, rest, reached)
        level += math.log(rng.random())
        turn = 2 * math.pi * rng.random()
        low, high = turn - 2 * math.pi, turn
        for _ in range(SHRINKS):
            theta[item] = here * math.cos(turn) + nu * math.sin(turn)
            if nearby(item, theta[item], wins, starts, members, split, mass, own, table, rest, reached) > level:
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
    rng: Any, centre: Array, across: Array, along: Array, inner: Array, precision: float, theta: Array, height: float,
    wins: Array, starts: Array, members: Array, split: Array, mass: Array, table: Array, reached: Array,
) -> float:  # fmt: skip
    """One elliptical slice: brings `theta` to centre + across cos + along sin, and returns the log-likelihood there.

    Besides the likelihood, of which `height` is the logarithm now, the target has exp(-precision |theta|^2 / 2), and
    exp(+(a cos^2 + b cos sin + d sin^2) / 2) for inner = (a, b, d), which takes out the ellipse's own density.
    """
    square = 0.0
    for item in range(len(theta)):
        square += theta[item] ** 2
    level = height - precision * square / 2 + inner[0] / 2 + math.log(rng.random())
    turn = 2 * math.pi * rng.random()
    low, high = turn - 2 * math.pi, turn
    for _ in range(SHRINKS):
        cosine, sine = math.cos(turn), math.sin(turn)
        square = 0.0
        for item in range(len(theta)):
            theta[item] = centre[item] + across[item] * cosine + along[item] * sine
            square += theta[item] ** 2
        found = value(theta, wins, starts, members, split, mass, table, reached)
        own = inner[0] * cosine**2 + inner[1] * cosine * sine + inner[2] * sine**2
        if found - precision * square / 2 + own / 2 > level:
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
def moved(rng: Any, place: int, count: int) -> int:
    """Another place of a grid, or one outside it."""
    step = 1 + int(rng.random() * FARTHEST)
    return place + step if rng.random() < 0.5 else place - step


@compiled
def sweep(
    rng: Any, places: Array, states: Array, sweeps: int, trusted: int,
    width: Array, weight: Array, modes: Array, roots: Array, inverses: Array, volume: Array,
    wins: Array, starts: Array, members: Array, split: Array, mass: Array, rows: Array, bounds: Array,
) -> None:  # fmt: skip
    """Bring each chain forward: `places` (C) on the grid and `states` (C, M). Move 1 is left out below `trusted`.

    Of the grid: `width` is s, `weight` the logarithm of w, `roots` and `inverses` are R and R^-1, both symmetric, and
    `volume` is log |R|.
    """
    chains, items = states.shape
    table, rest, reached = np.empty(items), np.empty(max(np.diff(bounds).max(), 1)), np.empty(1 << SUBSETS)
    trial, z, nu = np.empty(items), np.empty(items), np.empty(items)
    across, along, inner = np.empty(items), np.empty(items), np.zeros(3)
    for chain in range(chains):
        theta, k = states[chain], places[chain]
        for _ in range(sweeps):
            if k >= trusted:
                slide_each(rng, theta, width[k], wins, starts, members, split, mass, rows, bounds, table, rest, reached)
            height = value(theta, wins, starts, members, split, mass, table, reached)
            other = moved(rng, k, len(width))
            if 0 <= other < len(width):
                for item in range(items):
                    trial[item] = theta[item] * width[other] / width[k]
                found = value(trial, wins, starts, members, split, mass, table, reached)
                if found + weight[other] - height - weight[k] > math.log(rng.random()):
                    theta[:], height, k = trial, found, other
            for item in range(items):
                trial[item] = theta[item] - modes[k, item]
                nu[item] = rng.standard_normal()
            transformed(inverses[k], trial, z)
            across[:] = trial
            transformed(roots[k], nu, along)
            inner[:] = 0.0
            for item in range(items):
                inner[0] += z[item] ** 2
                inner[1] += 2 * z[item] * nu[item]
                inner[2] += nu[item] ** 2
            height = slide(
                rng, modes[k], across, along, inner, 1 / width[k] ** 2, theta, height,
                wins, starts, members, split, mass, table, reached,
            )  # fmt: skip
            other = moved(rng, k, len(width))
            if 0 <= other < len(width):
                for item in range(items):
                    nu[item] = theta[item] - modes[k, item]
                transformed(inverses[k], nu, z)
                transformed(roots[other], z, trial)
                here, there = 0.0, 0.0
                for item in range(items):
                    trial[item] += modes[other, item]
                    here += theta[item] ** 2
                    there += trial[item] ** 2
                here = height - here / (2 * width[k] ** 2) - items * math.log(width[k]) + weight[k] + volume[k]
                found = value(trial, wins, starts, members, split, mass, table, reached)
                ahead = found - there / (2 * width[other] ** 2) - items * math.log(width[other])
                ahead += weight[other] + volume[other]
                if ahead - here > math.log(rng.random()):
                    theta[:], height, k = trial, found, other
        places[chain] = k
