"""Reading battles: every way to reach one goes through these functions, which know who may see it."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from arena.catalogue.models import Arena
from arena.refusals import NotAllowed, NotFound
from arena.voters.models import Voter

from .models import AWAITED, Battle, BattleSlot
from .tokens import BattleToken, ForgedToken


def open_battle_of(voter: Voter, arena: Arena) -> Battle | None:
    """The battle that awaits this voter's ballot, overdue or not, with prompt and slots, nothing about contestants.

    Two queries; one if there is none.
    """
    return Battle.objects.filter(state__in=AWAITED).with_slots().filter(voter=voter, arena=arena).first()


class NotYourBattle(NotAllowed):
    code = "battle_of_another_voter"
    title = "This battle belongs to another voter"


def own_battle(
    voter: Voter, arena: Arena | None, named: BattleToken, battles: QuerySet[Battle] | None = None
) -> Battle:
    """The battle that a token names, of its voter and, with `arena`, of this arena alone; refused to anybody else."""
    battle = (Battle.objects.all() if battles is None else battles).filter(public_id=named.battle).first()
    if battle is None:
        raise ForgedToken("This battle no longer exists. Open a new one.")
    if arena is not None and battle.arena_id != arena.pk:
        raise ForgedToken(f"This battle does not belong to {arena.name}. Vote in the arena that showed it.")
    if named.voter != voter.public_id or battle.voter_id != voter.pk:
        raise NotYourBattle(
            "The battle was opened for somebody else, or you have signed in or out since. "
            "Open a new battle and vote there."
        )
    return battle


def slot_by_media_token(token: uuid.UUID) -> BattleSlot:
    """The slot whose media is served under a random name; the name is the permission (122 random bits)."""
    slot = BattleSlot.objects.select_related("candidate").filter(media_token=token).first()
    if slot is None or not slot.candidate.media:
        raise NotFound("There is no picture under this address.")
    return slot
