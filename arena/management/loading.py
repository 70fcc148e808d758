"""What the commands that load a file share: all or nothing, and what is wrong with it on lines of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from arena.refusals import ManyInvalid, Refusal


@contextmanager
def all_or_nothing(command: BaseCommand, path: Path) -> Iterator[None]:
    """A refusal ends the command with status 2, after every problem has been written to stderr."""
    try:
        yield
    except ManyInvalid as refusal:
        for problem in refusal.problems:
            command.stderr.write(f"{path}: {problem}")
        count = len(refusal.problems)
        bad = refusal.unit if count == 1 else f"{refusal.unit}s"
        raise CommandError(f"{count} bad {bad}; nothing was loaded.", returncode=2) from None
    except Refusal as refusal:
        raise CommandError(refusal.message, returncode=2) from None
