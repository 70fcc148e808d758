from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin, LedgerInline

from .models import Battle, BattleSlot


class SlotInline(LedgerInline):
    model = BattleSlot
    fields = readonly_fields = ("position", "candidate")


@admin.register(Battle)
class BattleAdmin(LedgerAdmin):
    list_display = ("public_id", "arena", "prompt", "voter", "state", "policy", "probability", "opened_at")
    list_filter = ("arena", "state", "policy", "protocol")
    list_select_related = ("arena", "prompt", "voter")
    search_fields = ("=public_id", "prompt__text")
    date_hierarchy = "opened_at"
    inlines = (SlotInline,)


@admin.register(BattleSlot)
class BattleSlotAdmin(LedgerAdmin):
    """Found by the token of its media, which is all that a report about a picture can name."""

    list_display = ("media_token", "battle", "position", "candidate")
    list_select_related = ("battle", "candidate__revision__contestant")
    search_fields = ("=media_token", "=battle__public_id")
