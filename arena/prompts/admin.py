from __future__ import annotations

from django.contrib import admin

from arena.admin_base import PodiumAdmin

from .models import Prompt


@admin.register(Prompt)
class PromptAdmin(PodiumAdmin):
    list_display = ("__str__", "arena", "external_id", "categories", "language", "split", "origin", "is_active")
    list_filter = ("arena", "origin", "split", "is_active", "language")
    list_select_related = ("arena",)
    search_fields = ("text", "external_id")
    autocomplete_fields = ("arena",)
