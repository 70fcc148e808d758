"""Reading battles that are being prepared: blind, by position."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache

from arena.battles import tokens
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.prompts.models import Origin
from arena.refusals import NotFound
from arena.voters.models import Voter

from .streaming import Reader, key_of

_WATCHED_SECONDS = 6


@dataclass(frozen=True)
class Place:
    """A slot as the server knows it: whose text to look up, and what is final. Never sent as it is."""

    candidate: int
    text: str | None  # of a finished answer; "" for a picture; None while it is being made


@dataclass(frozen=True)
class Progress:
    """Where a battle stands. `version` changes when it is worth reading again."""

    state: BattleState
    places: tuple[Place, ...]
    version: str


def asked_battle(voter: Voter, arena: Arena, battle_id: uuid.UUID) -> Battle:
    """The battle of a live prompt, for whoever asked it. Two queries."""
    battles = Battle.objects.with_slots().filter(public_id=battle_id, voter=voter, arena=arena)
    battle = battles.filter(prompt__origin=Origin.LIVE).first()
    if battle is None:
        raise NotFound("There is no prompt of yours under this address.")
    return battle


def battle_of_token(token: str) -> Battle | None:
    """The battle that a page shows; the token is the permission, since only its voter was given it."""
    try:
        named = tokens.read(token)
    except tokens.ForgedToken:
        return None
    battles = Battle.objects.filter(public_id=named.battle, voter__public_id=named.voter, prompt__origin=Origin.LIVE)
    return battles.select_related("arena").first()


def progress_of(battle_id: int) -> Progress:
    """Two queries and a look into the cache, first, so that a change in between is read again."""
    version = cache.get(version_key(battle_id), "")
    battle = Battle.objects.get(pk=battle_id)
    slots = battle.slots.select_related("candidate__review").order_by("position")
    places = []
    for slot in slots:
        candidate = slot.candidate
        places.append(Place(candidate.pk, candidate.text if may_be_shown(candidate) else None))
    return Progress(BattleState(battle.state), tuple(places), version)


def may_be_shown(candidate: Candidate) -> bool:
    """Whether an answer is ready and has passed moderation. `candidate` is read with its review."""
    return candidate.state == CandidateState.READY and hasattr(candidate, "review") and not candidate.review.refused


def look(battle_id: int, places: Sequence[Place], reader: Reader) -> tuple[list[str], str]:
    """What each slot has so far, and the version of the battle, from the cache: nothing is asked of the database."""
    growing = [place.candidate for place in places if place.text is None]
    found = cache.get_many([version_key(battle_id), *map(key_of, growing)])
    written = reader.texts(growing, found)
    texts = [written[place.candidate] if place.text is None else place.text for place in places]
    return texts, found.get(version_key(battle_id), "")


def version_key(battle_id: int) -> str:
    return f"live-version:{battle_id}"


def mark_watched(battle_id: int) -> None:
    """A page shows the answers as they come; it must not be interrupted by its own polling."""
    cache.set(f"live-watched:{battle_id}", True, _WATCHED_SECONDS)


def is_watched(battle_id: int) -> bool:
    return bool(cache.get(f"live-watched:{battle_id}"))
