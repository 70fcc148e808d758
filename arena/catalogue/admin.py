from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from arena.admin_base import LedgerInline, PodiumAdmin
from ranking.engines.matchmaking.registry import POLICIES

from .models import Arena, Contestant, ContestantRevision


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
            {"fields": ("protocol", "battle_size", "candidates_per_prompt", "preliminary_below")},
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
        return super().formfield_for_dbfield(db_field, request, **options)


class RevisionInline(LedgerInline):
    model = ContestantRevision
    fields = readonly_fields = ("number", "backend", "settings", "note", "created_at")


@admin.register(Contestant)
class ContestantAdmin(NeverDeleted):
    list_display = ("name", "arena", "state", "organisation", "licence", "created_at")
    list_filter = ("arena", "state", "organisation")
    list_select_related = ("arena",)
    search_fields = ("name", "description", "=public_id")
    autocomplete_fields = ("arena",)
    inlines = (RevisionInline,)


@admin.register(ContestantRevision)
class RevisionAdmin(NeverDeleted):
    """A revision can be written once; to change a contestant is to add another."""

    list_display = ("__str__", "backend", "note", "created_at")
    list_filter = ("backend", "contestant__arena")
    list_select_related = ("contestant",)
    search_fields = ("contestant__name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
