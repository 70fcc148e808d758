"""The first visit of an account to the vote page, alone and with a second tab that is always a step ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arena.battles.models import Battle, BattleSlot
from arena.catalogue.models import Arena
from arena.models import User
from arena.voters.models import Voter, VoterKind
from tests.threads import at_once
from tests.visitor import Visitor

MOST_QUERIES = 8
NO_QUESTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT", "ROLLBACK")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> Visitor:
    """Somebody signed in who has never voted."""
    visitor = Visitor()
    visitor.client.force_login(User.objects.create_user("ada"))
    return visitor


def second_tab(visitor: Visitor) -> Visitor:
    tab = Visitor()
    tab.client = Client()
    tab.client.cookies.update(visitor.client.cookies)
    return tab


def asked(context: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in context.captured_queries]
    return [sql for sql in statements if not sql.startswith(NO_QUESTIONS)]


@contextmanager
def first(act: Callable[[], Any], *, before: str) -> Iterator[None]:
    """Let another connection do something just before this one first says `before` to the database."""
    waiting = [act]

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if waiting and sql.startswith(before):
            at_once(waiting.pop())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield
    assert not waiting, f"nothing began with {before!r}"


@pytest.mark.parametrize("session_cached", [True, False])
def test_alone_it_asks_at_most_eight_times(ready_arena: Arena, ada: Visitor, session_cached: bool) -> None:
    if not session_cached:
        cache.clear()
    with CaptureQueriesContext(connection) as context:
        assert ada.open(ready_arena).rank_fields

    assert len(asked(context)) <= MOST_QUERIES, "\n".join(asked(context))


@pytest.mark.parametrize("overtaken_at", ["the voter", "the battle", "both"])
def test_with_two_tabs_at_once_it_asks_at_most_eight_times_and_both_show_one_battle(
    ready_arena: Arena, ada: Visitor, overtaken_at: str
) -> None:
    other = second_tab(ada)
    elsewhere = Arena.objects.create(slug="empty", name="Empty", modality="image")
    voter, battle = "INSERT INTO arena_voter", 'INSERT INTO "arena_battle"'
    with ExitStack() as ahead, CaptureQueriesContext(connection) as context:
        if overtaken_at == "the voter":
            ahead.enter_context(first(lambda: other.open(ready_arena), before=voter))
        if overtaken_at == "both":
            ahead.enter_context(first(lambda: other.open(elsewhere), before=voter))
        if overtaken_at in {"the battle", "both"}:
            ahead.enter_context(first(lambda: other.open(ready_arena), before=battle))
        page = ada.open(ready_arena)

    assert len(asked(context)) <= MOST_QUERIES, "\n".join(asked(context))
    assert page.rank_fields
    assert page.media_urls == other.open(ready_arena).media_urls
    assert (Battle.objects.count(), BattleSlot.objects.count()) == (1, 4)
    made = Voter.objects.get()
    assert (made.kind, made.user, made.external_id, made.arena) == (VoterKind.ACCOUNT, User.objects.get(), "", None)
