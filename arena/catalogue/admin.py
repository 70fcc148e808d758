from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from arena.admin_base import LedgerInline, PodiumAdmin
from arena.generation.actions import newest_revisions, plan_candidates, retry_failed
from arena.generation.queries import failures_of, supply_of
from arena.generation.tasks import start_pumps
from ranking.engines.matchmaking.registry import POLICIES

from .actions import register_revision
from .forms import NewContestantForm, RevisionForm
from .models import Arena, Contestant, ContestantRevision

_CAUSES = 20  # of failures that are shown, the most frequent first


class NeverDeleted(PodiumAdmin):
    """What was judged is paused or retired, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Arena)
class ArenaAdmin(NeverDeleted):
    list_display = ("name", "slug", "modality", "protocol", "battle_size", "visibility", "is_open", "created_at")
    list_filter = ("modality", "visibility", "is_open")
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "description", "modality", "data_licence")}),
        ("Who votes", {"fields": ("is_open", "visibility", "anonymous_voting")}),
        (
            "Battles",
            {"fields": ("battle_size", "candidates_per_prompt", "least_coverage", "preliminary_below")},
        ),
        (
            "Ballots",
            {
                "fields": (
                    "protocol",
                    "further_protocols",
                    "protocol_choice",
                    "graded_steps",
                    "aspects",
                    "asks_confidence",
                    "reasons",
                    "takes_comments",
                ),
                "description": "How voters are asked, and what they may add. Every ballot stores its protocol.",
            },
        ),
        (
            "Matchmaking",
            {
                "fields": ("policy", "policy_parameters", "audit_share"),
                "description": "Who is shown next. A tenth of uniform battles keeps win rates honest.",
            },
        ),
        ("Prompts", {"fields": ("prompt_choice", "prompts_shown", "category_quota")}),
        (
            "Live prompts",
            {
                "fields": ("live_prompts", "live_prompt_length", "live_prompts_per_hour"),
                "description": "Voters type a prompt, and contestants answer while they wait: at once, where all of a "
                "battle fit into the memory of one worker's device together. Else they take turns.",
            },
        ),
        (
            "Goal",
            {
                "fields": ("goal", "goal_top", "goal_confidence", "goal_points"),
                "description": "With a goal the board says how many ballots are left, and voting ends once it is met.",
            },
        ),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "policy":
            return forms.ChoiceField(choices=[(name, name) for name in POLICIES], help_text=db_field.help_text)
        if db_field.name == "further_protocols":
            return forms.MultipleChoiceField(
                choices=db_field.base_field.choices,
                help_text=db_field.help_text,
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        return super().formfield_for_dbfield(db_field, request, **options)

    change_form_outer_before_template = "admin/arena/_supply.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.supply_view))
        return [path("<int:arena_id>/supply/", view, name="arena_arena_supply"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        arena = kwargs.get("obj")
        if arena is not None:
            failures = failures_of(arena.pk)
            context |= {
                "supply": supply_of(arena.pk),
                "failures": failures[:_CAUSES],
                "more_failures": sum(failure.count for failure in failures[_CAUSES:]),
                "may_supply": self.has_change_permission(request, arena),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def supply_view(self, request: HttpRequest, arena_id: int) -> HttpResponse:
        """The two buttons of the panel: queue what is missing, or what failed."""
        arena = get_object_or_404(Arena, pk=arena_id)
        if not self.has_change_permission(request, arena):
            raise PermissionDenied
        if not newest_revisions(arena):
            messages.error(request, "No active contestant of this arena makes its outputs here. Add one first.")
        else:
            with transaction.atomic():
                if "retry" in request.POST:
                    done = _counted(retry_failed(arena), "failed output", "queued again")
                else:
                    done = _counted(plan_candidates(arena), "output", "queued")
                self.log_change(request, arena, done)
                transaction.on_commit(start_pumps, robust=True)
            messages.success(request, done)
        return redirect("admin:arena_arena_change", arena_id)


def _counted(count: int, noun: str, done: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'} {done}."


class RevisionInline(LedgerInline):
    model = ContestantRevision
    fields = readonly_fields = ("number", "backend", "settings", "note", "created_at")


@admin.register(Contestant)
class ContestantAdmin(NeverDeleted):
    list_display = ("name", "arena", "state", "organisation", "licence", "created_at")
    list_filter = ("arena", "state", "organisation")
    list_select_related = ("arena",)
    search_fields = ("name", "description", "=public_id")
    inlines = (RevisionInline,)
    actions_detail = ("new_revision",)
    change_form_after_template = "admin/arena/_revision.html"
    fields = (
        "arena", "name", "description", "organisation", "licence", "link", "state", "kept_apart", "battle_weight"
    )  # fmt: skip
    add_fieldsets = (
        (None, {"fields": fields}),
        ("How its outputs are made", {"fields": ("backend", "settings", "note")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A contestant comes with its first revision."""
        return super().has_add_permission(request) and self.has_add_revision_permission(request)

    def has_add_revision_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Of the link on a contestant's page."""
        return request.user.has_perm("arena.add_contestantrevision")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if obj is None:
            options["form"] = NewContestantForm
        return super().get_form(request, obj, change, **options)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else self.inlines

    def save_model(self, request: HttpRequest, obj: Contestant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            given = form.cleaned_data
            register_revision(contestant=obj, backend=given["backend"], settings=given["settings"], note=given["note"])

    @action(description="New revision", url_path="new-revision", permissions=["add_revision"])
    def new_revision(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(f"{reverse('admin:arena_contestantrevision_add')}?{urlencode({'contestant': object_id})}")


@admin.register(ContestantRevision)
class RevisionAdmin(NeverDeleted):
    """A revision can be written once; to change a contestant is to add another."""

    list_display = ("__str__", "backend", "note", "created_at")
    list_filter = ("backend", "contestant__arena")
    list_select_related = ("contestant",)
    search_fields = ("contestant__name",)
    change_form_after_template = "admin/arena/_revision.html"
    add_fieldsets = ((None, {"fields": ("contestant", "backend", "settings", "note")}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if obj is None:
            options["form"] = RevisionForm
        return super().get_form(request, obj, change, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Of the contestant that the address names; its newest settings are where the new ones begin."""
        number = request.GET.get("contestant", "")
        contestant = Contestant.objects.filter(pk=number).first() if number.isdecimal() else None
        if contestant is None:
            return {}
        newest = contestant.revisions.order_by("-number").first()
        settings = {} if newest is None else {"backend": newest.backend, "settings": newest.settings}
        return {"contestant": contestant.pk, **settings}

    def save_model(self, request: HttpRequest, obj: ContestantRevision, form: Any, change: bool) -> None:
        made = register_revision(contestant=obj.contestant, backend=obj.backend, settings=obj.settings, note=obj.note)
        obj.pk, obj.number, obj.created_at = made.pk, made.number, made.created_at
