"""Asking a live prompt, and what becomes of its battle: answers, replacements, or void without blame."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from arena.battles.actions import GoalReached, VotingClosed, dice, protocol_for, withdraw_queued, write_battle
from arena.battles.history import History, history_of, with_history
from arena.battles.models import AWAITED, Battle, BattleSlot, BattleState
from arena.catalogue.models import Arena, ContestantRevision, Modality
from arena.generation.actions import candidate_seed, newest_revisions
from arena.generation.backends.protocol import Media
from arena.generation.backends.registry import backend_names
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.tasks import start_pumps
from arena.matchmaking.keeping import goal_reached, knowledge_of, note_battle
from arena.matchmaking.rules import rules_of
from arena.prompts.models import Origin, Prompt
from arena.refusals import Refusal
from arena.voters.models import Voter

from .choosing import at_hand, choose_others, choose_set
from .limits import check_rate
from .models import Review
from .moderation import Verdict, checked, moderators, needs_worker, word_list
from .queries import may_be_shown, version_key
from .refusals import (
    BadUpload,
    NoLivePrompts,
    PromptRefused,
    PromptUnfit,
    StillAnswering,
    TooFewContestants,
)
from .uploads import check_size, discard_upload, fingerprint, keep_upload, read_upload

log = logging.getLogger(__name__)
MOST_REPLACEMENTS = 2
_FAILED = {CandidateState.FAILED, CandidateState.WITHDRAWN}
REFUSAL = "This arena's moderation refused the prompt. Put it differently, or ask something else."


@dataclass(frozen=True)
class Asked:
    """What a voter wants to ask, and from where (an address of the network, for the limit of anonymous voters)."""

    text: str
    upload: UploadedFile | None = None
    address: str = ""


def ask(*, arena: Arena, voter: Voter, asked: Asked) -> Battle:
    """Let contestants answer a voter's prompt. Returns the battle, which is preparing until all have.

    Whatever battle was open is skipped. The same prompt again, while it is being answered, returns the same battle.
    """
    asked = replace(asked, text=asked.text.replace("\x00", "").replace("\r\n", "\n").strip())
    _require_open(arena)
    if asked.upload is not None:
        check_size(asked.upload)
    running = Battle.objects.open().filter(voter=voter, arena=arena, state=BattleState.PREPARING)
    if (battle := running.select_related("prompt").first()) is not None:
        return _same(battle, asked)
    _check_form(arena, asked)
    check_rate(arena, voter, asked.address)
    if (verdict := word_list().check(asked.text)).refused:
        keep_refusal(arena, voter, asked.text, verdict)
        raise PromptRefused(REFUSAL)
    picture = None if asked.upload is None else read_upload(asked.upload)
    history = history_of(with_history(Voter.objects.filter(pk=voter.pk), arena).get())
    media = "" if picture is None else keep_upload(picture)
    prompt = Prompt(
        arena=arena,
        text=asked.text,
        media=media,
        media_type="" if picture is None else picture.media_type,
        licence=arena.data_licence,
        origin=Origin.LIVE,
        asked_by=voter,
        is_active=False,
    )
    prompt.external_id = f"live-{prompt.public_id}"
    cache.set(_upload_key(prompt), fingerprint(asked.upload), settings.LIVE_SECONDS + 60)
    try:
        with transaction.atomic():
            battle = _write(prompt, voter, history)
    except Refusal:
        discard_upload(media)
        raise
    except (IntegrityError, _AskedMeanwhile):  # two tabs asked at once
        discard_upload(media)
        other = running.select_related("prompt").first()
        if other is None:
            raise
        return _same(other, asked)
    _set_off(battle)
    return battle


class _AskedMeanwhile(Exception):
    """Another request of the same voter was quicker."""


def _require_open(arena: Arena) -> None:
    if not arena.live_prompts:
        raise NoLivePrompts(f"{arena.name} takes no prompts from voters. You can vote on its own.")
    if not arena.is_open:
        raise VotingClosed(f"{arena.name} is closed for voting. Its leaderboard stays open.")
    if goal_reached(arena):
        raise GoalReached(f"{arena.name} has reached its goal: it knows enough and asks for no more ballots.")


def _check_form(arena: Arena, asked: Asked) -> None:
    if not asked.text:
        raise PromptUnfit("The prompt is empty. Write what the contestants should do.")
    if len(asked.text) > arena.live_prompt_length:
        raise PromptUnfit(
            f"The prompt has {len(asked.text):,} characters; {arena.live_prompt_length:,} are allowed. Shorten it."
        )
    if arena.modality == Modality.IMAGE_EDIT and asked.upload is None:
        raise BadUpload("Choose the picture that the contestants should edit.")
    if arena.modality != Modality.IMAGE_EDIT and asked.upload is not None:
        raise BadUpload(f"{arena.name} takes no pictures with a prompt. Ask with words alone.")


def _same(battle: Battle, asked: Asked) -> Battle:
    """The battle that is being prepared, if this is its prompt: the same words about the same picture."""
    same_upload = cache.get(_upload_key(battle.prompt), "") == fingerprint(asked.upload)
    if battle.prompt.text == asked.text and same_upload:
        return battle
    raise StillAnswering("Wait for its answers or cancel it. Then ask the next one; nothing of it was sent.")


def _upload_key(prompt: Prompt) -> str:
    """Of the fingerprint of what came with a prompt: comparing that costs no decoding."""
    return f"live-upload:{prompt.public_id}"


def _write(prompt: Prompt, voter: Voter, history: History) -> Battle:
    arena = prompt.arena
    protocol = protocol_for(arena, voter, history)
    rules = rules_of(arena, protocol)
    able = {revision.contestant_id: revision for revision in answering(arena)}
    knowledge = at_hand(knowledge_of(arena), able)
    choice = choose_set(knowledge, rules, history.lately, dice())
    if choice is None:
        raise TooFewContestants(
            f"{rules.size} contestants have to answer, and only {len(able)} can at the moment. "
            "Come back later, or vote on the arena's own prompts."
        )
    for former in Battle.objects.select_for_update().filter(voter=voter, arena=arena, state__in=AWAITED):
        if former.state == BattleState.PREPARING and former.expires_at > timezone.now():
            raise _AskedMeanwhile
        former.state = BattleState.SKIPPED
        former.skip_reason = "asked"
        former.closed_at = timezone.now()
        former.save(update_fields=["state", "skip_reason", "closed_at"])
        withdraw_queued(former)
    prompt.save()
    awaited = CandidateState.HELD if needs_worker() else CandidateState.QUEUED
    revisions = [able[int(knowledge.stock.contestants[index])] for index in choice.contestants]
    candidates = [_candidate(revision, prompt, awaited) for revision in revisions]
    return write_battle(
        arena=arena,
        voter=voter,
        protocol=protocol,
        rules=rules,
        choice=choice,
        candidates=candidates,
        state=BattleState.PREPARING,
        seconds=settings.LIVE_SECONDS,
    )


def answering(arena: Arena) -> list[ContestantRevision]:
    """The newest revision of each active contestant that can answer now: imported ones cannot."""
    names = backend_names()
    return [revision for revision in newest_revisions(arena) if revision.backend in names]


def _candidate(revision: ContestantRevision, prompt: Prompt, state: CandidateState) -> Candidate:
    seed = candidate_seed(revision, prompt.public_id, 0)
    return Candidate.objects.create(revision=revision, prompt=prompt, seed=seed, state=state, priority=WAITING)


def _set_off(battle: Battle) -> None:
    contestants = [slot.candidate.revision.contestant_id for slot in battle.slots.all()]
    note_battle(battle.arena, battle.pk, battle.prompt_id, contestants)
    if needs_worker():
        moderate(battle.pk)
    else:
        start_pumps()


def keep_refusal(arena: Arena, voter: Voter, text: str, verdict: Verdict) -> None:
    Review.objects.create(
        arena=arena,
        voter=voter,
        prompt_text=text,
        refused=True,
        moderator=verdict.moderator[:200],
        reason=verdict.reason[:300],
    )


def moderate(battle_id: int) -> None:
    """Let moderation look at what it has not seen of a battle: at once, or by a task if it has models."""
    from .tasks import ask_for_review

    if not needs_worker():
        admit_prompt(battle_id)
        review_answers(battle_id)
    elif _held(battle_id).exists() or _unseen(battle_id).exists():
        ask_for_review(battle_id)


def _held(battle_id: int) -> QuerySet[Candidate]:
    """Those that wait until moderation has looked at the prompt."""
    return Candidate.objects.filter(
        slots__battle=battle_id, slots__battle__state=BattleState.PREPARING, state=CandidateState.HELD
    )


def _unseen(battle_id: int) -> QuerySet[Candidate]:
    """Answers of a preparing battle that are ready and not moderated."""
    ready = Candidate.objects.ready().filter(slots__battle=battle_id, slots__battle__state=BattleState.PREPARING)
    return ready.filter(review=None)


def admit_prompt(battle_id: int) -> None:
    """Let moderation look at a prompt, then queue its candidates, or void its battle. It may load models."""
    battle = _preparing(battle_id)
    if battle is None or not _held(battle_id).exists():
        return
    verdict = checked(battle.prompt.text, moderators())
    if not verdict.refused and battle.prompt.media:
        verdict = checked(_media(battle.prompt), moderators())
    with transaction.atomic():
        battle = _preparing(battle_id, lock=True)
        if battle is None:
            return
        if verdict.refused:
            keep_refusal(battle.arena, battle.voter, battle.prompt.text, verdict)
            _void(battle, "prompt_refused")
        else:
            _held(battle_id).update(state=CandidateState.QUEUED)
    start_pumps()


def review_answers(battle_id: int) -> None:
    """Look at those answers of a preparing battle that are ready; a refused one is withdrawn. It may load models."""
    for candidate in _unseen(battle_id).select_related("prompt__arena", "prompt__asked_by"):
        subject = _seen(candidate) if candidate.media else candidate.text
        verdict = checked(subject, moderators())
        with transaction.atomic():
            review, made = Review.objects.get_or_create(
                candidate=candidate,
                defaults={
                    "arena": candidate.prompt.arena,
                    "voter": candidate.prompt.asked_by,
                    "refused": verdict.refused,
                    "moderator": verdict.moderator[:200],
                    "reason": verdict.reason[:300],
                },
            )
            if made and review.refused:
                candidate.state = CandidateState.WITHDRAWN
                candidate.save(update_fields=["state"])


def _seen(candidate: Candidate) -> Media:
    """What of an output in a file can be looked at: of a video the picture that stands for it."""
    if candidate.media_type.startswith("video/") and candidate.thumbnail:
        with candidate.thumbnail.open("rb") as file:
            return Media(file.read(), "image/webp")
    return _media(candidate)


def _media(row: Prompt | Candidate) -> Media:
    with row.media.open("rb") as file:
        return Media(file.read(), row.media_type)


def settle(battle_id: int) -> None:
    """Bring a preparing battle further: replace who failed, open it when all answers may be shown, or void it.

    Asked twice, or for a battle that is further already, it does nothing.
    """
    if _preparing(battle_id) is None:
        return
    with transaction.atomic():
        battle = _preparing(battle_id, lock=True)
        if battle is None:
            return
        slots = list(battle.slots.select_related("candidate__revision", "candidate__review"))
        failed = [slot for slot in slots if slot.candidate.state in _FAILED]
        if battle.expires_at <= timezone.now():
            if needs_worker() and (_held(battle_id).exists() or _unseen(battle_id).exists()):
                log.error("battle %s is void: it was not moderated in time. Is the queue moderation served?", battle_id)
            _void(battle, "too_slow")
        elif failed:
            _replace(battle, slots, failed)
        elif all(may_be_shown(slot.candidate) for slot in slots):
            battle.state = BattleState.OPEN
            battle.expires_at = timezone.now() + timedelta(minutes=settings.BATTLE_MINUTES)
            battle.save(update_fields=["state", "expires_at"])
        else:
            return
        transaction.on_commit(partial(_tell, battle.pk))
    if failed:
        start_pumps()


def _replace(battle: Battle, slots: Sequence[BattleSlot], failed: Sequence[BattleSlot]) -> None:
    """Give the places of those who failed to others, or void the battle."""
    arena = battle.arena
    rules = rules_of(arena, battle.protocol)
    history = history_of(with_history(Voter.objects.filter(pk=battle.voter_id), arena).get())
    past = history.lately[:-1]  # without this one
    able = {revision.contestant_id: revision for revision in answering(arena)}
    asked = Candidate.objects.filter(prompt=battle.prompt).values_list("revision__contestant_id", flat=True)
    staying = {slot.candidate.revision.contestant_id for slot in slots if slot not in failed}
    gone = set(asked) - staying
    knowledge = at_hand(
        knowledge_of(arena), {one: able[one] for one in able if one not in gone} | dict.fromkeys(staying)
    )
    joined = None
    if battle.replacements + len(failed) <= MOST_REPLACEMENTS:
        joined = choose_others(knowledge, rules, staying, past, dice())
    if joined is None:
        _void(battle, "no_contestant")
        return
    for slot, index in zip(failed, joined.contestants, strict=True):
        contestant = int(knowledge.stock.contestants[index])
        slot.candidate = _candidate(able[contestant], battle.prompt, CandidateState.QUEUED)
        slot.media_token = uuid.uuid4()
        slot.save(update_fields=["candidate", "media_token"])
    battle.replacements += len(failed)
    battle.probability, battle.uniform_probability = joined.probability, joined.uniform
    battle.probability_exact = False
    battle.save(update_fields=["replacements", "probability", "uniform_probability", "probability_exact"])


def _void(battle: Battle, reason: str) -> None:
    battle.state = BattleState.VOID
    battle.skip_reason = reason
    battle.closed_at = timezone.now()
    battle.save(update_fields=["state", "skip_reason", "closed_at"])
    withdraw_queued(battle)


def _preparing(battle_id: int, *, lock: bool = False) -> Battle | None:
    found = Battle.objects.select_for_update(of=("self",)) if lock else Battle.objects.all()
    found = found.filter(pk=battle_id, state=BattleState.PREPARING)
    return found.select_related("prompt", "voter", "arena").first()


def _tell(battle_id: int) -> None:
    """Let open pages read the battle anew."""
    cache.set(version_key(battle_id), uuid.uuid4().hex, 900)
