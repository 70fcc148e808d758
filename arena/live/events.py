"""Live prompts follow the workers: what is written goes to the pages, what is settled moves its battle on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arena.events import candidates_settled, text_written
from arena.generation.actions import MOST_TEXT_BYTES, fail_candidates

from .streaming import Scribe


def give_up(candidate: Any) -> None:
    """An answer without end must not be waited for: it has failed, and its slot goes to somebody else."""
    message = f"the text has more than {MOST_TEXT_BYTES} bytes, and no end so far"
    fail_candidates(candidates=[candidate], lease=candidate.lease, message=message, permanent=True)


SCRIBE = Scribe(too_long=give_up)  # of this process


def listen() -> None:
    text_written.connect(on_text_written, dispatch_uid="arena.live")
    candidates_settled.connect(on_candidates_settled, dispatch_uid="arena.live")


def on_text_written(sender: Any, candidate: Any, text: str, **kwargs: Any) -> None:
    SCRIBE.write(candidate, text)


def on_candidates_settled(sender: Any, candidates: Sequence[int], **kwargs: Any) -> None:
    from arena.battles.models import Battle, BattleState

    from .actions import moderate, settle

    preparing = Battle.objects.filter(state=BattleState.PREPARING, slots__candidate__in=candidates)
    for battle in set(preparing.values_list("pk", flat=True)):
        moderate(battle)
        settle(battle)
