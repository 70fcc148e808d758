"""Reporting an output: by whom it was shown to, once for each kind, without a word to the ballots."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from arena.ballots.actions import cast_ballot
from arena.ballots.judgements import Judgement
from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.flags.actions import settle_flags
from arena.flags.models import Flag, FlagState
from arena.generation.models import CandidateState
from arena.models import User
from tests.threads import meanwhile, wait_until_somebody_waits_for_a_lock
from tests.visitor import FRAGMENT, Visitor, VotePage


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def page(ready_arena: Arena, visitor: Visitor) -> VotePage:
    return visitor.open(ready_arena)


def report(visitor: Visitor, arena: Arena, page: VotePage, headers: Any = None, **said: str) -> Any:
    form = {"battle": page.token, "letter": "B", "kind": "unsafe", "note": ""} | said
    return visitor.client.post(f"/arenas/{arena.slug}/reports/", form, headers=headers)


def test_a_report_names_the_slot_and_leaves_the_battle_alone(
    ready_arena: Arena, visitor: Visitor, page: VotePage
) -> None:
    response = report(visitor, ready_arena, page, note="a logo\x00 in the corner ")

    assert response.status_code == 200
    assert "Reported" in response.content.decode()
    flag = Flag.objects.get()
    assert (flag.slot.battle, flag.slot.position) == (page.battle, 1)
    assert (flag.kind, flag.note, flag.state, flag.after_ballot) == (
        "unsafe",
        "a logo in the corner",
        FlagState.OPEN,
        False,
    )
    assert flag.voter == page.battle.voter
    assert page.battle.state == BattleState.OPEN
    assert not Ballot.objects.exists()


def test_after_the_ballot_it_is_known_that_the_voter_knew(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    revealed = visitor.submit(ready_arena, page, 1, 2, 3, 4, headers=FRAGMENT).content.decode()
    assert f"/arenas/{ready_arena.slug}/reports/?battle=" in revealed
    report(visitor, ready_arena, page)

    assert Flag.objects.get().after_ballot


def test_the_same_report_twice_is_one(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    for note in ("", "first", "second"):
        assert report(visitor, ready_arena, page, note=note).status_code == 200
    report(visitor, ready_arena, page, kind="broken")

    assert sorted((flag.kind, flag.note) for flag in Flag.objects.all()) == [("broken", ""), ("unsafe", "first")]


@pytest.mark.parametrize("headers", [None, FRAGMENT], ids=["plain", "htmx"])
def test_the_form_offers_the_letters_of_the_battle_and_names_nobody(
    ready_arena: Arena, visitor: Visitor, page: VotePage, headers: Any
) -> None:
    response = visitor.client.get(f"/arenas/{ready_arena.slug}/reports/", {"battle": page.token}, headers=headers or {})
    html = response.content.decode()

    assert response.status_code == 200
    assert html.count("<option>") == 4
    assert ("<!doctype html>" in html) == (headers is None)
    for slot in page.battle.slots.select_related("candidate__revision__contestant"):
        assert slot.candidate.revision.contestant.name not in html
        assert str(slot.candidate.public_id) not in html


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"letter": "E"}, "Say which candidate you mean"),
        ({"letter": "AB"}, "Say which candidate you mean"),
        ({"letter": ""}, "Say which candidate you mean"),
        ({"kind": "ugly"}, "'ugly' is no kind of report"),
        ({"note": "x" * 501}, "has 501 characters; 500 are allowed"),
        ({"battle": "forged"}, "was not made by this server"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(
    ready_arena: Arena, visitor: Visitor, page: VotePage, said: Any, words: str
) -> None:
    response = report(visitor, ready_arena, page, **said)

    assert response.status_code == 400
    assert words in response.content.decode().replace("&#x27;", "'")
    assert not Flag.objects.exists()


def test_only_who_was_shown_it_reports_it(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    stranger = Visitor()
    stranger.open(ready_arena)
    path = f"/arenas/{ready_arena.slug}/reports/"

    assert report(stranger, ready_arena, page).status_code == 403
    assert stranger.client.get(path, {"battle": page.token}).status_code == 403
    assert Client().get(path, {"battle": page.token}).status_code == 403
    assert visitor.client.get(path).status_code == 400
    assert not Flag.objects.exists()


class TestStaff:
    def settle(self, superuser: Client, action: str, *flags: Flag) -> Any:
        form = {"action": action, "_selected_action": [flag.pk for flag in flags]}
        return superuser.post("/admin/arena/flag/", form, follow=True)

    def test_upholding_takes_the_output_out_of_battles_open_and_to_come(
        self, ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client,
        django_capture_on_commit_callbacks: Any,
    ) -> None:  # fmt: skip
        report(visitor, ready_arena, page)
        flag = Flag.objects.get()
        with django_capture_on_commit_callbacks(execute=True):
            answer = self.settle(superuser, "uphold", flag)

        assert "1 upheld." in answer.content.decode()
        flag.refresh_from_db()
        assert (flag.state, flag.settled_by) == (FlagState.UPHELD, User.objects.get(username="grace"))
        assert flag.slot.candidate.state == CandidateState.WITHDRAWN
        assert (page.battle.state, page.battle.skip_reason) == (BattleState.VOID, "withdrawn")
        assert visitor.submit(ready_arena, page, 1, 2, 3, 4).status_code == 409
        assert not Ballot.objects.exists()
        for _ in range(12):
            other = Visitor().open(ready_arena).battle
            assert flag.slot.candidate not in [slot.candidate for slot in other.slots.all()]

    def test_a_ballot_that_was_cast_stands(
        self, ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client
    ) -> None:
        visitor.submit(ready_arena, page, 1, 2, 3, 4)
        report(visitor, ready_arena, page)
        self.settle(superuser, "uphold", Flag.objects.get())

        assert page.battle.state == BattleState.VOTED
        assert Ballot.objects.filter(supersedes=None).count() == 1

    def test_dismissing_leaves_everything(
        self, ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client
    ) -> None:
        report(visitor, ready_arena, page)
        self.settle(superuser, "dismiss", Flag.objects.get())

        assert Flag.objects.get().state == FlagState.DISMISSED
        assert Flag.objects.get().slot.candidate.state == CandidateState.READY
        assert page.battle.state == BattleState.OPEN

    def test_what_was_settled_stays_as_it_is(
        self, ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client
    ) -> None:
        report(visitor, ready_arena, page)
        flag, grace = Flag.objects.get(), User.objects.get(username="grace")
        assert settle_flags(flags=[flag.pk], by=grace, uphold=False) == 1
        answer = self.settle(superuser, "uphold", flag)

        assert "0 upheld. 1 had been settled before." in answer.content.decode()
        flag.refresh_from_db()
        assert flag.state == FlagState.DISMISSED
        assert flag.slot.candidate.state == CandidateState.READY

    def test_who_may_only_look_cannot_settle(self, ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
        from django.contrib.auth.models import Permission

        report(visitor, ready_arena, page)
        looker = User.objects.create_user("looker", is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_flag"))
        client = Client()
        client.force_login(looker)
        assert client.get("/admin/arena/flag/").status_code == 200
        self.settle(client, "uphold", Flag.objects.get())

        assert Flag.objects.get().state == FlagState.OPEN

    def test_it_is_in_the_log_who_settled_what(
        self, ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client
    ) -> None:
        from django.contrib.admin.models import LogEntry

        report(visitor, ready_arena, page)
        self.settle(superuser, "uphold", Flag.objects.get())

        assert "upheld" in LogEntry.objects.get().get_change_message()


def test_a_battle_that_is_void_by_then_takes_a_report_too(ready_arena: Arena, visitor: Visitor, page: VotePage) -> None:
    Battle.objects.update(state=BattleState.VOID)

    assert report(visitor, ready_arena, page).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_ballot_that_is_being_cast_is_waited_for_and_stands(
    ready_arena: Arena, visitor: Visitor, page: VotePage, superuser: Client
) -> None:
    report(visitor, ready_arena, page)
    flag, grace, voter = Flag.objects.get(), User.objects.get(username="grace"), page.battle.voter

    with transaction.atomic():
        cast_ballot(voter=voter, token=page.token, judgement=Judgement((1, 2, 3, 4)))
        waiting = meanwhile(lambda: settle_flags(flags=[flag.pk], by=grace, uphold=True))
        settled = waiting.__enter__()
        wait_until_somebody_waits_for_a_lock()
    waiting.__exit__(None, None, None)

    assert settled.result() == 1
    assert page.battle.state == BattleState.VOTED
    assert Ballot.objects.countable(Ballot.objects.latest("pk").pk).exists()
