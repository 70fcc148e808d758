"""Files of ballots for the tests of the import, and the command that loads them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena, Contestant
from arena.prompts.models import Prompt
from arena.voters.models import Voter

FULL = {
    "id": "b1", "voter": "v9", "voter_kind": "crowd", "protocol": "k-rank", "prompt": "p3",
    "items": ["sdxl", "pixart", "sd15", "kandinsky"], "ranks": [1, 2, 2, None], "all_bad": False,
    "categories": ["people", "nature/sea"], "strength": None, "weight": 2.5, "at": "2026-01-31T10:00:00+01:00",
}  # fmt: skip
SHORT = {"items": ["a", "b"], "ranks": [1, 2]}


def write(file: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def run(arena: str, file: Path, **options: Any) -> tuple[str, str]:
    """What the command says on standard output and standard error."""
    out, err = StringIO(), StringIO()
    call_command("import_ballots", arena, str(file), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def refused(arena: str, file: Path, **options: Any) -> tuple[CommandError, list[str]]:
    """The error with which the command ends, and the lines before it."""
    err = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("import_ballots", arena, str(file), stdout=StringIO(), stderr=err, **options)
    assert raised.value.returncode == 2
    return raised.value, err.getvalue().splitlines()


def everything() -> list[int]:
    return [model.objects.count() for model in (Arena, Ballot, Contestant, Prompt, Voter)]
