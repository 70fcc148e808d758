from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin, LedgerInline

from .models import AspectRanks, Ballot, Remark


class AspectInline(LedgerInline):
    model = AspectRanks
    fields = readonly_fields = ("aspect", "ranks")


class RemarkInline(LedgerInline):
    model = Remark
    fields = readonly_fields = ("confidence", "reasons", "comment")


@admin.register(Ballot)
class BallotAdmin(LedgerAdmin):
    list_display = ("public_id", "arena", "voter", "voter_kind", "protocol", "ranks", "all_bad", "retracts", "at")
    list_filter = ("arena", "voter_kind", "protocol", "all_bad", "retracts")
    list_select_related = ("arena", "voter")
    search_fields = ("=public_id", "=external_id")
    date_hierarchy = "at"
    inlines = (AspectInline, RemarkInline)
