"""The policies by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ranking.engines.matchmaking import policies
from ranking.engines.matchmaking.policies import Policy, PolicyError

POLICIES: dict[str, Callable[..., Policy]] = {
    policy.name: policy
    for policy in (
        policies.Misorder,
        policies.ExpectedInformation,
        policies.ThompsonWindow,
        policies.KSort,
        policies.Swiss,
        policies.Tournament,
        policies.Placement,
        policies.Coverage,
        policies.FixedWeights,
        policies.Uniform,
    )
}
DEFAULT = policies.Misorder.name


def policy_named(name: str, **parameters: Any) -> Policy:
    """The policy with these parameters; `PolicyError` names what it does not know."""
    if name not in POLICIES:
        raise PolicyError(f"there is no policy {name!r}; there are: {', '.join(POLICIES)}")
    known = parameters_of(name)
    for parameter in parameters:
        if parameter not in known:
            there = ", ".join(known) or "none"
            raise PolicyError(f"{name} has no parameter {parameter!r}; there are: {there}")
    return POLICIES[name](**parameters)


def parameters_of(name: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(POLICIES[name]))  # type: ignore[arg-type]  # all are dataclasses
