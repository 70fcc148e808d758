"""Opening and skipping battles."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from arena.catalogue.models import Arena, ContestantState
from arena.generation.models import Candidate, CandidateState
from arena.matchmaking.choosing import Choice, choose
from arena.matchmaking.keeping import forget, goal_reached, knowledge_of, note_battle
from arena.matchmaking.rules import ArenaRules, rules_of
from arena.protocols import ProtocolChoice, drawn_by_lot
from arena.refusals import Conflict, NotAllowed
from arena.voters.models import Voter

from . import tokens
from .history import History, history_of, with_history
from .models import AWAITED, Battle, BattleSlot, BattleState
from .queries import open_battle_of, own_battle

_TRIES = 3  # choices from a stock that was out of date; each reads it anew


class BattleClosed(Conflict):
    code = "battle_closed"


class GoalReached(Conflict):
    code = "goal_reached"
    title = "Enough is known"


class NotOffered(NotAllowed):
    code = "protocol_not_offered"
    title = "This arena does not ask that way"


class VotingClosed(NotAllowed):
    code = "voting_closed"
    title = "This arena takes no ballots"


def open_battle(
    *, arena: Arena, voter: Voter, history: History | None = None, protocol: str | None = None
) -> Battle | None:
    """The voter's open battle in this arena, or a new one; None while no battle can be made of what is ready.

    Asking again before the ballot returns the same battle, so a reload neither costs a battle nor lets anyone shop
    for one. `history` spares a query where it was read with the voter; it is a hint, and what it says of a battle is
    checked again when the battle is read or written. `protocol` is that of a new battle, where the voter names one.
    """
    if not arena.is_open:
        raise VotingClosed(f"{arena.name} is closed for voting. Its leaderboard stays open.")
    if history is None:
        history = history_of(with_history(Voter.objects.filter(pk=voter.pk), arena).get())
    if history.has_open and (battle := open_battle_of(voter, arena)) is not None:
        return battle
    if goal_reached(arena):
        raise GoalReached(f"{arena.name} has reached its goal: it knows enough and asks for no more ballots.")
    protocol = protocol or protocol_for(arena, voter, history)
    chosen = _choose(arena, history, protocol)
    if chosen is None:
        return None
    rules, choice, candidates = chosen
    try:
        with transaction.atomic():
            if history.has_overdue:
                Battle.objects.overdue().filter(voter=voter, arena=arena).update(
                    state=BattleState.EXPIRED, closed_at=timezone.now()
                )
            battle = write_battle(
                arena=arena,
                voter=voter,
                protocol=protocol,
                rules=rules,
                choice=choice,
                candidates=candidates,
                seconds=60 * settings.BATTLE_MINUTES,
            )
    except IntegrityError:  # two tabs asked at once: the other one's battle is this voter's battle
        return open_battle_of(voter, arena)
    contestants = [candidate.revision.contestant_id for candidate in candidates]
    note_battle(arena, battle.pk, battle.prompt_id, contestants)
    return battle


def protocol_for(arena: Arena, voter: Voter, history: History) -> str:
    """How this voter is asked next: as the lot says, else as last time, else as the arena usually asks."""
    offered = arena.protocols
    if arena.protocol_choice == ProtocolChoice.BY_LOT:
        return drawn_by_lot(offered, f"{arena.pk}/{voter.public_id}")
    return history.protocol if history.protocol in offered else arena.protocol


def switch_protocol(*, arena: Arena, voter: Voter, token: str, protocol: str) -> Battle | None:
    """Ask the voter in another way from now on; returns the battle that is open then, None if there is none.

    The open battle stays, unless battles of the other protocol have another size: then it is skipped for a new one.
    """
    if arena.protocol_choice == ProtocolChoice.BY_LOT or protocol not in arena.protocols:
        raise NotOffered(f"{arena.name} does not let you judge by {protocol[:40]!r}. Go on as the page asks.")
    named = tokens.read(token)
    with transaction.atomic():
        battle = locked_battle(named, voter, arena)
        if battle.state == BattleState.OPEN and arena.size_of(protocol) == arena.size_of(battle.protocol):
            battle.protocol = protocol
            battle.save(update_fields=["protocol"])
            return battle
    if battle.state in AWAITED:
        skip_battle(arena=arena, voter=voter, token=token, reason="protocol")
    return open_battle(arena=arena, voter=voter, protocol=protocol)


def skip_battle(*, voter: Voter, token: str, reason: str = "", arena: Arena | None = None) -> Battle:
    """Close a battle without a ballot. Skipping twice is skipping once."""
    named = tokens.read(token)
    with transaction.atomic():
        battle = locked_battle(named, voter, arena)
        if battle.state == BattleState.VOTED:
            raise BattleClosed("You have already voted on this battle, so it cannot be skipped. Go on to the next one.")
        if battle.state in AWAITED:
            battle.state = BattleState.SKIPPED
            battle.skip_reason = reason.replace("\x00", "")[:40]
            battle.closed_at = timezone.now()
            battle.save(update_fields=["state", "skip_reason", "closed_at"])
            withdraw_queued(battle)
    return battle


def withdraw_queued(battle: Battle) -> None:
    """Nobody waits any more for what is still to be made for a battle. What is being made is finished."""
    waiting = Candidate.objects.filter(slots__battle=battle, state__in=[CandidateState.HELD, CandidateState.QUEUED])
    waiting.update(state=CandidateState.WITHDRAWN)


def locked_battle(named: tokens.BattleToken, voter: Voter, arena: Arena | None = None) -> Battle:
    """The battle that a token names, locked until the end of the transaction.

    Refused to anybody but its voter and, with `arena`, in any other arena.
    """
    battles = Battle.objects.select_for_update(of=("self",)).select_related("arena", "prompt")
    return own_battle(voter, arena, named, battles)


def dice() -> np.random.Generator:
    """What battles are drawn with; tests put known ones in its place."""
    return np.random.default_rng()


def _choose(arena: Arena, history: History, protocol: str) -> tuple[ArenaRules, Choice, list[Candidate]] | None:
    """A battle by the arena's rules, with a candidate for each slot. One query, and two more if one was withdrawn."""
    rules = rules_of(arena, protocol)
    for _ in range(_TRIES):
        knowledge = knowledge_of(arena)
        choice = choose(
            knowledge,
            size=rules.size,
            policy=rules.policy,
            rules=rules.rules,
            audit=rules.audit,
            prompt_choice=rules.prompt_choice,
            quota=rules.quota,
            seen=history.seen,
            lately=history.lately,
            rng=dice(),
        )
        if choice is None:
            return None
        prompt = int(knowledge.stock.prompts[choice.prompt])
        contestants = [int(knowledge.stock.contestants[index]) for index in choice.contestants]
        candidates = _candidates(prompt, contestants)
        if candidates is not None:
            return rules, choice, candidates
        forget(arena.pk)  # something was withdrawn since the stock was read
    return None


