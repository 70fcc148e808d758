"""Reporting an output, and what staff makes of the report."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from arena.accounts.models import User
from arena.battles import tokens
from arena.battles.actions import locked_battle, withdraw_queued
from arena.battles.models import AWAITED, LETTERS, Battle, BattleSlot, BattleState
from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.matchmaking.keeping import forget
from arena.refusals import Invalid
from arena.voters.models import Voter

from .models import Flag, FlagKind, FlagState

MOST_NOTE = 500  # characters


class BadFlag(Invalid):
    code = "flag_invalid"
    title = "This report cannot be taken"


@transaction.atomic
def raise_flag(*, arena: Arena, voter: Voter, token: str, letter: str, kind: str, note: str = "") -> Flag:
    """Report an output of one's own battle, before the ballot or after it. The same report twice is one.

    A note sent with the second replaces the first only where the first had none.
    """
    battle = locked_battle(tokens.read(token), voter, arena)
    note = note.replace("\x00", "").strip()
    if kind not in FlagKind.values:
        raise BadFlag(f"{kind[:40]!r} is no kind of report. Choose one of: {', '.join(FlagKind.values)}.")
    if len(note) > MOST_NOTE:
        raise BadFlag(f"The note has {len(note)} characters; {MOST_NOTE} are allowed. Shorten it.")
    position = LETTERS.find(letter.upper()) if len(letter) == 1 else -1
    slot = battle.slots.filter(position=position).first()
    if slot is None:
        raise BadFlag("Say which candidate you mean, by its letter.")
    told = battle.state == BattleState.VOTED
    flag, made = Flag.objects.get_or_create(
        slot=slot, voter=voter, kind=kind, defaults={"note": note, "after_ballot": told}
    )
    if not made and note and not flag.note:
        flag.note = note
        flag.save(update_fields=["note"])
    return flag


@transaction.atomic
def settle_flags(*, flags: Collection[int], by: User, uphold: bool) -> int:
    """Uphold open flags, which takes their outputs out of all battles to come and open ones, or dismiss them.

    Returns how many were settled; what was settled before stays as it is.
    """
    settled = list(Flag.objects.open().select_for_update(of=("self",)).filter(pk__in=flags).select_related("slot"))
    candidates = {flag.slot.candidate_id for flag in settled} if uphold else set()
    now = timezone.now()
    state = FlagState.UPHELD if uphold else FlagState.DISMISSED
    Flag.objects.filter(pk__in=[flag.pk for flag in settled]).update(state=state, settled_at=now, settled_by=by)
    if candidates:
        Candidate.objects.filter(pk__in=candidates, state=CandidateState.READY).update(state=CandidateState.WITHDRAWN)
        showing = BattleSlot.objects.filter(candidate__in=candidates).values("battle")
        # Locked, so that a ballot that is being cast is waited for, and its battle left alone.
        for battle in Battle.objects.select_for_update().filter(state__in=AWAITED, pk__in=showing):
            battle.state, battle.skip_reason, battle.closed_at = BattleState.VOID, "withdrawn", now
            battle.save(update_fields=["state", "skip_reason", "closed_at"])
            withdraw_queued(battle)
        transaction.on_commit(forget)
    return len(settled)
