from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin

from .models import Voter


@admin.register(Voter)
class VoterAdmin(LedgerAdmin):
    list_display = ("__str__", "kind", "user", "arena", "created_at")
    list_filter = ("kind", "arena")
    list_select_related = ("user", "arena")
    search_fields = ("=public_id", "external_id", "user__username")
    date_hierarchy = "created_at"
