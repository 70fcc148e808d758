"""What the arena tells the layers above it. Sent after the transaction has committed, never inside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

# Sent with `arena_id`: ballots of this arena have been recorded, superseded or retracted.
ballots_changed = Signal()
# Sent with `candidate` and `text` while it is being made: what a contestant has written further for somebody who waits.
text_written = Signal()
# Sent with `candidates`, ids: what somebody waits for is ready, or has failed for good.
candidates_settled = Signal()


def announce_ballots(arena_id: int) -> None:
    """Send `ballots_changed` when the current transaction commits. A listener that fails cannot undo the ballot."""
    transaction.on_commit(partial(ballots_changed.send_robust, sender=None, arena_id=arena_id), robust=True)


def announce_text(candidate: Any, text: str) -> None:
    text_written.send_robust(sender=None, candidate=candidate, text=text)


def announce_candidates(candidates: Sequence[int]) -> None:
    """Send `candidates_settled` when the current transaction commits."""
    if candidates:
        settled = partial(candidates_settled.send_robust, sender=None, candidates=list(candidates))
        transaction.on_commit(settled, robust=True)
