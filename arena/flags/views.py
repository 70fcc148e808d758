"""Reporting an output."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from arena.battles import tokens
from arena.battles.queries import own_battle
from arena.battles.views import is_fragment, require_voter
from arena.catalogue.queries import get_arena_for

from .actions import raise_flag
from .models import FlagKind


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    voter = require_voter(request)
    fragment = is_fragment(request)
    if request.method == "POST":
        raise_flag(
            arena=arena,
            voter=voter,
            token=request.POST.get("battle", ""),
            letter=request.POST.get("letter", ""),
            kind=request.POST.get("kind", ""),
            note=request.POST.get("note", ""),
        )
        return render(request, "flags/_done.html" if fragment else "flags/done.html", {"arena": arena})
    token = request.GET.get("battle", "")
    battle = own_battle(voter, arena, tokens.read(token))
    letters = [slot.letter for slot in battle.slots.order_by("position")]
    context = {"arena": arena, "token": token, "letters": letters, "kinds": FlagKind.choices}
    return render(request, "flags/_form.html" if fragment else "flags/report.html", context)
