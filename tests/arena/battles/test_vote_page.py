"""The vote page as a page: what it costs, that it works as a plain form, and what a browser may do with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.battles.models import Battle, BattleSlot, BattleState
from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.models import User
from arena.prompts.models import Prompt
from arena.voters.models import Voter
from tests.clock import Clock
from tests.visitor import FRAGMENT, Visitor

MOST_QUERIES = 8  # a vote page is the hottest page there is
MOST_TRANSACTIONS = 2  # making an account's voter, and opening a battle


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """Counts what is asked of the database; the words that begin and end a transaction are not questions."""
    with CaptureQueriesContext(connection) as context:
        yield
    asked = [query["sql"] for query in context.captured_queries]
    transactions = [sql for sql in asked if sql.startswith("SAVEPOINT")]  # what a test has for BEGIN
    asked = [sql for sql in asked if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT"))]
    assert len(asked) <= most, "\n".join(asked)
    assert len(transactions) <= MOST_TRANSACTIONS


@dataclass(frozen=True)
class Past:
    """What a visitor has done in an arena before the page is counted."""

    visitor: Visitor
    arena: Arena
    clock: Clock

    def first_visit(self) -> None:
        pass

    def open_battle(self) -> None:
        self.visitor.open(self.arena)

    def some_ballots(self) -> None:
        for _ in range(3):
            self.visitor.vote(self.arena)

    def overdue_battle(self) -> None:
        self.visitor.vote(self.arena)
        self.visitor.open(self.arena)
        self.clock.advance(minutes=settings.BATTLE_MINUTES, seconds=1)

    def every_battle_seen(self) -> None:
        Arena.objects.update(battle_size=6)
        for _ in range(Prompt.objects.count()):
            self.visitor.vote(self.arena)

    def overdue_battle_and_every_one_seen(self) -> None:
        self.every_battle_seen()
        Battle.objects.filter(pk=Battle.objects.latest("pk").pk).update(
            state=BattleState.OPEN, expires_at=self.clock.now()
        )
        self.clock.advance(seconds=1)

    def nothing_ready(self) -> None:
        Candidate.objects.update(state=CandidateState.QUEUED)


BATTLE_SHOWN = [Past.first_visit, Past.open_battle, Past.some_ballots, Past.overdue_battle]
NO_BATTLE_LEFT = [Past.every_battle_seen, Past.overdue_battle_and_every_one_seen, Past.nothing_ready]
BY_WHOM = ["anonymous", "account", "account, session not in the cache"]


class TestCostsAtMostEightQueries:
    @pytest.mark.parametrize("who", BY_WHOM)
    @pytest.mark.parametrize("past", BATTLE_SHOWN + NO_BATTLE_LEFT, ids=lambda past: past.__name__)
    def test_whoever_comes_and_whatever_they_did_before(
        self, ready_arena: Arena, clock: Clock, who: str, past: Callable[[Past], None]
    ) -> None:
        visitor = Visitor()
        if who != "anonymous":
            visitor.client.force_login(User.objects.create_user("ada"))
        past(Past(visitor, ready_arena, clock))
        if who.endswith("not in the cache"):
            cache.clear()

        with at_most(MOST_QUERIES):
            page = visitor.open(ready_arena)

        assert bool(page.rank_fields) == (past in BATTLE_SHOWN)
        assert "waiting-title" in page.html or past in BATTLE_SHOWN

    def test_for_a_browser_whose_voter_is_gone(self, ready_arena: Arena) -> None:
        visitor = Visitor()
        visitor.open(ready_arena)
        BattleSlot.objects.all().delete()
        Battle.objects.all().delete()
        Voter.objects.all().delete()
        with at_most(MOST_QUERIES):
            assert visitor.open(ready_arena).rank_fields

    def test_for_htmx(self, ready_arena: Arena) -> None:
        visitor = Visitor()
        visitor.vote(ready_arena)
        with at_most(MOST_QUERIES):
            assert visitor.open(ready_arena, **FRAGMENT).rank_fields

    def test_and_no_more_with_larger_battles(self, ready_arena: Arena) -> None:
        Arena.objects.update(battle_size=6)
        with at_most(MOST_QUERIES):
            assert len(Visitor().open(ready_arena).rank_fields) == 6

    def test_in_an_arena_that_has_nothing(self, arena: Arena) -> None:
        with at_most(MOST_QUERIES):
            assert Visitor().open(arena).response.status_code == 200


def test_a_picture_costs_one_query(ready_arena: Arena, django_assert_num_queries: Any) -> None:
    visitor = Visitor()
    url = visitor.open(ready_arena).media_urls[0]

    with django_assert_num_queries(1):
        response = visitor.client.get(url)
    assert response["Content-Type"] == "image/webp"
    assert "private" in response["Cache-Control"]
    assert "immutable" in response["Cache-Control"]


def test_the_form_works_without_javascript(ready_arena: Arena) -> None:
    """What the browser sends by itself: the untouched form with one select changed and the button pressed."""
    visitor = Visitor(enforce_csrf_checks=True)
    page = visitor.open(ready_arena)
    form = page.fields | {"rank_b": "1", "verdict": "ranked"}
    action = re.search(r'<form class="ballot" method="post" action="([^"]+)"', page.html)
    assert action is not None

    assert visitor.client.post(action[1], form).status_code == 303


def test_skipping_works_without_javascript(ready_arena: Arena) -> None:
    visitor = Visitor(enforce_csrf_checks=True)
    page = visitor.open(ready_arena)
    action = re.search(r'data-act="skip" formaction="([^"]+)"', page.html)
    assert action is not None

    assert visitor.client.post(action[1], page.fields).status_code == 303


def test_every_place_can_be_chosen_for_every_slot(ready_arena: Arena) -> None:
    html = Visitor().open(ready_arena).html

    for select in re.findall(r"<select id=\"rank_.*?</select>", html, re.DOTALL):
        assert re.findall(r'<option value="(\d*)">', select) == ["", "1", "2", "3", "4"]


def test_the_prompt_is_shown_as_text(ready_arena: Arena) -> None:
    Prompt.objects.update(text="<script>alert(1)</script> & more")
    html = Visitor().open(ready_arena).html

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert "<script>alert" not in html


def test_htmx_gets_the_battle_alone_and_a_restored_history_the_whole_page(ready_arena: Arena) -> None:
    visitor = Visitor()
    fragment = visitor.open(ready_arena, **FRAGMENT).html
    restored = visitor.open(ready_arena, **FRAGMENT, **{"HX-History-Restore-Request": "true"}).html

    assert fragment.lstrip().startswith('<section id="battle"')
    assert "<html" not in fragment
    assert restored.startswith("<!doctype html>")


def test_it_is_kept_by_no_cache_on_the_way(ready_arena: Arena) -> None:
    control = Visitor().open(ready_arena).response["Cache-Control"]

    assert {"no-store", "private"} <= set(control.split(", "))


def test_a_post_to_it_is_refused(ready_arena: Arena) -> None:
    assert Visitor().client.post("/arenas/prints/vote/").status_code == 405


def test_an_unknown_arena_is_a_clear_404(ready_arena: Arena) -> None:
    ready_arena.slug = "nowhere"
    page = Visitor().open(ready_arena)

    assert page.response.status_code == 404
    assert "There is no arena called &#x27;nowhere&#x27;" in page.html


def test_a_private_arena_is_staffs_alone(ready_arena: Arena) -> None:
    Arena.objects.update(visibility="private")
    stranger, member, staff = Visitor(), Visitor(), Visitor()
    member.client.force_login(User.objects.create_user("ada"))
    staff.client.force_login(User.objects.create_user("grace", is_staff=True))

    assert stranger.open(ready_arena).response.status_code == 404
    assert member.open(ready_arena).response.status_code == 404
    assert staff.open(ready_arena).response.status_code == 200


def test_an_unlisted_arena_is_open_to_whoever_has_the_link(ready_arena: Arena) -> None:
    Arena.objects.update(visibility="unlisted")

    assert Visitor().open(ready_arena).response.status_code == 200
    assert "Prints" not in Visitor().client.get("/").content.decode()


@pytest.mark.parametrize("token", ["00000000-0000-0000-0000-000000000000", "nonsense"])
def test_a_picture_that_is_not_there_is_a_404(ready_arena: Arena, token: str) -> None:
    assert Visitor().client.get(f"/media/{token}/").status_code == 404
