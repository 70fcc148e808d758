"""What an arena's settings ask of matchmaking, read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from arena.catalogue.models import Arena, GoalKind
from arena.protocols import Protocol
from ranking.engines.errors import EngineError
from ranking.engines.matchmaking.choosing import NO_RULES, Rules
from ranking.engines.matchmaking.goals import Goal, NarrowIntervals, TopKnown
from ranking.engines.matchmaking.policies import FixedWeights, Misorder, Policy, Uniform
from ranking.engines.matchmaking.registry import policy_named

# Protocols that show the best one alone; the others are taken to show the whole order.
_BEST_ALONE = {Protocol.BEST}
# Policies that promise how often each is shown: no floor or ceiling of exposure is put over them.
_TO_THE_LETTER = {Uniform.name, FixedWeights.name}


@dataclass(frozen=True)
class ArenaRules:
    """How an arena chooses its battles.

    `rules` has no audit share: an audit battle is uniform in its prompt too, so `audit` is drawn before the prompt is.
    """

    size: int
    policy: Policy
    rules: Rules
    audit: float
    prompt_choice: str
    quota: Mapping[str, float]
    goal: Goal | None
    observed: Callable[[int], list[int]] | None  # of `ballots_left`

    def described(self) -> dict[str, Any]:
        """What is stored with a battle, beside the policy's name."""
        limits = {"floor": self.rules.floor, "rescue": self.rules.rescue, "ceiling": self.rules.ceiling}
        shared = {"size": self.size, "audit": self.audit, "prompt_choice": str(self.prompt_choice)}
        named = vars(self.policy) | limits | shared
        return {name: "infinite" if value == math.inf else value for name, value in named.items()}


def rules_of(arena: Arena, protocol: str | None = None) -> ArenaRules:
    """Those of battles of one protocol, the usual one if none is named.

    Raises `PolicyError` where the arena's settings make no sense; `check` keeps them out.
    """
    return ArenaRules(
        size=arena.size_of(protocol),
        policy=policy_named(arena.policy, **_aim(arena) | arena.policy_parameters),
        rules=NO_RULES if arena.policy in _TO_THE_LETTER else Rules(audit=0.0),
        audit=arena.audit_share,
        prompt_choice=arena.prompt_choice,
        quota=arena.category_quota,
        goal=goal_of(arena),
        observed=best_alone if (protocol or arena.protocol) in _BEST_ALONE else None,
    )


def _aim(arena: Arena) -> dict[str, Any]:
    """Parameters that follow from the goal: to know who the best few are takes other battles than the whole order.

    In the laboratory, 50 contestants in a close field, that took 1,358 ballots instead of 4,392 (docs/benchmarks.md).
    """
    if arena.policy == Misorder.name and arena.goal == GoalKind.TOP_KNOWN:
        return {"top_count": arena.goal_top, "top_weight": 20}
    return {}


def goal_of(arena: Arena) -> Goal | None:
    if arena.goal == GoalKind.TOP_KNOWN:
        return TopKnown(arena.goal_top, arena.goal_confidence)
    if arena.goal == GoalKind.NARROW_INTERVALS:
        return NarrowIntervals(arena.goal_points)
    return None


def best_alone(size: int) -> list[int]:
    return [1] + [0] * (size - 1)


def check(arena: Arena) -> None:
    """Refuse settings that matchmaking could not follow, each beside its field."""
    problems: dict[str, str] = {}
    if problem := _wrong_policy(arena.policy, arena.policy_parameters):
        problems[problem[0]] = problem[1]
    if problem_of_quota := _wrong_quota(arena.category_quota):
        problems["category_quota"] = problem_of_quota
    if problems:
        raise ValidationError(problems)


def _wrong_policy(name: str, parameters: Any) -> tuple[str, str] | None:
    if not isinstance(parameters, dict):
        return "policy_parameters", 'Write an object of numbers by name, such as {"top_weight": 5}.'
    try:
        policy_named(name)
    except EngineError as error:
        return "policy", f"{error}."
    for key, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return "policy_parameters", f"{key} must be a number or a word, not {value!r}."
        if isinstance(value, float) and not math.isfinite(value):  # no database keeps it
            return "policy_parameters", f"{key} must be a finite number; leave it out for what it is by itself."
    try:
        policy_named(name, **parameters)
    except EngineError as error:
        return "policy_parameters", f"{error}."
    except TypeError:
        return "policy_parameters", f"A parameter of {name} has a word where a number belongs, or the reverse."
    return None


def _wrong_quota(quota: Any) -> str | None:
    if not isinstance(quota, dict):
        return 'Write an object of shares by category, such as {"people": 0.5}.'
    for path, share in quota.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
            return f"The share of {path!r} must be a number above 0 and at most 1, not {share!r}."
    if sum(quota.values()) > 1 + 1e-9:
        return f"The shares add up to {sum(quota.values()):g}; they must not exceed 1."
    return None
