"""Maximum likelihood and maximum a posteriori for a `PairLikelihood`.

A prior that is given or learned is the business of `plackett_luce.maximise`, which asks a likelihood only for its
value, gradient and information. What is here: when a maximum-likelihood estimate exists, Newton's method for it, and
the many refits of a bootstrap, which all start near the solution and share one factorisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import connected_components

from ranking.engines import notes
from ranking.engines.errors import FitError
from ranking.engines.pairwise.likelihood import PairLikelihood
from ranking.engines.pairwise.pairs import Pairs

Floats = NDArray[np.float64]

MAX_ITERATIONS = 100
MAX_HALVINGS = 40
STEP_TOLERANCE = 1e-8  # largest change of a strength in the last step, logits
REFIT_TOLERANCE = 1e-6  # the same in a bootstrap, whose draws are compared with standard deviations
ROUNDING = 1e-14  # of a log-likelihood, relative to its number of pairs


def strong_groups(pairs: Pairs) -> list[list[int]]:
    """Groups within which everybody reaches everybody by "did not lose to", the groups ordered by smallest member.

    A finite maximum-likelihood estimate exists if and only if there is one group (Ford 1957; a tie counts both ways).
    """
    count, labels = connected_components(pairs.arrows, directed=True, connection="strong")
    groups: list[list[int]] = [[] for _ in range(count)]
    for item, label in enumerate(labels.tolist()):
        groups[label].append(item)
    return sorted(groups)


def existence(items: Sequence[str], pairs: Pairs) -> str | None:
    """Why there is no finite maximum-likelihood estimate, or None where there is one."""
    if len(items) == 1:
        return None
    groups = strong_groups(pairs)
    if len(groups) == 1:
        return None
    whole = (pairs.played > 0).any(axis=1)
    if not whole.all():
        alone = np.flatnonzero(~whole).tolist()
        return f"{notes.names(items, alone)} {'is' if len(alone) == 1 else 'are'} compared with nothing"
    arrows = pairs.arrows
    for group in sorted(groups, key=len):
        inside = np.isin(np.arange(len(items)), group)
        lost, won = arrows[~inside][:, inside].any(), arrows[inside][:, ~inside].any()
        if not lost and not won:
            return f"{notes.names(items, group)}: never compared with the others"
        if not lost or not won:
            return f"{notes.names(items, group)}: never {'won against' if lost else 'lost to'} any of the others"
    raise AssertionError("a graph of several strong components has a first and a last one")


def newton(
    likelihood: PairLikelihood,
    start: Floats,
    *,
    precision: float,
    centre: Floats | None = None,
) -> tuple[Floats, int, bool]:
    """The maximum of L(theta) - precision |theta - centre|^2 / 2: theta, iterations, whether it converged.

    With precision 0 the solution with mean zero is taken; it must exist.
    """
    middle = np.zeros_like(start) if centre is None else centre
    theta = start - (start.mean() if precision == 0 else 0.0)
    value, gradient, information = likelihood.evaluate(theta)
    for iteration in range(1, MAX_ITERATIONS + 1):
        step = cho_solve(factorised(information, precision), gradient - precision * (theta - middle))
        level = value - precision * float((theta - middle) @ (theta - middle)) / 2
        rounding = ROUNDING * (1 + float(likelihood.mass.sum())) * (1 + float(np.abs(theta).max()))
        for _ in range(MAX_HALVINGS):
            trial = theta + step
            value, gradient, information = likelihood.evaluate(trial)
            if value - precision * float((trial - middle) @ (trial - middle)) / 2 >= level - rounding:
                break
            step = step / 2
        theta = trial
        if np.abs(step).max() < STEP_TOLERANCE:
            return theta, iteration, True
    return theta, MAX_ITERATIONS, False


def refit(
    likelihood: PairLikelihood,
    start: Floats,
    factor: tuple[Floats, bool],
    *,
    precision: float,
    centre: Floats | None = None,
) -> Floats:
    """The same maximum from a start nearby: steps with the given Cholesky `factor` of the information at the start.

    Such steps shrink by the relative change of the information, a few per cent for a bootstrap of much evidence; where
    they do not at least halve, Newton's method takes over. Raises `FitError` where that does not converge.
    """
    middle = np.zeros_like(start) if centre is None else centre
    theta, previous = start, np.inf
    for _ in range(MAX_ITERATIONS):
        step = cho_solve(factor, likelihood.gradient(theta) - precision * (theta - middle))
        length = float(np.abs(step).max())
        if length > previous / 2:
            theta, _, converged = newton(likelihood, start, precision=precision, centre=centre)
            if not converged:
                raise FitError("a refit of the bootstrap did not converge")
            return theta
        theta, previous = theta + step, length
        if length < REFIT_TOLERANCE:
            break
    return theta


def factorised(information: Floats, precision: float) -> tuple[Floats, bool]:
    """Cholesky factor of information plus prior; without one the likelihood is flat along (1, ..., 1), only there.

    Raises `FitError` where rounding hides the prior, or all that some of the ballots say, behind the heaviest ones.
    """
    matrix = information + (level(information) if precision == 0 else 0.0)
    matrix[np.diag_indices_from(matrix)] += precision
    try:
        return cast("tuple[Floats, bool]", cho_factor(matrix))
    except np.linalg.LinAlgError:
        if precision:
            raise FitError(
                f"a prior standard deviation of {precision**-0.5:g} is too wide to be told from none beside ballots of"
                " this weight; give a smaller prior_sd or smaller weights"
            ) from None
        raise FitError("the weights of the ballots are too small, or too far apart, to fit without a prior") from None


def level(information: Floats) -> float:
    """What to add to each number of an information that is flat along (1, ..., 1), so that it is not; of its size."""
    return float(np.trace(information)) / len(information) ** 2 or 1.0


def refuse_without_estimate(items: Sequence[str], pairs: Pairs, engine: str) -> None:
    """Raise `FitError` where there is no finite maximum-likelihood estimate."""
    reason = existence(items, pairs)
    if reason is not None:
        raise FitError(
            f"the maximum-likelihood estimate of {engine} does not exist ({reason}); use method=map, which has a prior"
        )
