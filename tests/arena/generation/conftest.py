from __future__ import annotations

import threading

import pytest

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation import worker
from arena.generation.backends import registry
from arena.generation.models import Candidate
from arena.prompts.models import Prompt
from tests.arena.generation import clockwork


@pytest.fixture
def clockwork_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test backend is registered, and no worker has loaded anything yet."""
    monkeypatch.setitem(registry.BACKENDS, "clockwork", "tests.arena.generation.clockwork:CLOCKWORK")
    monkeypatch.setattr(worker, "_kept", threading.local())
    monkeypatch.setattr(worker, "best_device", lambda: "test device")
    monkeypatch.setattr(worker, "BATCH", {"test device": 4})
    clockwork.loads.clear()


@pytest.fixture
def queue(
    clockwork_backend: None, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
) -> list[Candidate]:
    """Eighteen queued candidates: six contestants for each of three prompts."""
    from arena.generation.actions import plan_candidates

    ContestantRevision.objects.update(backend="clockwork", settings={"mood": "well"})
    plan_candidates(arena)
    return list(Candidate.objects.claimable())
