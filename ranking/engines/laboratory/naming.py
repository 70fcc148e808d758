"""Engines and policies as they are written: a name and its options, `misorder:top_weight=0,variant=row`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.fitted import Fitted
from ranking.engines.laboratory.learners import Learner, PlackettLuce
from ranking.engines.laboratory.packages import PACKAGES
from ranking.engines.laboratory.updates import Elo, KSort, TrueSkill, ksort_deployed
from ranking.engines.matchmaking.policies import Policy
from ranking.engines.matchmaking.registry import POLICIES, policy_named
from ranking.engines.registry import ENGINES

LIVE: Mapping[str, Callable[..., Learner]] = {
    "plackett-luce": PlackettLuce,
    "elo": Elo,
    "ksort": KSort,
    "ksort-deployed": ksort_deployed,
    "trueskill": TrueSkill,
    **PACKAGES,
}
ENGINES_TO_SIMULATE = (*LIVE, *(name for name in ENGINES if name not in LIVE))
CHOICES = tuple(name for name in POLICIES if name != "fixed-weights")  # whose weights are set by hand


@dataclass(frozen=True)
class Named:
    """A name with options, checked when it is built."""

    name: str
    options: tuple[tuple[str, str | float | bool], ...] = ()

    def __str__(self) -> str:
        written = ",".join(f"{name}={_written(value)}" for name, value in self.options)
        return f"{self.name}:{written}" if written else self.name

    @property
    def keywords(self) -> dict[str, Any]:
        return dict(self.options)


def parsed(text: str) -> Named:
    """Raises `LaboratoryError` for text that is not NAME or NAME:OPTION=VALUE,..."""
    name, _, rest = text.partition(":")
    options: dict[str, str | float | bool] = {}
    for part in rest.split(",") if rest else ():
        option, equals, value = part.partition("=")
        if not (option and equals and value):
            raise LaboratoryError(f"{text!r} must be NAME or NAME:OPTION=VALUE,..., not with {part!r}")
        if option in options:
            raise LaboratoryError(f"{text!r} gives {option} twice")
        options[option.replace("-", "_")] = _value(value)
    return Named(name, tuple(options.items()))


def learner(named: Named, count: int) -> Learner:
    """A fresh learner for `count` contestants; `LaboratoryError` for a name, option or value that does not exist."""
    if named.name not in ENGINES_TO_SIMULATE:
        there = ", ".join(ENGINES_TO_SIMULATE)
        raise LaboratoryError(f"there is no engine {named.name!r} to simulate; there are: {there}")
    if named.name not in LIVE:
        return Fitted(named.name, count, **named.keywords)
    make = LIVE[named.name]
    known = {name: kind for name, kind in _options(make).items() if name != "count"}
    for option, value in named.options:
        if option not in known:
            raise LaboratoryError(f"{named.name} has no option {option!r}; there are: {', '.join(known) or 'none'}")
        _require_kind(named.name, option, value, bool if "bool" in known[option] else float)
    return make(count, **named.keywords)


def policy(named: Named) -> Policy:
    """Raises `LaboratoryError`, or the matchmaking's own error, for what does not exist or makes no sense."""
    if named.name not in CHOICES:
        raise LaboratoryError(f"there is no policy {named.name!r} to simulate; there are: {', '.join(CHOICES)}")
    kinds = {name: str if "str" in given else float for name, given in _options(POLICIES[named.name]).items()}
    for option, value in named.options:
        if option in kinds:
            _require_kind(named.name, option, value, kinds[option])
    return policy_named(named.name, **named.keywords)


def _options(make: Callable[..., object]) -> dict[str, str]:
    return {name: str(given.annotation) for name, given in inspect.signature(make).parameters.items()}


def _require_kind(name: str, option: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        noun = {bool: "true or false", str: "a word"}.get(kind, "a number")
        raise LaboratoryError(f"{option} of {name} must be {noun}, not {value}")


def _value(text: str) -> str | float | bool:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _written(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else value
