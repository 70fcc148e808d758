from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena, Contestant
from arena.voters.models import Voter, VoterKind

Cast = Callable[..., Ballot]


@pytest.fixture
def cast(arena: Arena, contestants: list[Contestant]) -> Cast:
    """Write a ballot on the arena's contestants, named by their places in `contestants`."""

    def write(items: list[int], ranks: list[int | None], **fields: Any) -> Ballot:
        voter = fields.pop("voter", None) or Voter.objects.create(kind=VoterKind.PUBLIC)
        return Ballot.objects.create(
            arena=arena,
            contestants=[contestants[item].pk for item in items],
            ranks=ranks,
            voter=voter,
            **{"voter_kind": voter.kind} | fields,
        )

    return write