def _candidates(prompt: int, contestants: Sequence[int]) -> list[Candidate] | None:
    """One of the ready candidates of each contestant's newest revision that has some, or None where one has none."""
    ready = (
        Candidate.objects.ready()
        .filter(
            prompt=prompt,
            prompt__is_active=True,
            revision__contestant__in=contestants,
            revision__contestant__state=ContestantState.ACTIVE,
        )
        .select_related("prompt", "revision")
        .defer("failure", "library_versions", "revision__settings")
    )
    newest: dict[int, list[Candidate]] = {}
    for candidate in sorted(ready, key=lambda candidate: candidate.revision.number):
        others = newest.get(candidate.revision.contestant_id, [])
        same = others and others[0].revision_id == candidate.revision_id
        newest[candidate.revision.contestant_id] = [*others, candidate] if same else [candidate]
    if len(newest) < len(contestants):
        return None
    return [secrets.choice(newest[contestant]) for contestant in contestants]


def write_battle(
    *,
    arena: Arena,
    voter: Voter,
    protocol: str,
    rules: ArenaRules,
    choice: Choice,
    candidates: Sequence[Candidate],
    state: BattleState = BattleState.OPEN,
    seconds: float,
) -> Battle:
    """A battle of candidates of one prompt, in their order, with how it was chosen; it is good for some seconds."""
    battle = Battle.objects.create(
        arena=arena,
        prompt=candidates[0].prompt,
        voter=voter,
        protocol=protocol,
        state=state,
        policy=rules.policy.name,
        policy_parameters=rules.described(),
        probability=choice.probability,
        uniform_probability=choice.uniform,
        probability_exact=choice.exact,
        expires_at=timezone.now() + timedelta(seconds=seconds),
    )
    slots = BattleSlot.objects.bulk_create(
        BattleSlot(battle=battle, position=position, candidate=candidate)
        for position, candidate in enumerate(candidates)
    )
    battle._prefetched_objects_cache = {"slots": slots}  # type: ignore[attr-defined]  # spares reading them back
    return battle
