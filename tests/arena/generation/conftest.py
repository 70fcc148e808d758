from __future__ import annotations

import pytest

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation import tasks
from arena.generation.backends import registry
from arena.generation.models import Candidate
from arena.generation.worker import Station
from arena.prompts.models import Prompt
from tests.arena.generation import clockwork


@pytest.fixture
def clockwork_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test backend is registered, and the tasks have a station that has loaded nothing yet."""
    monkeypatch.setitem(registry.BACKENDS, "clockwork", "tests.arena.generation.clockwork:CLOCKWORK")
    station = clockwork.new_station()
    monkeypatch.setattr(tasks, "_station", lambda kind: station)


@pytest.fixture
def station(clockwork_backend: None) -> Station:
    return clockwork.new_station()


@pytest.fixture
def queue(
    clockwork_backend: None, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
) -> list[Candidate]:
    """Eighteen queued candidates: six contestants for each of three prompts."""
    from arena.generation.actions import plan_candidates

    ContestantRevision.objects.update(backend="clockwork", settings={"mood": "well"})
    plan_candidates(arena)
    return list(Candidate.objects.claimable())
