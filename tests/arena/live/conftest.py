from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.events import announce_text
from arena.generation import tasks
from arena.generation.backends import registry
from arena.generation.worker import Station
from tests.arena.live import chatty
from tests.arena.live.asker import Asker

NAMES = ("Zephyrine", "Quorndon", "Ultravox", "Malachite", "Periwinkle", "Thunderbolt")


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a commit happens at once: a test's own transaction never commits."""
    monkeypatch.setattr(transaction, "on_commit", lambda call, using=None, robust=False: call())


@pytest.fixture
def pumps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The chatty backend is registered; the pumps that are asked for stay in this list instead of a broker."""
    monkeypatch.setitem(registry.BACKENDS, "chatty", "tests.arena.live.chatty:CHATTY")
    sent: list[int] = []
    monkeypatch.setattr(tasks.pump, "delay", sent.append)
    chatty.asked.clear()
    yield sent
    chatty.pauses.clear()


@pytest.fixture
def live_arena(db: None, pumps: list[int]) -> Arena:
    """Six contestants that answer with text, and no prompts of the arena's own."""
    arena = Arena.objects.create(slug="sayings", name="Sayings", modality="text", battle_size=3, live_prompts=True)
    for name in NAMES:
        contestant = Contestant.objects.create(arena=arena, name=name, description=f"{name} writes")
        ContestantRevision.objects.create(contestant=contestant, number=1, backend="chatty", settings={})
    return arena


@pytest.fixture
def edit_arena(live_arena: Arena) -> Arena:
    live_arena.modality = "image-edit"
    live_arena.save()
    return live_arena


@pytest.fixture
def work() -> Callable[[], int]:
    """Work off the queue as a worker does, its pieces going to the pages; returns how many candidates were taken."""

    def work_off() -> int:
        station = Station("test device", 10**9, listen=announce_text)
        taken = 0
        while made := station.work():
            taken += made
        return taken

    return work_off


@pytest.fixture
def asker() -> Asker:
    return Asker()


@pytest.fixture
def behave() -> Callable[..., None]:
    """Let contestants say or fail something: `behave("Zephyrine", mood="permanent")`, all of them without a name."""

    def change(*names: str, **settings: Any) -> None:
        revisions = ContestantRevision.objects.all()
        if names:
            revisions = revisions.filter(contestant__name__in=names)
        revisions.update(settings=settings)

    return change
