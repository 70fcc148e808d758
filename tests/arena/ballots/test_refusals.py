"""What is refused: each as a page, as an htmx fragment and as problem+json, and each without leaving a trace."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core import signing

from arena.ballots.actions import cast_ballot
from arena.ballots.judgements import BadJudgement, Judgement
from arena.ballots.models import Ballot
from arena.battles.models import Battle
from arena.catalogue.models import Arena
from arena.voters.identity import COOKIE
from arena.voters.models import Voter
from tests.clock import Clock
from tests.visitor import FRAGMENT, JSON, Visitor, VotePage

PAGE: dict[str, str] = {}


@dataclass
class Situation:
    """A voter with an open battle, about to send a ballot that must be refused."""

    arena: Arena
    visitor: Visitor
    page: VotePage
    clock: Clock

    def send(self, headers: dict[str, str], *ranks: Any, **changes: Any) -> Any:
        return self.visitor.submit(self.arena, self.page, *ranks, headers=headers, **changes)


@pytest.fixture
def situation(ready_arena: Arena, clock: Clock) -> Situation:
    visitor = Visitor()
    return Situation(ready_arena, visitor, visitor.open(ready_arena), clock)


Sending = Callable[[Situation, dict[str, str]], Any]


def by_another_voter(situation: Situation, headers: dict[str, str]) -> Any:
    stranger = Visitor()
    stranger.open(situation.arena)
    return stranger.submit(situation.arena, situation.page, 1, 2, 3, 4, headers=headers)


def without_the_cookie(situation: Situation, headers: dict[str, str]) -> Any:
    del situation.visitor.client.cookies[COOKIE]
    return situation.send(headers, 1, 2, 3, 4)


def after_it_expired(situation: Situation, headers: dict[str, str]) -> Any:
    situation.clock.advance(minutes=settings.BATTLE_MINUTES, seconds=1)
    return situation.send(headers, 1, 2, 3, 4)


def after_a_reload_replaced_it(situation: Situation, headers: dict[str, str]) -> Any:
    situation.clock.advance(minutes=settings.BATTLE_MINUTES, seconds=1)
    situation.visitor.open(situation.arena)
    return situation.send(headers, 1, 2, 3, 4)


def after_skipping_it(situation: Situation, headers: dict[str, str]) -> Any:
    situation.visitor.skip(situation.arena, situation.page)
    return situation.send(headers, 1, 2, 3, 4)


def with_the_token_of_no_battle(situation: Situation, headers: dict[str, str]) -> Any:
    voter = Voter.objects.get()
    token = signing.dumps([uuid.uuid4().hex, voter.public_id.hex], salt="arena.battle", compress=True)
    return situation.send(headers, 1, 2, 3, 4, token=token)


def signed_for_another_voter(situation: Situation, headers: dict[str, str]) -> Any:
    token = signing.dumps([situation.page.battle.public_id.hex, uuid.uuid4().hex], salt="arena.battle", compress=True)
    return situation.send(headers, 1, 2, 3, 4, token=token)


def signed_for_another_purpose(situation: Situation, headers: dict[str, str]) -> Any:
    battle, voter = situation.page.battle, Voter.objects.get()
    token = signing.dumps([battle.public_id.hex, voter.public_id.hex], salt="arena.voter", compress=True)
    return situation.send(headers, 1, 2, 3, 4, token=token)


def to_an_arena_that_is_private(situation: Situation, headers: dict[str, str]) -> Any:
    Arena.objects.update(visibility="private")
    return situation.send(headers, 1, 2, 3, 4)


def to_no_arena(situation: Situation, headers: dict[str, str]) -> Any:
    situation.arena.slug = "nowhere"
    return situation.send(headers, 1, 2, 3, 4)


def to_an_arena_for_accounts(situation: Situation, headers: dict[str, str]) -> Any:
    Arena.objects.update(anonymous_voting=False)
    return situation.send(headers, 1, 2, 3, 4)


def with_a_get(situation: Situation, headers: dict[str, str]) -> Any:
    return situation.visitor.client.get(f"/arenas/{situation.arena.slug}/ballots/", headers=headers)


def without_the_csrf_token(situation: Situation, headers: dict[str, str]) -> Any:
    situation.visitor.client.handler.enforce_csrf_checks = True
    return situation.send(headers, 1, 2, 3, 4, csrfmiddlewaretoken=None)


def with_a_foreign_csrf_token(situation: Situation, headers: dict[str, str]) -> Any:
    situation.visitor.client.handler.enforce_csrf_checks = True
    return situation.send(headers, 1, 2, 3, 4, csrfmiddlewaretoken="x" * 64)


def form(*ranks: Any, **changes: Any) -> Sending:
    return lambda situation, headers: situation.send(headers, *ranks, **changes)


# name -> how it is sent, status, code, words of the message
REFUSED: dict[str, tuple[Sending, int, str, str]] = {
    "no token": (form(1, token=None), 400, "battle_token_invalid", "not made by this server"),
    "an empty token": (form(1, token=""), 400, "battle_token_invalid", "not made by this server"),
    "a forged token": (form(1, token="WyJh:1x:y"), 400, "battle_token_invalid", "not made by this server"),
    "a token in no alphabet": (form(1, token="ж:é:☃"), 400, "battle_token_invalid", "not made by this server"),
    "a token for another purpose": (signed_for_another_purpose, 400, "battle_token_invalid", "Open a new battle"),
    "a token of no battle": (with_the_token_of_no_battle, 400, "battle_token_invalid", "no longer exists"),
    "a token for another voter": (signed_for_another_voter, 403, "battle_of_another_voter", "somebody else"),
    "another voter": (by_another_voter, 403, "battle_of_another_voter", "somebody else"),
    "no cookie": (without_the_cookie, 403, "not_allowed", "Allow cookies"),
    "an expired battle": (after_it_expired, 410, "battle_expired", "nothing was counted"),
    "a battle that was replaced": (after_a_reload_replaced_it, 410, "battle_expired", "nothing was counted"),
    "a skipped battle": (after_skipping_it, 409, "battle_closed", "You skipped this battle"),
    "a slot named twice": (form(1, rank_b=["1", "2"]), 400, "judgement_invalid", "names slot B twice"),
    "too few ranks": (form(1, rank_d=None), 400, "judgement_invalid", "has 4 candidates, the ballot 3 ranks"),
    "too many ranks": (form(1, rank_e="2"), 400, "judgement_invalid", "has 4 candidates, the ballot 5 ranks"),
    "a gap between the slots": (form(1, rank_b=None), 400, "judgement_invalid", "'rank_d', which follows no"),
    "a slot that cannot be": (form(1, rank_z="2"), 400, "judgement_invalid", "'rank_z', which follows no"),
    "rank 0": (form(0, 1), 400, "judgement_invalid", "Rank 0 is outside 1 to 4"),
    "a rank beyond the last": (form(1, 5), 400, "judgement_invalid", "Rank 5 is outside 1 to 4"),
    "a rank beyond the first": (form(1, -5), 400, "judgement_invalid", "Rank -5 is outside 1 to 4"),
    "an enormous rank": (form("9" * 400), 400, "judgement_invalid", "is outside 1 to 4"),
    "a fraction": (form("1.5"), 400, "judgement_invalid", "must be a whole number or empty"),
    "a word": (form("best"), 400, "judgement_invalid", "The rank of slot A is 'best'"),
    "nothing ranked": (form(), 400, "judgement_invalid", "No candidate is ranked"),
    "an unknown verdict": (form(1, verdict="maybe"), 400, "judgement_invalid", "'maybe' is neither"),
    "no CSRF token": (without_the_csrf_token, 403, "csrf", "nothing was recorded"),
    "a foreign CSRF token": (with_a_foreign_csrf_token, 403, "csrf", "nothing was recorded"),
    "an unknown arena": (to_no_arena, 404, "not_found", "no arena called &#x27;nowhere&#x27;"),
    "a private arena": (to_an_arena_that_is_private, 404, "not_found", "no arena called"),
    "an arena for accounts": (to_an_arena_for_accounts, 403, "not_allowed", "signed-in voters only"),
    "a GET": (with_a_get, 405, "method_not_allowed", "POST"),
}
cases = pytest.mark.parametrize(
    ("send", "status", "code", "words"),
    [pytest.param(*case, id=name) for name, case in REFUSED.items()],
)


def assert_nothing_recorded(situation: Situation, callbacks: list[Any]) -> None:
    assert not Ballot.objects.exists()
    assert callbacks == []
    assert Battle.objects.get(pk=situation.page.battle.pk).state in {"open", "expired", "skipped"}
    assert not Battle.objects.filter(state="voted").exists()


def escaped(words: str) -> str:
    return words.replace("'", "&#x27;").replace("&amp;", "&")


@cases
def test_it_is_refused_with_a_page(
    situation: Situation, send: Sending, status: int, code: str, words: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        response = send(situation, PAGE)

    html = response.content.decode()
    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert html.startswith("<!doctype html>")
    assert escaped(words) in html
    assert re.search(r'<a class="button primary" href="/[^"]*"', html), "a way on"
    assert_nothing_recorded(situation, callbacks)


@cases
def test_it_is_refused_with_a_fragment_for_htmx(
    situation: Situation, send: Sending, status: int, code: str, words: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        response = send(situation, FRAGMENT)

    html = response.content.decode()
    assert response.status_code == status
    assert html.startswith('<section id="battle"'), "it takes the place of the battle"
    assert "<html" not in html
    assert escaped(words) in html
    assert_nothing_recorded(situation, callbacks)


@cases
def test_it_is_refused_with_a_problem_for_programs(
    situation: Situation, send: Sending, status: int, code: str, words: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        response = send(situation, JSON)

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert set(problem) == {"type", "status", "title", "detail", "code"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert words.replace("&#x27;", "'") in problem["detail"]
    assert_nothing_recorded(situation, callbacks)


def test_a_405_says_what_is_allowed(situation: Situation) -> None:
    assert with_a_get(situation, PAGE)["Allow"] == "POST"


def test_after_a_refusal_the_same_battle_still_takes_a_good_ballot(situation: Situation) -> None:
    assert situation.send(PAGE).status_code == 400
    assert situation.visitor.open(situation.arena).battle == situation.page.battle
    assert situation.send(PAGE, 1, 2, 3, 4).status_code == 303


def test_the_second_ballot_of_another_voter_on_a_voted_battle_changes_nothing(situation: Situation) -> None:
    situation.send(PAGE, 1, 2, 3, 4)

    response = by_another_voter(situation, PAGE)
    assert response.status_code == 403
    assert Ballot.objects.get().ranks == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement((1, None, None, None), all_bad=True),
        Judgement((None,) * 4),
        Judgement((1, 2)),
        Judgement((1, 2, 3, 4, 5)),
        Judgement((0, 1, 2, 3)),
        Judgement((1, 2, 3, 5)),
        Judgement((1, None, None, None), strength=4),
        Judgement((1, None, None, None), strength=0),
    ],
    ids=str,
)
def test_a_program_that_skips_the_form_is_held_to_the_same_rules(situation: Situation, judgement: Judgement) -> None:
    with pytest.raises(BadJudgement):
        cast_ballot(voter=Voter.objects.get(), token=situation.page.token, judgement=judgement)
    assert not Ballot.objects.exists()


def test_a_token_counts_only_at_its_own_arenas_address(situation: Situation) -> None:
    Arena.objects.create(slug="other", name="Other")
    response = situation.visitor.client.post("/arenas/other/ballots/", situation.page.fields | {"rank_a": "1"})

    assert response.status_code in {400, 403, 404}
    assert not Ballot.objects.exists()
