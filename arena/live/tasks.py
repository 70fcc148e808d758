"""Celery tasks of live prompts. Each can run twice.

Those that ask moderation may load models, and have a queue of their own. The watch loads none: it only asks for them.
"""

from __future__ import annotations

import logging

from celery import shared_task
from django.core.cache import cache

from arena.battles.models import Battle, BattleState
from arena.generation.tasks import start_pumps

from .actions import admit_prompt, moderate, review_answers, settle
from .moderation import checked, moderators
from .streaming import note_verdict

log = logging.getLogger(__name__)
_LOST_SECONDS = 30  # after which a review that was asked for and did not begin is asked for again


@shared_task(name="arena.live.review")
def review(battle: int) -> None:
    """Let moderation look at what it has not seen of a battle, and bring the battle further."""
    cache.delete(_review_key(battle))  # first: for what is ready from now on another review is needed
    try:
        admit_prompt(battle)
        review_answers(battle)
    except Exception:  # a moderator that does not work: nothing unseen is shown, and the time runs out
        log.exception("battle %s could not be moderated", battle)
    settle(battle)


def ask_for_review(battle: int) -> None:
    """Ask for a review, unless one was asked for that has not begun."""
    if cache.add(_review_key(battle), True, _LOST_SECONDS):
        review.delay(battle)


def _review_key(battle: int) -> str:
    return f"live-review:{battle}"


@shared_task(name="arena.live.read_on")
def read_on(candidate: int, attempt: str, text: str, length: int) -> None:
    """Let moderation look at what is new of an answer: at `text`, with which its first `length` characters end."""
    note_verdict(candidate, attempt, length, refused=checked(text, moderators()).refused)


@shared_task(name="arena.live.see_to_all")
def see_to_all() -> None:
    """Catch up with what a process that died left undone, and void what takes too long."""
    preparing = list(Battle.objects.filter(state=BattleState.PREPARING).values_list("pk", flat=True))
    for battle in preparing:
        try:
            moderate(battle)
        except Exception:  # a list that cannot be read: nothing unseen is shown, and the time runs out
            log.exception("battle %s could not be moderated", battle)
        settle(battle)
    if preparing:
        start_pumps()
