"""What the arena tells the layers above it. Sent after the transaction has committed, never inside it."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.dispatch import Signal

# Sent with `arena_id`: ballots of this arena have been recorded, superseded or retracted.
ballots_changed = Signal()


def announce_ballots(arena_id: int) -> None:
    """Send `ballots_changed` when the current transaction commits. A listener that fails cannot undo the ballot."""
    transaction.on_commit(partial(ballots_changed.send_robust, sender=None, arena_id=arena_id), robust=True)
