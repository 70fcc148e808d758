"""Casting and retracting ballots."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from arena.battles import tokens
from arena.battles.actions import BattleClosed, locked_battle
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.events import announce_ballots
from arena.refusals import Gone, NotAllowed
from arena.voters.models import Voter

from .judgements import Judgement, check_judgement
from .models import Ballot
from .remarks import NO_REMARKS, Remarks, check_remarks, keep_remarks
from .watermark import hold_for_writing


class BattleExpired(Gone):
    code = "battle_expired"


@transaction.atomic
def cast_ballot(
    *, voter: Voter, token: str, judgement: Judgement, remarks: Remarks = NO_REMARKS, arena: Arena | None = None
) -> Ballot:
    """Record a voter's judgement of the battle that the token names, once; with `arena`, of a battle of it alone.

    Sent again, with the same or another judgement, it returns the ballot that was recorded first: a ballot is locked
    when it is cast, and the names were shown after it.
    """
    battle = locked_battle(tokens.read(token), voter, arena)
    first = Ballot.objects.filter(battle=battle, supersedes=None).first()
    if first is not None:
        return first
    _require_open(battle)
    slots = list(battle.slots.select_related("candidate__revision").order_by("position"))
    check_judgement(judgement, battle.protocol, len(slots), steps=battle.arena.graded_steps)
    check_remarks(remarks, battle.arena, len(slots))
    hold_for_writing(battle.arena_id)
    ballot = Ballot.objects.create(
        arena_id=battle.arena_id,
        battle=battle,
        prompt_id=battle.prompt_id,
        voter=voter,
        voter_kind=voter.kind,
        protocol=battle.protocol,
        contestants=[slot.candidate.revision.contestant_id for slot in slots],
        ranks=list(judgement.ranks),
        all_bad=judgement.all_bad,
        strength=judgement.strength,
        categories=battle.prompt.categories,
        duration_ms=judgement.duration_ms,
    )
    keep_remarks(ballot, remarks)
    battle.state = BattleState.VOTED
    battle.closed_at = timezone.now()
    battle.save(update_fields=["state", "closed_at"])
    announce_ballots(battle.arena_id)
    return ballot


@transaction.atomic
def retract_ballot(*, voter: Voter, ballot: Ballot) -> Ballot:
    """Take a ballot out of the count by writing a further row. Retracting twice is retracting once."""
    if ballot.voter_id != voter.pk:
        raise NotAllowed("Only its voter can retract a ballot.")
    if ballot.battle is not None:  # puts two retractions at once in order
        Battle.objects.select_for_update().get(pk=ballot.battle.pk)
    later = Ballot.objects.filter(supersedes=ballot).first()
    if later is not None:
        return later
    hold_for_writing(ballot.arena_id)
    retraction = Ballot.objects.create(
        arena_id=ballot.arena_id,
        battle_id=ballot.battle_id,
        prompt_id=ballot.prompt_id,
        voter=voter,
        voter_kind=ballot.voter_kind,
        protocol=ballot.protocol,
        contestants=ballot.contestants,
        ranks=[None] * len(ballot.contestants),
        supersedes=ballot,
        retracts=True,
    )
    announce_ballots(ballot.arena_id)
    return retraction


def _require_open(battle: Battle) -> None:
    if battle.state == BattleState.SKIPPED:
        raise BattleClosed("You skipped this battle. Go on to the next one.")
    if battle.state == BattleState.PREPARING:
        raise BattleClosed("The answers are not complete yet. The ballot opens when all of them are there.")
    if battle.state == BattleState.VOID:
        raise BattleClosed("This battle could not be completed, so nothing was counted. Go on to the next one.")
    if battle.state == BattleState.EXPIRED or battle.expires_at <= timezone.now():
        raise BattleExpired("The battle was left open too long and has expired. Open a new one; nothing was counted.")
