from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from arena.admin_base import LedgerAdmin

from .models import Candidate


@admin.register(Candidate)
class CandidateAdmin(LedgerAdmin):
    list_display = ("picture", "contestant", "prompt", "state", "latency_ms", "attempts", "finished_at")
    list_filter = ("state", "prompt__arena", "revision__backend")
    list_select_related = ("revision__contestant", "prompt")
    search_fields = ("=public_id", "=sha256", "prompt__text", "revision__contestant__name")
    readonly_fields = ("picture",)

    @admin.display(ordering="revision__contestant__name")
    def contestant(self, candidate: Candidate) -> str:
        return str(candidate.revision)

    @admin.display(description="output")
    def picture(self, candidate: Candidate) -> str | SafeString:
        if candidate.media:
            return format_html(
                '<img src="/admin/candidates/{}/media/" width="96" height="96" alt="" loading="lazy">',
                candidate.public_id,
            )
        return candidate.text[:80]
