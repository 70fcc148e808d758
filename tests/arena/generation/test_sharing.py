"""How workers share what answers elsewhere: no contestant stops the others, no server is asked for too much."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from arena.catalogue.models import Arena, ContestantRevision
from arena.generation import queries
from arena.generation.actions import claim_batch
from arena.generation.backends.protocol import NO_ACCESS, QUIET, GenerationError, Outcome, Request, Watch
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.room import Kept, Room
from arena.generation.worker import Station
from tests.arena.generation import clockwork
from tests.threads import at_once


class TestSharing:
    """How workers share those contestants that answer elsewhere, any of which may be silent for long."""

    @pytest.fixture
    def elsewhere(self, queue: list[Candidate], settings: Any) -> list[int]:
        """The revisions, each of which may be asked for four candidates at a time, of which there are three."""
        settings.GENERATION_REMOTE_WORKERS = 4
        ContestantRevision.objects.update(
            backend="openai-compatible", settings={"base_url": "http://192.0.2.1/v1", "model": "m", "concurrency": 4}
        )
        return [candidate.revision_id for candidate in queue[:6]]

    @pytest.fixture
    def alone(self, elsewhere: list[int]) -> int:
        """A revision that may be asked for one candidate at a time, and has the queue for itself."""
        Candidate.objects.exclude(revision=elsewhere[0]).delete()
        ContestantRevision.objects.update(settings={"base_url": "http://192.0.2.1/v1", "model": "m", "concurrency": 1})
        return elsewhere[0]

    @pytest.mark.django_db(transaction=True)
    def test_a_server_is_never_asked_for_more_at_once_than_it_may_be(
        self, alone: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = Asked()
        monkeypatch.setattr(Room, "load", lambda room, revision, place: Kept(asked, NO_ACCESS, 4, 0.0))

        def work() -> None:
            station = Station("", 0, remote=True)
            while Candidate.objects.filter(state=CandidateState.QUEUED).exists():
                station.work()

        at_once(work, work, work, work)
        assert asked.sizes == [1, 1, 1]
        assert asked.most == 1

    def test_a_contestant_that_is_asked_as_much_as_it_may_be_is_passed_over(self, alone: int) -> None:
        assert queries.next_work(remote=True) is not None
        assert claim_batch(most=1, revision=alone) is not None
        assert queries.next_work(remote=True) is None
        assert clockwork.new_station(remote=True).work() == 0

    def test_a_contestant_holds_half_of_the_workers_at_most(self, elsewhere: list[int]) -> None:
        for _ in range(2):
            claim_batch(most=1, revision=elsewhere[0])
        wanted = queries.next_work(remote=True, staying=elsewhere[0])
        assert wanted is not None
        assert wanted.revision_id != elsewhere[0]

    def test_and_one_more_for_people_who_wait(self, elsewhere: list[int]) -> None:
        silent = Candidate.objects.filter(revision=elsewhere[0])
        for _ in range(2):
            claim_batch(most=1, revision=elsewhere[0])
        silent.filter(state=CandidateState.QUEUED).update(priority=WAITING)
        wanted = queries.next_work(remote=True)
        assert wanted is not None
        assert wanted.revision_id == elsewhere[0]

    def test_people_who_wait_find_a_place_at_a_server_that_the_backfill_uses(
        self, arena: Arena, elsewhere: list[int]
    ) -> None:
        revision = ContestantRevision.objects.get(pk=elsewhere[0])
        assert queries.places_of(revision, awaited=False) == 4
        Arena.objects.update(live_prompts=True)
        revision = ContestantRevision.objects.get(pk=elsewhere[0])
        assert queries.places_of(revision, awaited=False) == 3
        assert queries.places_of(revision, awaited=True) == 4
        revision.settings |= {"concurrency": 1}
        assert queries.places_of(revision, awaited=False) == 1

    def test_a_worker_that_is_kept_for_people_who_wait_does_nothing_else(
        self, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "remote_backend_names", lambda: ["clockwork"])
        lane = clockwork.new_station(remote=True)
        assert lane.work(only_awaited=True) == 0
        Candidate.objects.filter(pk=queue[-1].pk).update(priority=WAITING)
        assert lane.work(only_awaited=True) == 1
        assert list(Candidate.objects.ready()) == [queue[-1]]


class Asked:
    """A server that answers nothing, and notes how much it was asked for at the same time."""

    batch_size = 4
    memory_bytes = 0

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.now = self.most = 0
        self._lock = threading.Lock()

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
        with self._lock:
            self.sizes.append(len(requests))
            self.now += len(requests)
            self.most = max(self.most, self.now)
        time.sleep(0.1)
        with self._lock:
            self.now -= len(requests)
        return [GenerationError("no", permanent=True) for _ in requests]
