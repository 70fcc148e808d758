from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin

from .models import GoalStanding, Leaderboard, Snapshot


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


@admin.register(GoalStanding)
class GoalStandingAdmin(LedgerAdmin):
    list_display = ("leaderboard", "goal", "value", "target", "reached", "low", "median", "high", "measured_at")
    list_filter = ("reached",)
    list_select_related = ("leaderboard__arena",)
    search_fields = ("leaderboard__arena__name", "goal")
