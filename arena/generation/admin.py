from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
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
            url = reverse("admin:arena_candidate_media", args=[candidate.public_id])
            return format_html('<img src="{}" width="96" height="96" alt="" loading="lazy">', url)
        return candidate.text[:80]

    def get_urls(self) -> list[Any]:
        media = path(
            "media/<uuid:candidate_id>/", self.admin_site.admin_view(self.media_view), name="arena_candidate_media"
        )
        return [media, *super().get_urls()]

    def media_view(self, request: HttpRequest, candidate_id: UUID) -> HttpResponse:
        """The output for staff, who may know whose it is; voters get theirs under the random name of a slot."""
        candidate = get_object_or_404(Candidate.objects.exclude(media=""), public_id=candidate_id)
        with candidate.media.open("rb") as file:
            return HttpResponse(file.read(), content_type=candidate.media_type)
