"""Opening and skipping battles."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from arena.catalogue.models import Arena, ContestantState
from arena.generation.models import Candidate
from arena.matchmaking.policies import uniform
from arena.refusals import Conflict, NotAllowed
from arena.voters.models import Voter

from . import tokens
from .history import History, history_of, with_history
from .models import Battle, BattleSlot, BattleState
from .queries import open_battle_of


class BattleClosed(Conflict):
    code = "battle_closed"


class NotYourBattle(NotAllowed):
    code = "battle_of_another_voter"
    title = "This battle belongs to another voter"


class VotingClosed(NotAllowed):
    code = "voting_closed"
    title = "This arena takes no ballots"


def open_battle(*, arena: Arena, voter: Voter, history: History | None = None) -> Battle | None:
    """The voter's open battle in this arena, or a new one; None while no battle can be made of what is ready.

    Asking again before the ballot returns the same battle, so a reload neither costs a battle nor lets anyone shop
    for one. `history` spares a query where it was read with the voter; it is a hint, and what it says of a battle is
    checked again when the battle is read or written.
    """
    if not arena.is_open:
        raise VotingClosed(f"{arena.name} is closed for voting. Its leaderboard stays open.")
    if history is None:
        history = history_of(with_history(Voter.objects.filter(pk=voter.pk), arena).get())
    if history.has_open and (battle := open_battle_of(voter, arena)) is not None:
        return battle
    choice, candidates = _choose(arena, history)
    if choice is None:
        return None
    try:
        with transaction.atomic():
            if history.has_overdue:
                Battle.objects.overdue().filter(voter=voter, arena=arena).update(
                    state=BattleState.EXPIRED, closed_at=timezone.now()
                )
            return _write(arena, voter, choice, candidates)
    except IntegrityError:  # two tabs asked at once: the other one's battle is this voter's battle
        return open_battle_of(voter, arena)


def skip_battle(*, voter: Voter, token: str, reason: str = "", arena: Arena | None = None) -> Battle:
    """Close a battle without a ballot. Skipping twice is skipping once."""
    named = tokens.read(token)
    with transaction.atomic():
        battle = locked_battle(named, voter, arena)
        if battle.state == BattleState.VOTED:
            raise BattleClosed("You have already voted on this battle, so it cannot be skipped. Go on to the next one.")
        if battle.state == BattleState.OPEN:
            battle.state = BattleState.SKIPPED
            battle.skip_reason = reason.replace("\x00", "")[:40]
            battle.closed_at = timezone.now()
            battle.save(update_fields=["state", "skip_reason", "closed_at"])
    return battle


def locked_battle(named: tokens.BattleToken, voter: Voter, arena: Arena | None = None) -> Battle:
    """The battle that a token names, locked until the end of the transaction.

    Refused to anybody but its voter and, with `arena`, in any other arena.
    """
    battles = Battle.objects.select_for_update(of=("self",)).select_related("arena", "prompt")
    battle = battles.filter(public_id=named.battle).first()
    if battle is None:
        raise tokens.ForgedToken("This battle no longer exists. Open a new one.")
    if arena is not None and battle.arena_id != arena.pk:
        raise tokens.ForgedToken(f"This battle does not belong to {arena.name}. Vote in the arena that showed it.")
    if named.voter != voter.public_id or battle.voter_id != voter.pk:
        raise NotYourBattle(
            "The battle was opened for somebody else, or you have signed in or out since. "
            "Open a new battle and vote there."
        )
    return battle


def _choose(arena: Arena, history: History) -> tuple[uniform.Choice | None, dict[tuple[int, int], Candidate]]:
    """Ask the policy. One query, for the ready candidates."""
    candidates: dict[tuple[int, int], Candidate] = {}
    ready = (
        Candidate.objects.ready()
        .filter(
            prompt__arena=arena,
            prompt__is_active=True,
            revision__contestant__state=ContestantState.ACTIVE,
        )
        .order_by("revision__number", "-number")
        .select_related("prompt", "revision")
        .defer("failure", "library_versions", "revision__settings")
    )
    for candidate in ready:  # the last written wins: the newest revision's first candidate
        candidates[candidate.prompt_id, candidate.revision.contestant_id] = candidate
    eligible: dict[int, list[int]] = defaultdict(list)
    for prompt, contestant in candidates:
        eligible[prompt].append(contestant)
    return uniform.choose(eligible, arena.battle_size, history.seen, np.random.default_rng()), candidates


def _write(arena: Arena, voter: Voter, choice: uniform.Choice, candidates: dict[tuple[int, int], Candidate]) -> Battle:
    chosen = [candidates[choice.prompt, contestant] for contestant in choice.contestants]
    battle = Battle.objects.create(
        arena=arena,
        prompt=chosen[0].prompt,
        voter=voter,
        protocol=arena.protocol,
        policy="uniform",
        policy_parameters={"size": arena.battle_size},
        probability=choice.probability,
        expires_at=timezone.now() + timedelta(minutes=settings.BATTLE_MINUTES),
    )
    slots = BattleSlot.objects.bulk_create(
        BattleSlot(battle=battle, position=position, candidate=candidate) for position, candidate in enumerate(chosen)
    )
    battle._prefetched_objects_cache = {"slots": slots}  # type: ignore[attr-defined]  # spares reading them back
    return battle
