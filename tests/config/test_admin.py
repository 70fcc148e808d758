"""The operator's console: every page of it opens, ledgers cannot be changed there, and long lists stay quick."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from arena.admin_base import LedgerAdmin
from arena.ballots.actions import retract_ballot
from arena.ballots.models import Ballot
from arena.battles.models import BattleSlot
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.flags.models import Flag
from arena.generation.models import Candidate, GenerationHost
from arena.live.models import Review
from arena.models import User
from arena.prompts.models import Prompt
from ranking.leaderboards.actions import publish
from ranking.leaderboards.goals import measure_goal
from ranking.leaderboards.models import Leaderboard, Snapshot
from ranking.leaderboards.queries import leaderboard_of
from tests.visitor import Visitor

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in REGISTERED if model._meta.app_label in {"arena", "ranking"}]
every_model = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
our_models = pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
# Opening a list of fifty rows: the session, the rights, the filters' choices, the rows. Not one for each row.
MOST_QUERIES = 25


@pytest.fixture
def busy(ready_arena: Arena, tmp_path: Path) -> Arena:
    """An arena with some of everything: ballots, a retraction, an open and a skipped battle, an import, boards."""
    file = tmp_path / "ballots.jsonl"
    file.write_text('{"items": ["Zephyrine", "Cobalt"], "ranks": [1, 2], "voter": "w1", "voter_kind": "crowd"}\n')
    call_command("import_ballots", "prints", str(file), stdout=StringIO(), stderr=StringIO())
    member = Visitor()
    member.client.force_login(User.objects.create_user("ada"))
    ballot = member.vote(ready_arena)
    assert ballot.voter is not None
    retract_ballot(voter=ballot.voter, ballot=ballot)
    other = Visitor()
    other.vote(ready_arena, 1, 1, None, -1)
    other.skip(ready_arena, other.open(ready_arena))
    other.open(ready_arena)
    publish(leaderboard_of(ready_arena.pk))
    publish(leaderboard_of(ready_arena.pk, "nature"))
    Arena.objects.filter(pk=ready_arena.pk).update(goal="narrow-intervals", goal_points=600)
    measure_goal(leaderboard_of(ready_arena.pk))
    GenerationHost.objects.create(host="api.example.org")
    Review.objects.create(arena=ready_arena, prompt_text="drat", refused=True, moderator="word list")
    slot = BattleSlot.objects.select_related("battle").earliest("pk")
    Flag.objects.create(slot=slot, voter=slot.battle.voter, kind="broken", note="half of it is missing")
    return ready_arena


def url(model: type[models.Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def test_every_model_of_ours_is_registered() -> None:
    from django.apps import apps

    ours = {model for app in ("arena", "annotation", "ranking") for model in apps.get_app_config(app).get_models()}
    inline = {model for page in admin.site._registry.values() for model in [inline.model for inline in page.inlines]}
    assert ours - set(admin.site._registry) - inline == set()


def test_the_sidebar_leads_to_every_list(superuser: Client) -> None:
    html = superuser.get("/admin/").content.decode()
    linked = {
        link for group in settings.UNFOLD["SIDEBAR"]["navigation"] for link in (i["link"] for i in group["items"])
    }

    assert {str(link) for link in linked} == {url(model, "changelist") for model in REGISTERED}
    for link in linked:
        assert f'href="{link}"' in html


@every_model
def test_a_list_opens_for_staff(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    response = superuser.get(url(model, "changelist"))

    assert response.status_code == 200
    if model in OURS:
        assert model._default_manager.exists(), "the arena of this test has some of everything"
        assert "0 results" not in response.content.decode()


@every_model
def test_a_list_can_be_searched(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    assert admin.site._registry[model].search_fields or model not in OURS
    for words in ("Zephyrine", "0e5f4d5c-0000-4000-8000-000000000001", "12", "%", "' OR 1=1 --"):
        assert superuser.get(url(model, "changelist"), {"q": words}).status_code == 200


@our_models
def test_a_list_can_be_filtered_and_sorted(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    page: Any = admin.site._registry[model]
    response = superuser.get(url(model, "changelist"))
    links = [
        choice["query_string"]
        for spec in response.context["cl"].filter_specs
        for choice in spec.choices(response.context["cl"])
        if "query_string" in choice
    ]
    assert links or not page.list_filter
    for link in links:
        assert superuser.get(url(model, "changelist") + link).status_code == 200, link
    for column in range(1, len(page.list_display) + 1):
        assert superuser.get(url(model, "changelist"), {"o": f"-{column}"}).status_code == 200, f"column {column}"


@every_model
def test_a_row_opens_for_staff(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    for row in model._default_manager.order_by("-pk")[:3]:
        assert superuser.get(url(model, "change", row.pk)).status_code == 200


@every_model
def test_a_page_to_add_opens_where_adding_is_allowed(
    superuser: Client, busy: Arena, model: type[models.Model], rf: Any
) -> None:
    request = rf.get("/")
    request.user = User.objects.get(username="grace")
    allowed = admin.site._registry[model].has_add_permission(request)

    assert superuser.get(url(model, "add")).status_code == (200 if allowed else 403)


@our_models
def test_a_ledger_is_looked_at_and_not_changed(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    if not isinstance(admin.site._registry[model], LedgerAdmin):
        assert model not in {Ballot, Snapshot, Candidate, Leaderboard}
        return
    row = model._default_manager.latest("pk")
    before = model._default_manager.filter(pk=row.pk).values().get()

    assert superuser.post(url(model, "change", row.pk), {"weight": "5"}).status_code == 403
    assert superuser.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert superuser.post(url(model, "add"), {}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    superuser.post(url(model, "changelist"), bulk)
    assert model._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", [Arena, Contestant, ContestantRevision], ids=lambda model: model.__name__)
def test_what_was_judged_is_never_deleted(superuser: Client, busy: Arena, model: type[models.Model]) -> None:
    row = model._default_manager.earliest("pk")

    assert superuser.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@our_models
def test_a_longer_list_asks_no_more_of_the_database(
    superuser: Client, busy: Arena, model: type[models.Model], paint: Callable[..., None]
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as context:
            assert superuser.get(url(model, "changelist")).status_code == 200
        return len(context)

    asked()
    before = asked()
    for number in range(4):
        arena = Arena.objects.create(slug=f"more-{number}", name=f"More {number}", battle_size=2)
        for name in ("Umber", "Ochre"):
            contestant = Contestant.objects.create(arena=arena, name=name)
            contestant.revisions.create(number=1, backend="painter")
        Prompt.objects.create(arena=arena, external_id="p", text="a bridge")
        from arena.generation.actions import plan_candidates

        plan_candidates(arena)
        paint(arena)
        member = Visitor()
        member.client.force_login(User.objects.create_user(f"member {number}"))
        member.vote(arena)
        publish(leaderboard_of(arena.pk))

    assert asked() <= before + 1
    assert before <= MOST_QUERIES


class TestIsForStaffAlone:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/arena/ballot/", "/admin/arena/candidate/"])
    def test_strangers_and_members_are_sent_to_the_login(self, busy: Arena, path: str) -> None:
        stranger, member = Client(), Client()
        member.force_login(User.objects.get(username="ada"))
        for visitor in (stranger, member):
            response = visitor.get(path)
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")

    def test_so_are_the_pictures_with_their_names(self, busy: Arena, superuser: Client) -> None:
        candidate = Candidate.objects.ready().first()
        assert candidate is not None
        path = reverse("admin:arena_candidate_media", args=[candidate.public_id])

        assert superuser.get(path)["Content-Type"] == "image/webp"
        assert Client().get(path).status_code == 302


class TestStaffCan:
    def test_open_an_arena_and_add_a_prompt_and_a_contestant(self, superuser: Client) -> None:
        arena = {
            "slug": "sketches", "name": "Sketches", "modality": "image", "protocol": "k-rank", "battle_size": "3",
            "protocol_choice": "voter", "graded_steps": "7", "further_protocols": ["best-of-k", "pair"],
            "candidates_per_prompt": "1", "least_coverage": "0.25", "preliminary_below": "30",
            "visibility": "public", "is_open": "on",
            "anonymous_voting": "on", "data_licence": "CC-BY-4.0", "description": "",
            "policy": "swiss", "policy_parameters": "{}", "audit_share": "0.1", "prompt_choice": "even",
            "prompts_shown": "any", "category_quota": "{}", "goal": "", "goal_top": "5", "goal_confidence": "0.95",
            "goal_points": "30", "live_prompt_length": "2000", "live_prompts_per_hour": "20",
        }  # fmt: skip
        assert superuser.post(url(Arena, "add"), arena).status_code == 302
        made = Arena.objects.get(slug="sketches")
        assert made.protocols == ["k-rank", "best-of-k", "pair"]
        prompt = {
            "arena": made.pk, "external_id": "p1", "text": "a heron", "categories": "nature,animals",
            "language": "en", "licence": "", "split": "open", "is_active": "on",
            "origin": "bank",
        }  # fmt: skip
        assert superuser.post(url(Prompt, "add"), prompt).status_code == 302
        assert Prompt.objects.get().categories == ["nature", "animals"]
        contestant = {
            "arena": made.pk, "name": "Umber", "state": "active", "description": "", "organisation": "",
            "licence": "", "link": "", "revisions-TOTAL_FORMS": "0", "revisions-INITIAL_FORMS": "0",
            "kept_apart": "", "battle_weight": "1", "backend": "painter", "settings": '{"hand": 7}', "note": "",
        }  # fmt: skip
        assert superuser.post(url(Contestant, "add"), contestant).status_code == 302
        assert Contestant.objects.get().name == "Umber"

    def test_not_open_a_battle_of_one_or_of_nine(self, superuser: Client, arena: Arena) -> None:
        for size in (1, 9):
            form = {"slug": "x", "name": "X", "battle_size": str(size)}
            response = superuser.post(url(Arena, "change", arena.pk), form)
            assert response.status_code == 200
            assert "battle_size" in response.context["adminform"].form.errors
