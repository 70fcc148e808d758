"""Skipping a battle: it is closed without a ballot, and the next one is another."""

from __future__ import annotations

import pytest

from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from tests.visitor import JSON, Visitor, VotePage


@pytest.fixture
def visitor(ready_arena: Arena) -> Visitor:
    return Visitor()


@pytest.fixture
def page(ready_arena: Arena, visitor: Visitor) -> VotePage:
    return visitor.open(ready_arena)


def test_it_closes_the_battle_and_leads_to_the_next(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    response = visitor.skip(ready_arena, page, reason="hard_to_judge")

    assert (response.status_code, response["Location"]) == (303, "/arenas/prints/vote/")
    battle = Battle.objects.get()
    assert (battle.state, battle.skip_reason) == (BattleState.SKIPPED, "hard_to_judge")
    assert battle.closed_at is not None
    assert not Ballot.objects.exists()
    assert visitor.open(ready_arena).battle != battle


def test_twice_is_once(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    visitor.skip(ready_arena, page, reason="broken")
    closed = page.battle.closed_at

    assert visitor.skip(ready_arena, page, reason="other").status_code == 303
    assert (page.battle.closed_at, page.battle.skip_reason) == (closed, "broken")


def test_a_voted_battle_is_not_skipped(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    visitor.submit(ready_arena, page, 1)
    response = visitor.skip(ready_arena, page)

    assert response.status_code == 409
    assert "already voted" in response.content.decode()
    assert page.battle.state == BattleState.VOTED


def test_nobody_skips_the_battle_of_another(ready_arena: Arena, page: VotePage) -> None:
    stranger = Visitor()
    stranger.open(ready_arena)

    assert stranger.skip(ready_arena, page).status_code == 403
    assert page.battle.state == BattleState.OPEN


def test_a_forged_token_skips_nothing(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    response = visitor.client.post("/arenas/prints/skips/", {"token": "x:y"}, headers=JSON)

    assert (response.status_code, response.json()["code"]) == (400, "battle_token_invalid")
    assert page.battle.state == BattleState.OPEN


def test_a_form_from_elsewhere_skips_nothing(ready_arena: Arena) -> None:
    visitor = Visitor(enforce_csrf_checks=True)
    page = visitor.open(ready_arena)

    assert visitor.skip(ready_arena, page, csrfmiddlewaretoken="x").status_code == 403
    assert page.battle.state == BattleState.OPEN


def test_a_get_skips_nothing(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    assert visitor.client.get("/arenas/prints/skips/").status_code == 405
    assert page.battle.state == BattleState.OPEN


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "x" * 500,
        "a\x00b",
    ],
    ids=["none", "long", "nul"],
)
def test_whatever_the_reason_the_battle_is_skipped(
    ready_arena: Arena, visitor: Visitor, page: VotePage, reason: str
) -> None:
    assert visitor.skip(ready_arena, page, reason=reason).status_code == 303
    assert len(page.battle.skip_reason) <= 40
