"""A ballot is recorded once, as it was sent, and everybody who must know is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from arena.ballots.actions import cast_ballot
from arena.ballots.judgements import Judgement
from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.events import ballots_changed
from arena.models import User
from arena.voters.models import Voter, VoterKind
from tests.clock import Clock
from tests.threads import at_once, meanwhile, wait_until_somebody_waits_for_a_lock
from tests.visitor import FRAGMENT, Visitor

Capture = Callable[..., Any]


@pytest.fixture
def announced() -> Iterator[list[int]]:
    """The arenas whose ballots were said to have changed."""
    heard: list[int] = []

    def listener(sender: Any, arena_id: int, **kwargs: Any) -> None:
        heard.append(arena_id)

    ballots_changed.connect(listener)
    yield heard
    ballots_changed.disconnect(listener)


@pytest.fixture
def visitor(ready_arena: Arena) -> Visitor:
    return Visitor()


def contestants_of(battle: Battle) -> list[int]:
    return list(battle.slots.order_by("position").values_list("candidate__revision__contestant_id", flat=True))


def test_a_ballot_is_recorded_as_it_was_sent(
    ready_arena: Arena, visitor: Visitor, announced: list[int], django_capture_on_commit_callbacks: Capture
) -> None:
    page = visitor.open(ready_arena)
    with django_capture_on_commit_callbacks(execute=True):
        visitor.submit(ready_arena, page, 2, 1, None, 2, duration_ms="4200")

    ballot, battle = Ballot.objects.get(), page.battle
    assert (ballot.arena, ballot.battle, ballot.prompt) == (ready_arena, battle, battle.prompt)
    assert (ballot.voter, ballot.voter_kind) == (Voter.objects.get(), VoterKind.PUBLIC)
    assert ballot.protocol == ready_arena.protocol
    assert ballot.contestants == contestants_of(battle)
    assert ballot.ranks == [2, 1, None, 2]
    assert (ballot.all_bad, ballot.strength, ballot.weight) == (False, None, 1.0)
    assert ballot.categories == battle.prompt.categories
    assert ballot.duration_ms == 4200
    assert (ballot.supersedes, ballot.retracts, ballot.external_id) == (None, False, "")
    assert battle.state == BattleState.VOTED
    assert battle.closed_at is not None
    assert announced == [ready_arena.pk]


@pytest.mark.parametrize(
    "ranks",
    [(1, 2, 3, 4), (4, 3, 2, 1), (1, 1, 1, 1), (None, 1, None, None), (1, None, None, -1), (-2, -1, 1, None)],
    ids=["order", "reverse", "all-tied", "best-only", "best-and-worst", "from-both-ends"],
)
def test_every_kind_of_judgement_is_kept_aligned_with_the_slots(
    ready_arena: Arena, visitor: Visitor, ranks: tuple[int | None, ...]
) -> None:
    assert visitor.vote(ready_arena, *ranks).ranks == list(ranks)


def test_all_bad_ranks_nobody_whatever_was_chosen_before_it_was_pressed(ready_arena: Arena, visitor: Visitor) -> None:
    response = visitor.submit(ready_arena, visitor.open(ready_arena), 1, 2, verdict="all_bad")

    ballot = Ballot.objects.get()
    assert response.status_code == 303
    assert ballot.all_bad
    assert ballot.ranks == [None] * 4


@pytest.mark.parametrize(("sent", "kept"), [("", None), ("-5", None), ("soon", None), ("9" * 11, 86_400_000), ("0", 0)])
def test_an_absurd_duration_is_unknown_and_never_a_reason_to_refuse(
    ready_arena: Arena, visitor: Visitor, sent: str, kept: int | None
) -> None:
    visitor.submit(ready_arena, visitor.open(ready_arena), 1, 2, 3, 4, duration_ms=sent)

    assert Ballot.objects.get().duration_ms == kept


def test_without_javascript_the_browser_is_sent_to_the_reveal(ready_arena: Arena, visitor: Visitor) -> None:
    response = visitor.submit(ready_arena, visitor.open(ready_arena), 1, 2, 3, 4)

    assert response.status_code == 303
    assert response["Location"] == f"/ballots/{Ballot.objects.get().public_id}/"
    assert "<!doctype html>" in visitor.client.get(response["Location"]).content.decode()


def test_htmx_gets_the_reveal_itself(ready_arena: Arena, visitor: Visitor) -> None:
    response = visitor.submit(ready_arena, visitor.open(ready_arena), 1, 2, 3, 4, headers=FRAGMENT)

    assert response.status_code == 200
    html = response.content.decode()
    assert html.lstrip().startswith('<section id="battle"')
    assert "<!doctype" not in html


def test_after_the_ballot_comes_another_battle(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    page = visitor.open(ready_arena)

    assert page.battle != ballot.battle
    assert "You have cast 1 ballot." in page.html


def test_an_accounts_ballot_says_so(ready_arena: Arena, visitor: Visitor) -> None:
    visitor.client.force_login(User.objects.create_user("ada"))

    assert visitor.vote(ready_arena).voter_kind == VoterKind.ACCOUNT


def test_sent_again_it_is_the_ballot_that_was_recorded_first(
    ready_arena: Arena, visitor: Visitor, announced: list[int], django_capture_on_commit_callbacks: Capture
) -> None:
    page = visitor.open(ready_arena)
    with django_capture_on_commit_callbacks(execute=True):
        answers = [visitor.submit(ready_arena, page, *ranks) for ranks in [(1, 2, 3, 4), (1, 2, 3, 4), (4, 3, 2, 1)]]

    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer["Location"] for answer in answers}) == 1
    assert Ballot.objects.get().ranks == [1, 2, 3, 4]
    assert announced == [ready_arena.pk]


def test_sent_again_long_after_the_battle_ended_it_is_still_found(
    ready_arena: Arena, visitor: Visitor, clock: Clock
) -> None:
    page = visitor.open(ready_arena)
    visitor.submit(ready_arena, page, 1, 2, 3, 4)
    clock.advance(days=20)

    assert visitor.submit(ready_arena, page, 1, 2, 3, 4).status_code == 303
    assert Ballot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_sent_by_eight_requests_at_once_it_is_recorded_once(
    ready_arena: Arena, visitor: Visitor, announced: list[int]
) -> None:
    page = visitor.open(ready_arena)
    cookies = visitor.client.cookies

    def submit(first: int) -> Any:
        tab = Visitor()
        tab.client.cookies = cookies
        return tab.submit(ready_arena, page, first, None, None, None)

    answers = at_once(*[lambda rank=rank: submit(rank) for rank in (1, 2, 3, 4) * 2])

    assert [answer.status_code for answer in answers] == [303] * 8
    assert len({answer["Location"] for answer in answers}) == 1
    assert Ballot.objects.count() == 1
    assert announced == [ready_arena.pk]


@pytest.mark.django_db(transaction=True)
def test_sent_again_while_the_first_is_being_written_it_waits_and_returns_the_first(
    ready_arena: Arena, visitor: Visitor
) -> None:
    page = visitor.open(ready_arena)
    voter = Voter.objects.get()

    def cast(*ranks: int) -> Ballot:
        return cast_ballot(voter=voter, token=page.token, judgement=Judgement(ranks))

    with transaction.atomic():
        first = cast(1, 2, 3, 4)
        waiting = meanwhile(lambda: cast(4, 3, 2, 1))
        second = waiting.__enter__()
        wait_until_somebody_waits_for_a_lock()
        assert not second.done()
    waiting.__exit__(None, None, None)

    assert second.result() == first
    assert second.result().ranks == [1, 2, 3, 4]
    assert Ballot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_ballot_that_fails_to_be_written_leaves_the_battle_open(
    ready_arena: Arena, visitor: Visitor, announced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visitor.open(ready_arena)

    def fail(*arguments: Any, **keywords: Any) -> None:
        raise RuntimeError("the machine died")

    monkeypatch.setattr(Battle, "save", fail)
    visitor.client.raise_request_exception = False
    assert visitor.submit(ready_arena, page, 1, 2, 3, 4).status_code == 500
    monkeypatch.undo()

    assert not Ballot.objects.exists()
    assert page.battle.state == BattleState.OPEN
    assert announced == []
    assert visitor.submit(ready_arena, page, 1, 2, 3, 4).status_code == 303


def test_a_program_that_wants_json_is_redirected_as_well(ready_arena: Arena, visitor: Visitor) -> None:
    response = visitor.submit(ready_arena, visitor.open(ready_arena), 1, headers={"Accept": "application/json"})

    assert response.status_code == 303


def test_signing_in_between_leaves_the_battle_with_the_anonymous_voter(ready_arena: Arena, visitor: Visitor) -> None:
    page = visitor.open(ready_arena)
    visitor.client.force_login(User.objects.create_user("ada"))

    response = visitor.submit(ready_arena, page, 1, headers={"Accept": "application/json"})
    assert response.status_code == 403
    refusal = json.loads(response.content)
    assert not Ballot.objects.exists()
    assert refusal["code"] in {"battle_of_another_voter", "not_allowed"}
    assert page.battle.state == BattleState.OPEN


def test_only_the_cookie_is_needed_to_vote_from_where_one_left_off(ready_arena: Arena, visitor: Visitor) -> None:
    """The session may be lost (a restart of the cache): the identity is in its own cookie."""
    page = visitor.open(ready_arena)
    later = Visitor()
    later.client = Client()
    later.client.cookies["podium_voter"] = visitor.client.cookies["podium_voter"].value

    assert later.submit(ready_arena, page, 1).status_code == 303
