from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from arena.admin_base import LedgerAdmin, PodiumAdmin

from .media.serving import media_response
from .models import Candidate, CandidateQuerySet, GenerationHost


@admin.register(Candidate)
class CandidateAdmin(LedgerAdmin):
    list_display = ("picture", "contestant", "prompt", "state", "latency", "attempts", "finished_at")
    list_filter = ("state", "prompt__arena", "revision__backend")
    list_select_related = ("revision__contestant", "prompt")
    search_fields = ("=public_id", "=sha256", "prompt__text", "revision__contestant__name")
    readonly_fields = ("picture",)

    @admin.display(ordering="revision__contestant__name")
    def contestant(self, candidate: Candidate) -> str:
        return str(candidate.revision)

    @admin.display(ordering="latency_ms")
    def latency(self, candidate: Candidate) -> str:
        return "" if candidate.latency_ms is None else f"{candidate.latency_ms:,.0f} ms"

    @admin.display(description="output")
    def picture(self, candidate: Candidate) -> str | SafeString:
        if candidate.thumbnail or candidate.media_type.startswith("image/"):
            kind = "thumbnail" if candidate.thumbnail else "media"
            url = reverse(f"admin:arena_candidate_{kind}", args=[candidate.public_id])
            words = f"output of {candidate.revision} for {candidate.prompt}"
            return format_html('<img src="{}" width="96" alt="{}" loading="lazy">', url, words)
        if candidate.media:
            return candidate.media_type
        return candidate.text[:80] or "no output"

    def get_urls(self) -> list[Any]:
        views = {"media": self.media_view, "thumbnail": self.thumbnail_view}
        ours = [
            path(f"{name}/<uuid:candidate_id>/", self.admin_site.admin_view(view), name=f"arena_candidate_{name}")
            for name, view in views.items()
        ]
        return [*ours, *super().get_urls()]

    def media_view(self, request: HttpRequest, candidate_id: UUID) -> HttpResponse:
        """The output for staff, who may know whose it is; voters get theirs under the random name of a slot."""
        candidate = self._viewed(request, Candidate.objects.exclude(media=""), candidate_id)
        return media_response(request, candidate.media, candidate.media_type)

    def thumbnail_view(self, request: HttpRequest, candidate_id: UUID) -> HttpResponse:
        candidate = self._viewed(request, Candidate.objects.exclude(thumbnail=""), candidate_id)
        return media_response(request, candidate.thumbnail, "image/webp")

    def _viewed(self, request: HttpRequest, candidates: CandidateQuerySet, public_id: UUID) -> Candidate:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(candidates, public_id=public_id)


@admin.register(GenerationHost)
class HostAdmin(PodiumAdmin):
    """Where contestants may be asked. Only superusers add to it: a private host opens a way into the network."""

    list_display = ("host", "is_private", "note", "created_at")
    list_filter = ("is_private",)
    search_fields = ("host", "note")
    fieldsets = (
        (
            None,
            {
                "fields": ("host", "is_private", "note"),
                "description": "Contestants that answer elsewhere are asked at these hosts and at no other. Only "
                "superusers change the list.",
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def save_model(self, request: HttpRequest, obj: GenerationHost, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.is_private:
            messages.warning(
                request,
                f"Whoever may add contestants can now send requests from your workers to {obj.host} in your own "
                "network, and see what it answers.",
            )


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
