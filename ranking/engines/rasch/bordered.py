"""The information of all parameters: a dense core, a block for each rater, a border between; and its inverse.

    A = [[core, border'], [border, blocks]],      S = core - border' blocks^-1 border = L L'

Raters never meet in a rating, so their part is block-diagonal and is eliminated: the cost is R w d^2 + d^3, not
(R w + d)^3, and twenty thousand raters are no more than a pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Bordered:
    """A factorised.

    root     S, as scipy's `cho_factor` has it
    inverse  float64[R, w, w], blocks^-1
    gain     float64[R, w, d], blocks^-1 border
    """

    root: tuple[Floats, bool]
    inverse: Floats
    gain: Floats

    @classmethod
    def of(cls, core: Floats, border: Floats, blocks: Floats) -> Bordered:
        inverse: Floats = np.linalg.inv(blocks).astype(np.float64)
        gain = inverse @ border
        width = core.shape[0]
        schur = core - border.reshape(-1, width).T @ gain.reshape(-1, width)
        return cls(cho_factor((schur + schur.T) / 2, lower=True), inverse, gain)

    def solve(self, core: Floats, raters: Floats) -> tuple[Floats, Floats]:
        """A^-1 times vectors [d, n] and [R, w, n]."""
        top = cho_solve(self.root, core - np.einsum("rad,ran->dn", self.gain, raters))
        return top, self.inverse @ raters - self.gain @ top

    def covariance(self) -> tuple[Floats, Floats, Floats]:
        """Of A^-1: the core [d, d], each rater with the core [R, w, d], each rater's own block [R, w, w]."""
        core = cho_solve(self.root, np.eye(len(self.root[0])))
        core = (core + core.T) / 2
        cross = -self.gain @ core
        return core, cross, self.inverse - cross @ self.gain.transpose(0, 2, 1)

    def log_determinant(self) -> float:
        """Of A."""
        return float(2 * np.log(np.diag(self.root[0])).sum() - np.linalg.slogdet(self.inverse)[1].sum())
