"""The admin of arenas and contestants: settings are checked and confirmed, and the supply is seen and moved."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import Client

from arena.catalogue.actions import settings_warnings
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation.actions import plan_candidates
from arena.generation.backends.registry import backend_names
from arena.generation.models import Candidate, CandidateState
from arena.models import User
from arena.prompts.models import Prompt

ADD_CONTESTANT = "/admin/arena/contestant/add/"
ADD_REVISION = "/admin/arena/contestantrevision/add/"
SERVER = {"base_url": "https://api.example.org/v1", "model": "large"}


@pytest.fixture
def clerk(db: None) -> Client:
    """Staff who may look at everything and change nothing."""
    clerk = User.objects.create_user("ada", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(clerk)
    return client


def contestant_form(arena: Arena, **changed: Any) -> dict[str, Any]:
    fields = {
        "arena": arena.pk, "name": "Umber", "description": "", "organisation": "", "licence": "", "link": "",
        "state": "active", "kept_apart": "a", "battle_weight": "1.0",
        "backend": "painter", "settings": '{"hand": 7}', "note": "first",
    }  # fmt: skip
    return fields | changed


def revision_form(contestant: Contestant, **changed: Any) -> dict[str, Any]:
    return {"contestant": contestant.pk, "backend": "painter", "settings": '{"hand": 7}', "note": ""} | changed


def errors(response: HttpResponse) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors  # type: ignore[attr-defined]
    return found


def digest(response: HttpResponse) -> str:
    """What the box of the warnings sends when it is ticked."""
    found = re.search(r'name="confirmed" value="(\w+)"', response.content.decode())
    assert found is not None
    return found[1]


class TestANewContestant:
    def test_comes_with_its_first_revision(self, superuser: Client, arena: Arena) -> None:
        response = superuser.post(ADD_CONTESTANT, contestant_form(arena))

        assert response.status_code == 302
        contestant = Contestant.objects.get()
        assert (contestant.arena, contestant.name, contestant.kept_apart) == (arena, "Umber", "a")
        revision = contestant.revisions.get()
        assert (revision.number, revision.backend, revision.settings) == (1, "painter", {"hand": 7})
        assert revision.note == "first"

    def test_may_be_of_every_backend_and_of_none(self, superuser: Client, arena: Arena) -> None:
        html = superuser.get(ADD_CONTESTANT).content.decode()
        for name in [*backend_names(), "imported"]:
            assert f'<option value="{name}"' in html

        superuser.post(ADD_CONTESTANT, contestant_form(arena, backend="imported", settings=""))
        assert ContestantRevision.objects.get().settings == {}

    def test_is_shown_what_each_backend_knows(self, superuser: Client, arena: Arena) -> None:
        html = superuser.get(ADD_CONTESTANT).content.decode()
        for key in ("hand", "max_new_tokens", "base_url"):
            assert f"<code>{key}</code>" in html

    @pytest.mark.parametrize(
        ("typed", "reasons"),
        [
            ('{"hand": 7', ["This is not JSON: Expecting ',' delimiter, line 1."]),
            ("[1]", ['Settings are a JSON object, such as {"batch_size": 4}.']),
            ('{"hand": 7, "hand": 8}', ["This cannot be used: the key 'hand' appears twice."]),
            ('{"hand": NaN}', ["This cannot be used: NaN is not a number JSON knows."]),
            ("[" * 100_000, ["This cannot be used"]),
            ('{"hand": ' + "9" * 5000 + "}", ["This cannot be used"]),
            ('{"hand": 7, "palette": "a\\u0000"}', ["The settings hold a NUL or half a character"]),
            ('{"hand": 7, "\\ud800": ["x"]}', ["The settings hold a NUL or half a character"]),
            ('{"palette": "neo", "speed": 3}', ["hand: is required", "palette: 'neo' is not one of", "speed: unknown"]),
        ],
    )
    def test_is_not_saved_with_settings_that_are_refused(
        self, superuser: Client, arena: Arena, typed: str, reasons: list[str]
    ) -> None:
        response = superuser.post(ADD_CONTESTANT, contestant_form(arena, settings=typed))
        found = errors(response)["settings"]

        assert len(found) == len(reasons)
        for reason in reasons:
            assert any(line.startswith(reason) for line in found)
        assert not Contestant.objects.exists()

    def test_keeps_what_was_typed_when_it_is_refused(self, superuser: Client, arena: Arena) -> None:
        response = superuser.post(ADD_CONTESTANT, contestant_form(arena, settings='{"hand": "seven"}'))
        assert "&quot;seven&quot;" in response.content.decode()

    def test_of_an_unknown_backend_is_refused(self, superuser: Client, arena: Arena) -> None:
        assert "backend" in errors(superuser.post(ADD_CONTESTANT, contestant_form(arena, backend="crayon")))

    def test_with_a_name_that_is_taken_is_refused(
        self, superuser: Client, arena: Arena, contestants: list[Contestant]
    ) -> None:
        assert errors(superuser.post(ADD_CONTESTANT, contestant_form(arena, name="Ultravox")))
        assert ContestantRevision.objects.count() == len(contestants)

    def test_takes_who_may_add_revisions_too(self, clerk: Client, arena: Arena) -> None:
        clerk_user = User.objects.get(username="ada")
        clerk_user.user_permissions.add(Permission.objects.get(codename="add_contestant"))
        assert clerk.get(ADD_CONTESTANT).status_code == 403
        clerk_user.user_permissions.add(Permission.objects.get(codename="add_contestantrevision"))
        assert clerk.post(ADD_CONTESTANT, contestant_form(arena)).status_code == 302
        assert Contestant.objects.exists()


class TestANewRevision:
    def test_is_the_next_number_and_logged(self, superuser: Client, contestants: list[Contestant]) -> None:
        response = superuser.post(ADD_REVISION, revision_form(contestants[0], note="ink"))

        assert response.status_code == 302
        revision = contestants[0].revisions.get(number=2)
        assert (revision.settings, revision.note) == ({"hand": 7}, "ink")
        assert LogEntry.objects.get().object_id == str(revision.pk)

    def test_begins_with_the_newest_settings(self, superuser: Client, contestants: list[Contestant]) -> None:
        ContestantRevision.objects.create(
            contestant=contestants[0], number=2, backend="openai-compatible", settings=SERVER
        )
        page = f"/admin/arena/contestant/{contestants[0].pk}/new-revision/"
        response = superuser.get(page, follow=True)

        assert response.redirect_chain[0][0] == f"{ADD_REVISION}?contestant={contestants[0].pk}"
        html = response.content.decode()
        assert '<option value="openai-compatible" selected>' in html
        assert "https://api.example.org/v1" in html
        assert contestants[0].name in html

    @pytest.mark.parametrize("number", ["999999", "x", "", "-1"])
    def test_begins_with_nothing_for_nobody(self, superuser: Client, db: None, number: str) -> None:
        assert superuser.get(ADD_REVISION, {"contestant": number}).status_code == 200

    def test_is_refused_when_it_is_the_one_there_is(self, superuser: Client, contestants: list[Contestant]) -> None:
        superuser.post(ADD_REVISION, revision_form(contestants[0]))
        found = errors(superuser.post(ADD_REVISION, revision_form(contestants[0])))

        assert found["settings"] == [f"This is {contestants[0].name} r2 already."]
        assert contestants[0].revisions.count() == 2

    def test_is_seen_and_not_changed_afterwards(self, superuser: Client, contestants: list[Contestant]) -> None:
        revision = contestants[0].revisions.get()
        page = f"/admin/arena/contestantrevision/{revision.pk}/change/"

        assert superuser.get(page).status_code == 200
        assert superuser.post(page, revision_form(contestants[0])).status_code == 403
        revision.refresh_from_db()
        assert revision.settings == {}

    def test_takes_somebody_who_may(self, clerk: Client, contestants: list[Contestant]) -> None:
        assert clerk.get(ADD_REVISION).status_code == 403
        assert clerk.post(ADD_REVISION, revision_form(contestants[0])).status_code == 403
        page = f"/admin/arena/contestant/{contestants[0].pk}/"
        assert clerk.get(f"{page}new-revision/").status_code == 403
        assert "new-revision" not in clerk.get(f"{page}change/").content.decode()
        assert contestants[0].revisions.count() == 1


class TestConcerns:
    """What settings bring with them is read and confirmed before anything is saved."""

    def ask(self, superuser: Client, contestant: Contestant, confirmed: str = "", **settings: Any) -> HttpResponse:
        form = revision_form(
            contestant, backend="openai-compatible", settings=json.dumps(SERVER | settings), confirmed=confirmed
        )
        return superuser.post(ADD_REVISION, form)

    def test_are_shown_before_anything_is_saved(self, superuser: Client, contestants: list[Contestant]) -> None:
        response = self.ask(superuser, contestants[0], key="openai")
        html = response.content.decode()

        assert errors(response)["__all__"] == [
            "Nothing was saved yet. Read what these settings bring with them, and confirm it below."
        ]
        assert "are sent to api.example.org" in html
        assert "The secret &#x27;openai&#x27; is sent to" in html
        assert contestants[0].revisions.count() == 1

    def test_are_confirmed_with_a_tick(self, superuser: Client, contestants: list[Contestant]) -> None:
        asked = self.ask(superuser, contestants[0])
        response = self.ask(superuser, contestants[0], confirmed=digest(asked))

        assert response.status_code == 302
        assert contestants[0].revisions.get(number=2).settings == SERVER

    def test_of_other_settings_are_confirmed_anew(self, superuser: Client, contestants: list[Contestant]) -> None:
        asked = self.ask(superuser, contestants[0])
        again = self.ask(superuser, contestants[0], confirmed=digest(asked), key="openai")

        assert "__all__" in errors(again)
        assert digest(again) != digest(asked)
        assert contestants[0].revisions.count() == 1

    @pytest.mark.parametrize("tick", ["on", "1", "true", "x" * 64])
    def test_are_not_confirmed_by_anything_else(
        self, superuser: Client, contestants: list[Contestant], tick: str
    ) -> None:
        assert "__all__" in errors(self.ask(superuser, contestants[0], confirmed=tick))

    def test_are_asked_of_a_new_contestant_too(self, superuser: Client, arena: Arena) -> None:
        form = contestant_form(arena, backend="openai-compatible", settings=json.dumps(SERVER))
        asked = superuser.post(ADD_CONTESTANT, form)
        assert not Contestant.objects.exists()
        superuser.post(ADD_CONTESTANT, form | {"confirmed": digest(asked)})
        assert Contestant.objects.get().revisions.get().backend == "openai-compatible"

    def test_there_are_none_without_a_reason(self, superuser: Client, contestants: list[Contestant]) -> None:
        assert "confirmed" not in superuser.get(ADD_REVISION).content.decode()
        assert settings_warnings("painter", {"hand": 1}) == []
        assert settings_warnings("imported", {}) == []

    def test_name_a_library_that_is_missing_and_how_it_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from arena.generation.backends import libraries

        monkeypatch.setitem(libraries.OPTIONAL, "painter", {"nowhere_to_be_found": "pip install nowhere"})
        assert settings_warnings("painter", {"hand": 1}) == [
            "The library nowhere_to_be_found is not installed where this page comes from. Workers need it for the "
            "backend painter: pip install nowhere"
        ]

    def test_name_diffusers_where_it_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from arena.generation.backends import libraries

        monkeypatch.setattr(libraries, "find_spec", lambda name: None)
        assert set(libraries.missing_libraries("diffusers").values()) == {"pip install -r requirements-diffusers.txt"}
        assert libraries.missing_libraries("painter") == {}
        monkeypatch.setattr(libraries, "find_spec", importlib.util.find_spec)
        assert libraries.missing_libraries("painter") == {}


@pytest.fixture
def pumps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often workers were called."""
    calls: list[int] = []
    monkeypatch.setattr("arena.catalogue.admin.start_pumps", lambda: calls.append(1))
    return calls


