"""Celery tasks of live prompts. They run where models may be loaded, and each can run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from arena.battles.models import Battle, BattleState
from arena.generation.tasks import start_pumps

from .actions import admit_prompt, review_answers, settle

log = logging.getLogger(__name__)


@shared_task(name="arena.live.admit")
def admit(battle: int) -> None:
    admit_prompt(battle)


@shared_task(name="arena.live.see_to_all")
def see_to_all() -> None:
    """Catch up with what a process that died left undone, and void what takes too long."""
    preparing = list(Battle.objects.filter(state=BattleState.PREPARING).values_list("pk", flat=True))
    for battle in preparing:
        try:
            admit_prompt(battle)
            review_answers(battle)
        except Exception:  # a moderator that does not work: nothing unseen is shown, and the time runs out
            log.exception("battle %s could not be moderated", battle)
        settle(battle)
    if preparing:
        start_pumps()
