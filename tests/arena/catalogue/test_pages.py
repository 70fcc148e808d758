"""The front page and an arena's own page: what is listed, for whom, and with which numbers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from arena.ballots.actions import retract_ballot
from arena.catalogue.models import Arena, Contestant, ContestantState
from arena.models import User
from tests.visitor import Visitor


def facts(html: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", html))


def front_page(client: Client | None = None) -> str:
    return (client or Client()).get("/").content.decode()


def test_without_an_arena_it_says_what_to_do(db: None) -> None:
    assert "No arena is open yet" in front_page()
    assert "seed_demo" not in front_page()
    staff = Client()
    staff.force_login(User.objects.create_user("grace", is_staff=True))
    assert "manage.py seed_demo" in front_page(staff)


def test_an_arena_is_listed_with_its_numbers(ready_arena: Arena) -> None:
    for _ in range(2):
        Visitor().vote(ready_arena)
    html = front_page()

    assert "Which print is best?" in html
    assert facts(html) == {"Shows": "image", "Contestants": "6", "Ballots": "2"}


def test_a_ballot_that_was_taken_back_was_cast_all_the_same(ready_arena: Arena) -> None:
    """The number says how often people voted; what counts is on the board."""
    ballot = Visitor().vote(ready_arena)
    assert ballot.voter is not None
    retract_ballot(voter=ballot.voter, ballot=ballot)

    assert facts(front_page())["Ballots"] == "1"


def test_ballots_are_counted_once_in_a_while_and_not_for_each_visitor(
    ready_arena: Arena, django_assert_num_queries: Any
) -> None:
    front_page()
    with django_assert_num_queries(1):
        front_page()
    Visitor().vote(ready_arena)
    cache.clear()
    assert facts(front_page())["Ballots"] == "1"


@pytest.mark.parametrize(
    ("visibility", "listed", "opens"), [("public", True, 200), ("unlisted", False, 200), ("private", False, 404)]
)
def test_visibility(arena: Arena, visibility: str, listed: bool, opens: int) -> None:
    Arena.objects.update(visibility=visibility)

    assert ("Prints" in front_page()) is listed
    assert Client().get("/arenas/prints/").status_code == opens


def test_a_retired_contestant_is_not_counted(ready_arena: Arena, contestants: list[Contestant]) -> None:
    Contestant.objects.filter(pk=contestants[0].pk).update(state=ContestantState.RETIRED)

    assert facts(front_page())["Contestants"] == "5"
    assert facts(Client().get("/arenas/prints/").content.decode())["Contestants"] == "5"


def test_an_arenas_page_leads_to_voting_and_to_the_board(ready_arena: Arena) -> None:
    html = Client().get("/arenas/prints/").content.decode()

    assert 'href="/arenas/prints/vote/"' in html
    assert 'href="/arenas/prints/leaderboard/"' in html
    assert facts(html)["Prompts"] == "3"


def test_names_are_shown_as_text(arena: Arena) -> None:
    Arena.objects.update(name="<b>Prints</b>", description="<script>alert(1)</script>")
    for path in ("/", "/arenas/prints/", "/arenas/prints/vote/", "/arenas/prints/leaderboard/"):
        html = Client().get(path).content.decode()
        assert "<b>Prints" not in html
        assert "<script>alert" not in html


def test_the_way_to_the_admin_is_shown_to_staff(arena: Arena) -> None:
    staff = Client()
    staff.force_login(User.objects.create_user("grace", is_staff=True))

    assert 'href="/admin/"' in front_page(staff)
    assert "/admin/" not in front_page()