class TestSupply:
    def page(self, arena: Arena) -> str:
        return f"/admin/arena/arena/{arena.pk}/change/"

    def press(self, client: Client, arena: Arena, button: str, **options: Any) -> HttpResponse:
        return client.post(f"/admin/arena/arena/{arena.pk}/supply/", {button: "1"}, **options)

    def fail(self, count: int, cause: str) -> None:
        failed = Candidate.objects.claimable()[:count]
        Candidate.objects.filter(pk__in=[candidate.pk for candidate in failed]).update(
            state=CandidateState.FAILED, failure=cause, attempts=3
        )

    def test_is_counted_with_its_failures_by_cause(
        self, superuser: Client, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        assert "There are no outputs yet, and none are queued." in superuser.get(self.page(arena)).content.decode()
        plan_candidates(arena)
        self.fail(3, "the disk is <full>")
        html = superuser.get(self.page(arena)).content.decode()

        assert "<strong>0 of 18</strong> outputs are ready, 3 failed, 15 are to be made." in html
        assert "the disk is &lt;full&gt;" in html
        assert "Make what is missing" in html
        assert "Try failed ones again" in html

    def test_shows_the_most_frequent_causes_and_counts_the_rest(
        self,
        superuser: Client,
        arena: Arena,
        prompts: list[Prompt],
        contestants: list[Contestant],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("arena.catalogue.admin._CAUSES", 1)
        plan_candidates(arena)
        self.fail(1, "rare")
        Candidate.objects.filter(revision__contestant=contestants[5], state="queued").update(
            state=CandidateState.FAILED, failure="often"
        )
        html = superuser.get(self.page(arena)).content.decode()

        assert "often" in html
        assert "rare<" not in html
        assert "And 1 more for rarer causes." in html

    def test_is_made_at_the_press_of_a_button(
        self,
        superuser: Client,
        arena: Arena,
        prompts: list[Prompt],
        contestants: list[Contestant],
        pumps: list[int],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            response = self.press(superuser, arena, "plan", follow=True)

        assert "18 outputs queued." in response.content.decode()
        assert response.redirect_chain == [(self.page(arena), 302)]
        assert Candidate.objects.claimable().count() == 18
        assert pumps == [1]
        assert LogEntry.objects.get().change_message == "18 outputs queued."
        assert "0 outputs queued." in self.press(superuser, arena, "plan", follow=True).content.decode()

    def test_that_failed_is_tried_again(
        self,
        superuser: Client,
        arena: Arena,
        prompts: list[Prompt],
        contestants: list[Contestant],
        pumps: list[int],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        plan_candidates(arena)
        self.fail(1, "the disk is full")
        with django_capture_on_commit_callbacks(execute=True):
            response = self.press(superuser, arena, "retry", follow=True)

        assert "1 failed output queued again." in response.content.decode()
        assert Candidate.objects.claimable().count() == 18
        assert pumps == [1]

    def test_is_not_made_where_nobody_makes_any(self, superuser: Client, arena: Arena, pumps: list[int]) -> None:
        html = self.press(superuser, arena, "plan", follow=True).content.decode()
        assert "No active contestant of this arena makes its outputs here." in html
        assert not LogEntry.objects.exists()

    def test_is_changed_by_who_may_change_the_arena_alone(
        self, clerk: Client, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        html = clerk.get(self.page(arena)).content.decode()
        assert "There are no outputs yet" in html
        assert "Make what is missing" not in html
        assert self.press(clerk, arena, "plan").status_code == 403
        assert self.press(Client(), arena, "plan").status_code == 302  # to the login
        assert not Candidate.objects.exists()

    def test_is_changed_by_a_form_of_this_site_alone(
        self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_superuser("grace"))
        assert self.press(client, arena, "plan").status_code == 403
        assert client.get(f"/admin/arena/arena/{arena.pk}/supply/").status_code == 405
        html = client.get(self.page(arena)).content.decode()
        form = re.search(r'action="/admin/arena/arena/\d+/supply/">\s*<input[^>]*name="csrfmiddlewaretoken"', html)
        assert form is not None
        assert not Candidate.objects.exists()

    def test_of_an_arena_that_is_not_there(self, superuser: Client, db: None) -> None:
        assert superuser.post("/admin/arena/arena/999/supply/").status_code == 404
        assert superuser.get("/admin/arena/arena/add/").status_code == 200


def test_the_checks_of_the_admin_ask_nothing_of_a_database_that_may_be_empty() -> None:
    assert run_checks(tags=["admin"]) == []
