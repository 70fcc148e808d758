"""The front page and an arena's own page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arena.generation.queries import supply_of
from arena.ways import way_of

from .queries import ballot_counts, get_arena_for, listed_arenas


@require_safe
def arena_list(request: HttpRequest) -> HttpResponse:
    return render(request, "arenas/list.html", {"arenas": listed_arenas(request.user)})


@require_safe
def arena_show(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    arena.ballot_count = ballot_counts().get(arena.pk, 0)  # type: ignore[attr-defined]
    context = {
        "arena": arena,
        "way": way_of(arena.protocol),
        "size": arena.size_of(),
        "supply": supply_of(arena.pk),
        "prompt_count": arena.prompts.filter(is_active=True).count(),
        "contestant_count": arena.contestants.filter(state="active").count(),
    }
    return render(request, "arenas/show.html", context)


@require_safe
def arena_supply(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    return render(request, "arenas/_supply.html", {"arena": arena, "supply": supply_of(arena.pk)})
