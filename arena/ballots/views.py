"""Casting a ballot, seeing who was who, and one's own ballots."""

from __future__ import annotations

import uuid
from functools import partial

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from arena.battles.views import is_fragment, require_voter, require_voting_right, see_other
from arena.catalogue.queries import get_arena_for
from arena.voters.identity import known_voter

from .actions import cast_ballot, retract_ballot
from .forms import read_judgement, read_remarks
from .models import Ballot
from .queries import own_ballot, own_ballots
from .reveal import reveal_context, summary, watch_effect

_ON_A_PAGE = 30


@require_POST
def cast(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    require_voting_right(request, arena)
    ballot = cast_ballot(
        arena=arena,
        voter=require_voter(request),
        token=request.POST.get("token", ""),
        judgement=read_judgement(request.POST),
        remarks=read_remarks(request.POST),
    )
    watch_effect(ballot)
    if is_fragment(request):
        return render(request, "battles/_reveal.html", reveal_context(ballot))
    return see_other(reverse("arena:reveal", args=[ballot.public_id]))


@never_cache
@require_safe
def reveal(request: HttpRequest, ballot_id: uuid.UUID) -> HttpResponse:
    """Who was who, for the voter alone."""
    ballot = own_ballot(ballot_id, partial(require_voter, request))
    return render(request, "battles/reveal.html", reveal_context(ballot))


@never_cache
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The voter's own ballots, in all arenas. Who has none yet is told how to cast one."""
    voter = known_voter(request)
    ballots = Ballot.objects.none() if voter is None else own_ballots(voter)
    page = Paginator(ballots, _ON_A_PAGE).get_page(request.GET.get("page"))
    for ballot in page:
        ballot.said = summary(ballot)  # type: ignore[attr-defined]  # for the page
    return render(request, "ballots/own.html", {"page": page})


@require_POST
def retract(request: HttpRequest, ballot_id: uuid.UUID) -> HttpResponse:
    ballot = own_ballot(ballot_id, partial(require_voter, request))
    retract_ballot(voter=require_voter(request), ballot=ballot)
    return see_other(reverse("arena:reveal", args=[ballot_id]))
