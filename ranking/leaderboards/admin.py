from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin

from .models import Leaderboard, Snapshot


@admin.register(Leaderboard)
class LeaderboardAdmin(LedgerAdmin):
    list_display = ("arena", "category", "engine", "latest", "created_at")
    list_filter = ("arena", "engine")
    list_select_related = ("arena", "latest__leaderboard__arena")
    search_fields = ("arena__name", "arena__slug", "category")


@admin.register(Snapshot)
class SnapshotAdmin(LedgerAdmin):
    list_display = ("public_id", "leaderboard", "engine", "ballots", "voters", "watermark", "published_at")
    list_filter = ("leaderboard__arena", "engine")
    list_select_related = ("leaderboard__arena",)
    search_fields = ("=public_id", "=checksum")
    date_hierarchy = "published_at"
