"""A batch keeps its lease however long it takes, and what cannot be stored of it fails alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from arena.generation import worker
from arena.generation.actions import LEASE, free_expired_leases
from arena.generation.backends.protocol import QUIET, Outcome, Request, Watch
from arena.generation.models import Candidate, CandidateState
from arena.generation.worker import Station
from arena.prompts.models import Prompt
from tests.arena.generation import clockwork
from tests.clock import Clock
from tests.threads import PATIENCE


@pytest.mark.django_db(transaction=True)
class TestTheHeartbeat:
    """The backends here say nothing until the whole batch is there, as those of pictures and videos do."""

    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker, "_HEARTBEAT", 0.01)

    def test_keeps_the_lease_of_a_batch_that_takes_far_longer_than_it(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, clock: Clock
    ) -> None:
        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            for _ in range(5):
                clock.advance(seconds=LEASE.total_seconds() - 10)
                until = clock.now() + LEASE - timedelta(seconds=5)
                wait_for(Candidate.objects.filter(lease_until__gt=until).exists)
                assert free_expired_leases() == 0
            return [wound._result(request) for request in requests]

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        assert station.work() == 3
        assert Candidate.objects.ready().count() == 3
        assert set(Candidate.objects.ready().values_list("attempts", flat=True)) == {1}

    def test_stops_when_the_lease_was_taken_away(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, clock: Clock
    ) -> None:
        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            Candidate.objects.update(state=CandidateState.QUEUED, lease=None, lease_until=None)
            wait_for(lambda: not hearts())
            return [wound._result(request) for request in requests]

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        station.work()
        assert Candidate.objects.filter(state=CandidateState.QUEUED).count() == 18

    def test_gives_a_batch_up_that_brings_nothing_for_far_longer_than_others_took(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, clock: Clock
    ) -> None:
        monkeypatch.setattr(worker, "patience_for", lambda revision: timedelta(seconds=0))
        freed: list[int] = []

        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            wait_for(lambda: not hearts())
            clock.advance(seconds=LEASE.total_seconds() + 1)
            freed.append(free_expired_leases())
            return [wound._result(request) for request in requests]

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        station.work()
        assert freed == [3]
        assert not Candidate.objects.ready().exists(), "what comes after all is late"

    def test_that_fails_once_beats_again(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beats: list[int] = []

        def extend(lease: Any, by: timedelta) -> int:
            beats.append(1)
            if len(beats) == 1:
                raise OperationalError("the database is away")
            return 3

        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            wait_for(lambda: len(beats) > 2)
            return [wound._result(request) for request in requests]

        monkeypatch.setattr(worker, "extend_lease", extend)
        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        assert station.work() == 3
        assert Candidate.objects.ready().count() == 3


class TestWhatCannotBeStored:
    def test_fails_alone_and_can_be_tried_again(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        """The disk is full when the second picture's thumbnail comes."""
        save = FileSystemStorage.save
        saved: list[str] = []

        def save_some(storage: FileSystemStorage, name: str, content: Any, **options: Any) -> str:
            saved.append(name)
            if len(saved) == 4:
                raise OSError(28, "No space left on device")
            return save(storage, name, content, **options)

        monkeypatch.setattr(FileSystemStorage, "save", save_some)
        assert station.work() == 3

        assert Candidate.objects.ready().count() == 2
        back = Candidate.objects.get(state=CandidateState.QUEUED, revision=queue[0].revision_id)
        assert back.failure == "The output could not be stored: OSError: [Errno 28] No space left on device"
        assert len(stored(settings)) == 4, "a picture and a thumbnail of each that was stored"

    def test_fails_alone_and_for_good_where_no_column_takes_it(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            results = [wound._result(request) for request in requests]
            results[1] = replace(results[1], device="x" * 200)
            return results

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        assert station.work() == 3

        assert Candidate.objects.ready().count() == 2
        failed = Candidate.objects.get(state=CandidateState.FAILED)
        assert "value too long" in failed.failure
        assert len(stored(settings)) == 4

    def test_a_prompt_that_cannot_be_read_fails_alone(self, station: Station, queue: list[Candidate]) -> None:
        Prompt.objects.filter(pk=queue[0].prompt_id).update(media="prompts/gone.png", media_type="image/png")
        assert station.work() == 3

        assert Candidate.objects.ready().count() == 2
        back = Candidate.objects.get(pk=queue[0].pk)
        assert back.state == CandidateState.QUEUED
        assert back.failure.startswith("The prompt could not be read: FileNotFoundError")


def stored(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def hearts() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
