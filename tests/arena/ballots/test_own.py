"""What somebody said so far: found again, and taken back where they wish."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from arena.ballots.models import Ballot
from arena.ballots.watermark import evidence_watermark
from arena.catalogue.models import Arena
from arena.models import User
from tests.visitor import JSON, Visitor


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def page_of(visitor: Visitor, query: str = "") -> str:
    response = visitor.client.get(f"/ballots/{query}")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return str(response.content.decode())


def retract(visitor: Visitor, ballot: Ballot, **options: Any) -> Any:
    return visitor.client.post(f"/ballots/{ballot.public_id}/retract/", **options)


def test_a_stranger_is_told_how_to_get_one_and_becomes_no_voter(db: None, visitor: Visitor) -> None:
    assert "None so far" in page_of(visitor)
    assert not visitor.client.cookies


def test_own_ballots_are_listed_the_latest_first(ready_arena: Arena, visitor: Visitor) -> None:
    first, second = visitor.vote(ready_arena, 1, 2, 3, 4), visitor.vote(ready_arena, None, 1, None, None)
    Visitor().vote(ready_arena)
    html = page_of(visitor)

    assert html.count('class="own-ballot"') == 2
    assert html.index(str(second.public_id)) < html.index(str(first.public_id))
    assert "You ranked all 4." in html
    assert "You ranked 1 of 4" in html
    assert ready_arena.name in html
    assert first.prompt is not None
    assert first.prompt.text in html


def test_a_skipped_or_open_battle_is_no_ballot(ready_arena: Arena, visitor: Visitor) -> None:
    visitor.skip(ready_arena, visitor.open(ready_arena))
    visitor.open(ready_arena)

    assert "None so far" in page_of(visitor)


def test_long_lists_have_pages(ready_arena: Arena, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.ballots.views._ON_A_PAGE", 2)
    ballots = [visitor.vote(ready_arena) for _ in range(5)]

    assert "Page 1 of 3" in page_of(visitor)
    assert str(ballots[0].public_id) in page_of(visitor, "?page=3")
    for odd in ("?page=99", "?page=-1", "?page=x"):
        assert "of 3" in page_of(visitor, odd)


def test_the_list_costs_the_same_however_long_it_is(
    ready_arena: Arena, visitor: Visitor, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        visitor.vote(ready_arena)
    with django_assert_max_num_queries(4):
        page_of(visitor)


def test_an_arena_that_has_become_private_is_left_out(ready_arena: Arena, visitor: Visitor) -> None:
    visitor.vote(ready_arena)
    Arena.objects.update(visibility="private")

    assert ready_arena.name not in page_of(visitor)


def test_a_retracted_ballot_counts_no_more_and_says_so(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena, 1, 2, 3, 4)
    before = evidence_watermark(ready_arena.pk)
    response = retract(visitor, ballot)

    assert response.status_code == 303
    assert response["Location"] == f"/ballots/{ballot.public_id}/"
    assert list(Ballot.objects.countable(before)) == [ballot]
    assert not Ballot.objects.countable(evidence_watermark(ready_arena.pk)).exists()
    revealed = visitor.client.get(response["Location"]).content.decode()
    assert "Retracted: not counted." in revealed
    assert "Retract this ballot" not in revealed
    assert "Retracted: not counted." in page_of(visitor)


def test_retracting_twice_is_retracting_once(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    retract(visitor, ballot)

    assert retract(visitor, ballot).status_code == 303
    assert Ballot.objects.filter(retracts=True).count() == 1


def test_a_retracted_battle_takes_no_other_ballot(ready_arena: Arena, visitor: Visitor) -> None:
    page = visitor.open(ready_arena)
    visitor.submit(ready_arena, page, 1, 2, 3, 4)
    retract(visitor, Ballot.objects.get())
    response = visitor.submit(ready_arena, page, 4, 3, 2, 1)

    assert response.status_code == 303
    assert list(Ballot.objects.filter(retracts=False).values_list("ranks", flat=True)) == [[1, 2, 3, 4]]
    assert "Retracted: not counted." in visitor.client.get(response["Location"]).content.decode()


def test_nobody_retracts_the_ballot_of_somebody_else(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    stranger = Visitor()
    stranger.open(ready_arena)

    assert retract(stranger, ballot).status_code == 404
    assert Client().post(f"/ballots/{ballot.public_id}/retract/").status_code == 403
    assert retract(visitor, ballot, headers=JSON).status_code == 303
    assert stranger.client.get(f"/ballots/{ballot.public_id}/retract/").status_code == 405


def test_an_account_finds_its_ballots_in_any_browser(ready_arena: Arena) -> None:
    user = User.objects.create_user("ada")
    here, there = Visitor(), Visitor()
    here.client.force_login(user)
    there.client.force_login(user)
    ballot = here.vote(ready_arena)

    assert str(ballot.public_id) in page_of(there)
    assert retract(there, ballot).status_code == 303
