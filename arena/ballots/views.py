"""Casting a ballot and seeing who was who."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from arena.battles.views import is_fragment, require_voter, require_voting_right, see_other
from arena.catalogue.queries import get_arena_for
from arena.refusals import NotFound

from .actions import cast_ballot
from .forms import read_judgement
from .models import Ballot
from .reveal import reveal_context, watch_effect


@require_POST
def cast(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    require_voting_right(request, arena)
    ballot = cast_ballot(
        arena=arena,
        voter=require_voter(request),
        token=request.POST.get("token", ""),
        judgement=read_judgement(request.POST),
    )
    watch_effect(ballot)
    if is_fragment(request):
        return render(request, "battles/_reveal.html", reveal_context(ballot))
    return see_other(reverse("arena:reveal", args=[ballot.public_id]))


@never_cache
@require_safe
def reveal(request: HttpRequest, ballot_id: uuid.UUID) -> HttpResponse:
    """Who was who, for the voter alone."""
    ballot = Ballot.objects.judgements().filter(public_id=ballot_id, battle__isnull=False).first()
    if ballot is None or ballot.voter_id != require_voter(request).pk:
        raise NotFound("There is no ballot of yours under this address.")
    return render(request, "battles/reveal.html", reveal_context(ballot))
