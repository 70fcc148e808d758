"""The vote page, skipping, and the pictures of a battle."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from arena.catalogue.models import Arena
from arena.catalogue.queries import get_arena_for
from arena.generation.media.serving import media_for_voters
from arena.generation.queries import supply_of
from arena.matchmaking.keeping import get_arena_to_vote_in
from arena.refusals import NotAllowed
from arena.voters.identity import known_voter, remember, voter_for
from arena.voters.models import Voter
from arena.ways import other_ways, steps_of, way_of

from . import tokens
from .actions import GoalReached, open_battle, skip_battle, switch_protocol
from .history import history_of, with_history
from .models import Battle, BattleState
from .presentation import show_battle
from .queries import slot_by_media_token


@never_cache
@require_safe
def vote(request: HttpRequest, arena_slug: str) -> HttpResponse:
    """The voter's open battle, or what is being made while there is none."""
    arena = get_arena_to_vote_in(request.user, arena_slug)
    require_voting_right(request, arena)
    voter = voter_for(request, with_history(Voter.objects.with_ballot_count(), arena))
    fragment = is_fragment(request)
    try:
        battle = open_battle(arena=arena, voter=voter, history=history_of(voter))
    except GoalReached:
        template = "battles/_enough.html" if fragment else "battles/enough.html"
        return remember(render(request, template, {"arena": arena}), request, voter)
    if battle is None:
        context: dict[str, object] = {"arena": arena, "supply": supply_of(arena.pk)}
        template = "battles/_waiting.html"
    elif battle.state == BattleState.PREPARING:
        return see_other(reverse("arena:asked", args=[arena.slug, battle.public_id]))
    else:
        context = battle_context(arena, battle, voter)
        template = "battles/_battle.html"
    if not fragment:
        template = "battles/vote.html"
    return remember(render(request, template, context), request, voter)


@require_POST
def skip(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    skip_battle(
        arena=arena,
        voter=require_voter(request),
        token=request.POST.get("token", ""),
        reason=request.POST.get("reason", ""),
    )
    return see_other(reverse("arena:vote", args=[arena.slug]))


@require_safe
def slot_media(request: HttpRequest, media_token: uuid.UUID) -> HttpResponse:
    """A slot's picture under its random name; every slot has its own, so that nothing links two battles."""
    candidate = slot_by_media_token(media_token).candidate
    return media_for_voters(request, candidate.media, candidate.media_type)


@require_POST
def switch(request: HttpRequest, arena_slug: str) -> HttpResponse:
    """Judge in another way."""
    arena = get_arena_to_vote_in(request.user, arena_slug)
    require_voting_right(request, arena)
    switch_protocol(
        arena=arena,
        voter=require_voter(request),
        token=request.POST.get("token", ""),
        protocol=request.POST.get("way", ""),
    )
    return see_other(reverse("arena:vote", args=[arena.slug]))


def battle_context(arena: Arena, battle: Battle, voter: Voter) -> dict[str, object]:
    return {
        "arena": arena,
        "battle": show_battle(battle),
        "protocol": battle.protocol,
        "way": way_of(battle.protocol),
        "other_ways": other_ways(arena, battle.protocol),
        "steps": steps_of(arena),
        "token": tokens.issue(battle, voter.public_id),
        "voted_count": getattr(voter, "ballot_count", 0),
        "rank_choices": range(1, len(battle.slots.all()) + 1),
        "next_url": reverse("arena:vote", args=[arena.slug]),
    }


def require_voting_right(request: HttpRequest, arena: Arena) -> None:
    if not arena.anonymous_voting and not request.user.is_authenticated:
        raise NotAllowed(f"{arena.name} takes ballots from signed-in voters only. Sign in and come back.")


def require_voter(request: HttpRequest) -> Voter:
    """The voter who was shown a battle earlier; a stranger has none to speak of."""
    voter = known_voter(request)
    if voter is None:
        raise NotAllowed(
            "Your browser did not send the cookie that says which battle is yours. Allow cookies for this site, "
            "open a new battle and vote again."
        )
    return voter


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (and not to restore a whole one from history)."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request


def see_other(url: str) -> HttpResponse:
    """After a post: the browser, or htmx, gets the next page with a GET."""
    response: HttpResponseRedirect = redirect(url)
    response.status_code = 303
    return response
