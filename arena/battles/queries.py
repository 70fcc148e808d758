"""Reading battles: every way to reach one goes through these functions, which know who may see it."""

from __future__ import annotations

import uuid

from arena.catalogue.models import Arena
from arena.refusals import NotFound
from arena.voters.models import Voter

from .models import AWAITED, Battle, BattleSlot


def open_battle_of(voter: Voter, arena: Arena) -> Battle | None:
    """The battle that awaits this voter's ballot, overdue or not, with prompt and slots, nothing about contestants.

    Two queries; one if there is none.
    """
    return Battle.objects.filter(state__in=AWAITED).with_slots().filter(voter=voter, arena=arena).first()


def slot_by_media_token(token: uuid.UUID) -> BattleSlot:
    """The slot whose media is served under a random name; the name is the permission (122 random bits)."""
    slot = BattleSlot.objects.select_related("candidate").filter(media_token=token).first()
    if slot is None or not slot.candidate.media:
        raise NotFound("There is no picture under this address.")
    return slot
