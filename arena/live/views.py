"""Asking a prompt of one's own, and the page on which it is answered."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from arena.battles import tokens
from arena.battles.actions import protocol_for
from arena.battles.history import history_of, with_history
from arena.battles.models import Battle, BattleState
from arena.battles.presentation import show_battle
from arena.battles.views import battle_context, is_fragment, require_voter, require_voting_right, see_other
from arena.catalogue.models import Arena, Modality
from arena.catalogue.queries import get_arena_for
from arena.generation.media.serving import media_for_voters
from arena.prompts.models import Prompt
from arena.refusals import NotFound
from arena.voters.identity import known_voter, remember, voter_for
from arena.voters.models import Voter

from . import actions
from .queries import asked_battle, is_watched
from .refusals import BodyTooLarge, NoLivePrompts, NotAsked
from .uploads import MOST_BYTES

_MOST_OTHER_BYTES = 2 * 2**20  # of a form beside its picture: the longest prompt, with its characters as escapes
_WHY_VOID = {
    "too_slow": "The answers took too long, so there is nothing to compare.",
    "no_contestant": "Too many contestants could not answer, so there is nothing to compare.",
    "prompt_refused": actions.REFUSAL,
    "withdrawn": "Somebody reported one of the answers, and it was taken out, so there is nothing to compare.",
}


@csrf_exempt  # the protection reads the whole body: `_ask` has it, after a look at the length
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, arena_slug: str) -> HttpResponse:
    arena = get_arena_for(request.user, arena_slug)
    require_voting_right(request, arena)
    if not arena.live_prompts:
        raise NoLivePrompts(f"{arena.name} takes no prompts from voters. You can vote on its own.")
    if request.method != "POST":
        return render(request, "live/ask.html", form_context(request, arena))
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES + _MOST_OTHER_BYTES:
        return _refused(request, arena, BodyTooLarge(f"A picture may have {MOST_BYTES // 2**20} MB. Choose another."))
    return _ask(request, arena)


@csrf_protect
def _ask(request: HttpRequest, arena: Arena) -> HttpResponse:
    voter = voter_for(request)
    text = request.POST.get("text", "")
    asked = actions.Asked(text, request.FILES.get("picture"), request.META.get("REMOTE_ADDR", ""))
    try:
        battle = actions.ask(arena=arena, voter=voter, asked=asked)
    except NotAsked as refusal:
        return remember(_refused(request, arena, refusal, text), request, voter)
    return remember(see_other(reverse("arena:asked", args=[arena.slug, battle.public_id])), request, voter)


def _refused(request: HttpRequest, arena: Arena, refusal: NotAsked, text: str = "") -> HttpResponse:
    """The form with what was typed and the reason; a program is told by its code."""
    if not request.accepts("text/html"):
        raise refusal
    context = form_context(request, arena, text=text, problem=refusal.message)
    return render(request, "live/ask.html", context, status=refusal.status)


@never_cache
@require_safe
def asked(request: HttpRequest, arena_slug: str, battle_id: uuid.UUID) -> HttpResponse:
    """The answers while they are written; then the ballot, or why there is none."""
    arena = get_arena_for(request.user, arena_slug)
    voter = require_voter(request)
    battle = asked_battle(voter, arena, battle_id)
    fragment = is_fragment(request)
    if fragment and "shown" not in request.GET and _has_to_wait(battle):
        return HttpResponse(status=204)
    if battle.state == BattleState.PREPARING:
        return render(request, "live/asked.html", answering_context(arena, battle, voter))
    if battle.state == BattleState.OPEN and fragment:
        response = render(request, "battles/_battle.html", battle_context(arena, battle, voter))
        response["HX-Replace-Url"] = reverse("arena:vote", args=[arena.slug])
        return response
    if battle.state in _VOID:
        why = _WHY_VOID.get(battle.skip_reason, _WHY_VOID["too_slow"])
        context = form_context(request, arena, text=battle.prompt.text, why=why)
        return render(request, "live/_void.html" if fragment else "live/void.html", context)
    return see_other(reverse("arena:vote", args=[arena.slug]))


@require_safe
def prompt_media(request: HttpRequest, prompt_id: uuid.UUID) -> HttpResponse:
    """The picture that a prompt is about, under the prompt's random number."""
    prompt = Prompt.objects.exclude(media="").filter(public_id=prompt_id).first()
    if prompt is None:
        raise NotFound("There is no picture under this address.")
    return media_for_voters(request, prompt.media, prompt.media_type)


_VOID = {BattleState.VOID, BattleState.EXPIRED}


def _has_to_wait(battle: Battle) -> bool:
    """Whether a page that looks again has to leave what it shows: nothing is new, or it is being shown at its pace."""
    if battle.state == BattleState.PREPARING:
        return True
    return battle.state == BattleState.OPEN and is_watched(battle.pk)


def form_context(
    request: HttpRequest, arena: Arena, *, text: str = "", problem: str = "", why: str = ""
) -> dict[str, object]:
    voter = known_voter(request, with_history(Voter.objects.all(), arena))
    protocol = None if voter is None else protocol_for(arena, voter, history_of(voter))
    return {
        "arena": arena,
        "size": arena.size_of(protocol),
        "text": text,
        "problem": problem,
        "why": why,
        "takes_picture": arena.modality == Modality.IMAGE_EDIT,
    }


def answering_context(arena: Arena, battle: Battle, voter: Voter) -> dict[str, object]:
    shown = show_battle(battle)
    return {
        "arena": arena,
        "battle_id": battle.public_id,
        "prompt_text": shown.prompt_text,
        "prompt_media_url": shown.prompt_media_url,
        "letters": [slot.letter for slot in shown.slots],  # and nothing else of the slots
        "streams": arena.modality == Modality.TEXT,
        "token": tokens.issue(battle, voter.public_id),
    }
