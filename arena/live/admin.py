from __future__ import annotations

from django.contrib import admin

from arena.admin_base import LedgerAdmin

from .models import Review


@admin.register(Review)
class ReviewAdmin(LedgerAdmin):
    """What moderation refused, and what it let pass."""

    list_display = ("subject", "arena", "refused", "moderator", "reason", "voter", "created_at")
    list_filter = ("refused", "arena", "moderator")
    list_select_related = ("arena", "voter", "candidate__revision__contestant")
    search_fields = ("prompt_text", "reason", "candidate__prompt__text")
    date_hierarchy = "created_at"

    @admin.display(description="what")
    def subject(self, review: Review) -> str:
        return str(review.candidate) if review.candidate_id else review.prompt_text[:80]
