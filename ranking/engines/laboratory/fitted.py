"""Any registered engine as a learner: it fits all ballots so far again whenever it is asked.

An engine may refuse the ballots there are, as one that wants everybody linked does at first. Then it has said nothing:
all are equal. Options that make no sense are refused when the learner is made, by a fit of a few ballots.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from ranking.engines.errors import EngineError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.kinds import Floats, Ranks
from ranking.engines.laboratory.learners import Record, Unit
from ranking.engines.registry import WRITTEN, Engine, engine_named

_PROBITS = "thurstone"  # its strengths are no logits, though they are log-strengths of a kind


class Fitted:
    """`engine` by name, with options as its registry entry lists them, where they can be written."""

    cheap = False

    def __init__(self, engine: str, count: int, **options: object) -> None:
        self._engine = engine_named(engine)
        self._options = {name: _read(self._engine, name, value) for name, value in options.items()}
        self._engine.fit(_round_robin(), **self._options)
        self._record = Record(count)
        self._fit: Fit | None = None
        self._fitted = 0

    def update(self, members: Ranks, ranks: Ranks, voter: int) -> None:
        self._record.add(members, ranks, voter)

    @property
    def unit(self) -> Unit:
        if self._engine.name == _PROBITS:
            return "score"
        return "logit" if self._fit is None else self._fit.unit

    def mean(self) -> Floats:
        fit = self._now()
        return np.zeros(len(self._record.items)) if fit is None else fit.mean

    def covariance(self) -> Floats | None:
        fit = self._now()
        if fit is None:
            return np.eye(len(self._record.items))
        return fit.covariance if fit.draws is None else np.cov(fit.draws, rowvar=False)

    def settle(self) -> None:
        """Every belief is a fit of all ballots already."""

    def _now(self) -> Fit | None:
        if self._fitted != len(self._record):
            options: dict[str, Any] = dict(self._options)
            if "start" in self._engine.options:
                options["start"] = self._fit
            try:
                self._fit = self._engine.fit(self._record.evidence(), **options)
            except EngineError:
                self._fit = None
            self._fitted = len(self._record)
        return self._fit


def _read(engine: Engine, name: str, value: object) -> object:
    if name not in engine.options or name not in WRITTEN:
        there = ", ".join(option for option in engine.options if option in WRITTEN) or "none"
        raise LaboratoryError(f"{engine.name} has no option {name!r}; there are: {there}")
    kind = WRITTEN[name]
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind in (int, float, str):
        if not isinstance(value, kind):
            noun = {int: "a whole number", float: "a number"}.get(kind, "a word")
            raise LaboratoryError(f"{name} of {engine.name} must be {noun}, not {value}")
    elif not isinstance(value, bool):
        raise LaboratoryError(f"{name} of {engine.name} must be true or false, not {value}")
    return value


def _round_robin() -> Evidence:
    """Everybody against everybody, each way once, by two voters."""
    pairs = np.array(list(permutations(range(3), 2)))
    return Evidence.from_arrays(("a", "b", "c"), pairs, np.tile([1, 2], (6, 1)), voters=["v", "w"] * 3)
