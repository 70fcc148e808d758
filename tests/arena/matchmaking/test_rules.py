"""What an arena's settings ask of matchmaking, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from arena.catalogue.models import Arena
from arena.matchmaking.rules import rules_of
from arena.protocols import Protocol
from ranking.engines.matchmaking.choosing import NO_RULES
from ranking.engines.matchmaking.goals import NarrowIntervals, TopKnown
from ranking.engines.matchmaking.policies import KSort, Misorder
from ranking.engines.matchmaking.registry import DEFAULT, POLICIES


def arena(**fields: Any) -> Arena:
    return Arena(slug="prints", name="Prints", **fields)


def test_a_new_arena_has_the_default_policy_with_a_tenth_for_audit_and_no_goal() -> None:
    rules = rules_of(arena())

    assert rules.policy == Misorder()
    assert rules.policy.name == DEFAULT
    assert (rules.size, rules.audit, rules.goal) == (4, 0.1, None)
    assert rules.rules.audit == 0, "drawn before the prompt, so not once more with the set"
    assert rules.rules.floor > 0


def test_parameters_reach_the_policy_and_are_stored_with_a_battle() -> None:
    rules = rules_of(arena(policy="misorder", policy_parameters={"top_weight": 2.5, "variant": "row"}))

    assert rules.policy == Misorder(top_weight=2.5, variant="row")
    assert rules.described() == {
        "top_weight": 2.5, "variant": "row", "sharpness": "infinite", "size": 4, "audit": 0.1,
        "prompt_choice": "least-judged", "top_count": 0, "floor": 0.5, "rescue": 0.45, "ceiling": 3.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_can_be_set(name: str) -> None:
    made = arena(policy=name)
    made.clean()
    assert rules_of(made).policy.name == name


@pytest.mark.parametrize("name", ["uniform", "fixed-weights"])
def test_a_policy_that_promises_exposure_is_left_alone(name: str) -> None:
    assert rules_of(arena(policy=name)).rules == NO_RULES


def test_goals_are_those_of_the_arena() -> None:
    assert rules_of(arena(goal="top-known", goal_top=3, goal_confidence=0.9)).goal == TopKnown(3, 0.9)
    assert rules_of(arena(goal="narrow-intervals", goal_points=20)).goal == NarrowIntervals(20)


def test_a_goal_about_the_best_aims_the_default_policy_at_them() -> None:
    goal = {"goal": "top-known", "goal_top": 3}

    assert rules_of(arena(**goal)).policy == Misorder(top_count=3, top_weight=20)
    assert rules_of(arena(**goal, policy_parameters={"top_weight": 1})).policy == Misorder(top_count=3, top_weight=1)
    assert rules_of(arena(goal="narrow-intervals")).policy == Misorder()
    assert rules_of(arena(**goal, policy="ksort")).policy == KSort()


def test_ballots_that_name_the_best_alone_are_forecast_as_such() -> None:
    observed = rules_of(arena(protocol=Protocol.BEST)).observed
    assert observed is not None
    assert observed(4) == [1, 0, 0, 0]
    assert rules_of(arena(protocol=Protocol.K_RANK)).observed is None


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"policy": "best"}, "policy", "there is no policy 'best'"),
        ({"policy_parameters": {"top": 1}}, "policy_parameters", "misorder has no parameter 'top'"),
        ({"policy_parameters": {"top_weight": -1}}, "policy_parameters", "must be a number from 0"),
        ({"policy_parameters": {"top_weight": "much"}}, "policy_parameters", "a word where a number belongs"),
        ({"policy_parameters": {"top_weight": None}}, "policy_parameters", "must be a number or a word"),
        ({"policy_parameters": {"top_weight": 10**400}}, "policy_parameters", "not 10000000... of 401 digits"),
        ({"policy_parameters": {"sharpness": 10**400}}, "policy_parameters", "not 10000000... of 401 digits"),
        ({"policy_parameters": {"sharpness": math.inf}}, "policy_parameters", "must be a finite number"),
        ({"policy": "thompson-window", "policy_parameters": {"draws": 10**400}}, "policy_parameters", "1 to 100000"),
        ({"policy": "ksort", "policy_parameters": {"alpha": 10**400}}, "policy_parameters", "of at least 0"),
        ({"policy": "ksort", "policy_parameters": {"sign": 10**400}}, "policy_parameters", "of 401 digits"),
        ({"policy_parameters": {"top_weight": True}}, "policy_parameters", "must be a number or a word"),
        ({"policy_parameters": [5]}, "policy_parameters", "Write an object"),
        ({"category_quota": {"people": 0}}, "category_quota", "above 0 and at most 1"),
        ({"category_quota": {"people": "half"}}, "category_quota", "above 0 and at most 1"),
        ({"category_quota": {"people": 0.7, "nature": 0.6}}, "category_quota", "add up to 1.3"),
        ({"category_quota": []}, "category_quota", "Write an object"),
    ],
)
def test_what_cannot_be_followed_is_refused_beside_its_field(fields: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        arena(**fields).clean()
    assert list(refused.value.message_dict) == [where]
    assert words in refused.value.message_dict[where][0]
