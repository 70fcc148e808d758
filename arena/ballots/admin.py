from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin

from .models import Ballot


@admin.register(Ballot)
class BallotAdmin(LedgerAdmin):
    list_display = ("public_id", "arena", "voter", "voter_kind", "protocol", "ranks", "all_bad", "retracts", "at")
    list_filter = ("arena", "voter_kind", "protocol", "all_bad", "retracts")
    list_select_related = ("arena", "voter")
    search_fields = ("=public_id", "=external_id")
    date_hierarchy = "at"
