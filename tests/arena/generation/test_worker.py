"""One batch of work: what comes out of a backend is stored, whatever a backend does to the queue is survived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from arena.catalogue.models import Arena, ContestantRevision
from arena.generation import queries, worker
from arena.generation.actions import (
    AWAITED_ATTEMPTS,
    MAX_ATTEMPTS,
    plan_candidates,
)
from arena.generation.backends.protocol import QUIET, Outcome, Request, Watch
from arena.generation.models import WAITING, Candidate, CandidateState, GenerationHost
from arena.generation.worker import Station
from tests.arena.generation import clockwork
from tests.clock import Clock


def states() -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in Candidate.objects.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def in_mood(mood: str) -> None:
    ContestantRevision.objects.update(settings={"mood": mood})


@pytest.mark.parametrize("size", [1, 4])
def test_a_batch_is_made_and_stored(
    station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(clockwork, "batch_size", size)
    made = station.work()

    ready = Candidate.objects.ready()
    assert made == ready.count() == min(size, 3)
    assert {candidate.device for candidate in ready} == {"test device"}
    assert {candidate.revision_id for candidate in ready} == {queue[0].revision_id}


def test_everything_is_made_in_the_end_and_then_there_is_nothing_to_do(
    station: Station, queue: list[Candidate]
) -> None:
    while station.work():
        pass

    assert states() == {CandidateState.READY: 18}


def test_each_seed_is_used(station: Station, queue: list[Candidate]) -> None:
    while station.work():
        pass

    assert Candidate.objects.values("sha256").distinct().count() > 1


def test_a_contestant_is_loaded_once_for_all_its_batches(station: Station, queue: list[Candidate]) -> None:
    Candidate.objects.update(priority=0)
    while station.work():
        pass

    assert len(clockwork.loads) == 6


def test_a_failure_that_may_pass_is_tried_again_and_then_given_up(
    station: Station, queue: list[Candidate], clock: Clock
) -> None:
    in_mood("transient")
    for _ in range(MAX_ATTEMPTS):
        while station.work():
            pass
        clock.advance(hours=1)

    assert states() == {CandidateState.FAILED: 18}
    assert set(Candidate.objects.values_list("failure", "attempts")) == {("a transient failure", MAX_ATTEMPTS)}


def test_an_outage_of_ten_minutes_loses_nothing(station: Station, queue: list[Candidate], clock: Clock) -> None:
    in_mood("transient")
    for _ in range(60):
        while station.work():
            pass
        clock.advance(seconds=10)
    assert states() == {CandidateState.QUEUED: 18}

    in_mood("well")
    station = clockwork.new_station()
    for _ in range(20):
        while station.work():
            pass
        clock.advance(minutes=1)
    assert states() == {CandidateState.READY: 18}


def test_what_somebody_waits_for_is_tried_again_at_once_and_given_up_soon(
    station: Station, queue: list[Candidate]
) -> None:
    in_mood("transient")
    Candidate.objects.filter(pk=queue[0].pk).update(priority=WAITING)
    Candidate.objects.filter(priority__gte=0).delete()
    while station.work():
        pass

    assert list(Candidate.objects.values_list("state", "attempts")) == [(CandidateState.FAILED, AWAITED_ATTEMPTS)]


@pytest.mark.parametrize(
    ("mood", "reason"),
    [("permanent", "a permanent failure"), ("cheerful", "mood: 'cheerful' is none of")],
    ids=["backend", "settings"],
)
def test_a_failure_for_good_is_not_tried_again(
    station: Station, queue: list[Candidate], mood: str, reason: str
) -> None:
    in_mood(mood)
    station.work()

    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert failed.count() == 3
    assert all(reason in candidate.failure and candidate.attempts == 1 for candidate in failed)


def test_an_unknown_backend_is_a_failure_for_good(station: Station, queue: list[Candidate]) -> None:
    ContestantRevision.objects.update(backend="orchestra")
    station.work()

    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert failed.count() == 3
    assert "unknown backend 'orchestra'" in failed[0].failure


def test_a_defect_in_a_backend_is_kept_with_the_candidate_and_stops_nothing(
    station: Station, queue: list[Candidate], clock: Clock
) -> None:
    first = queue[0].revision
    ContestantRevision.objects.filter(pk=first.pk).update(settings={"mood": "defect"})
    for _ in range(MAX_ATTEMPTS):
        while station.work():
            pass
        clock.advance(hours=1)

    assert states() == {CandidateState.READY: 15, CandidateState.FAILED: 3}
    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert {candidate.failure for candidate in failed} == {"ZeroDivisionError: the spring broke"}


def test_a_backend_that_returns_too_few_results_fails_its_batch(station: Station, queue: list[Candidate]) -> None:
    in_mood("short")
    station.work()

    assert not Candidate.objects.filter(state=CandidateState.CLAIMED).exists()
    assert not Candidate.objects.ready().exists(), "nobody knows which result belongs to which request"


class TestMemory:
    def test_too_large_a_batch_is_made_in_halves_and_smaller_ones_from_then_on(
        self, station: Station, queue: list[Candidate]
    ) -> None:
        in_mood("large")
        while station.work():
            pass

        assert states() == {CandidateState.READY: 18}
        assert clockwork.batches[:3] == [3, 1, 2]
        assert max(clockwork.batches[3:]) <= 3

    def test_what_does_not_fit_alone_fails_alone_and_for_good(self, station: Station, queue: list[Candidate]) -> None:
        ContestantRevision.objects.filter(pk=queue[0].revision_id).update(settings={"mood": "huge"})
        while station.work():
            pass

        assert states() == {CandidateState.READY: 15, CandidateState.FAILED: 3}
        failed = Candidate.objects.filter(state=CandidateState.FAILED)
        assert {candidate.revision_id for candidate in failed} == {queue[0].revision_id}
        assert {(candidate.failure, candidate.attempts) for candidate in failed} == {
            ("the test device has no room for 1 pictures (for this request alone)", 1)
        }

    def test_one_request_that_fails_leaves_the_others_of_its_batch(
        self, station: Station, queue: list[Candidate]
    ) -> None:
        in_mood("picky")
        while station.work():
            pass

        for candidate in Candidate.objects.all():
            assert candidate.state == (CandidateState.FAILED if candidate.seed % 2 else CandidateState.READY)
            assert candidate.failure == ("an odd seed" if candidate.seed % 2 else "")
        assert len(states()) == 2

    def test_loaded_contestants_make_room_for_others_least_used_first(self, queue: list[Candidate]) -> None:
        """Room for two: of three that take turns each is loaded every time, of two each once."""
        station = clockwork.new_station(memory=2000)
        Candidate.objects.exclude(revision__in=[each.revision_id for each in queue[:2]]).delete()
        while station.work():
            pass
        assert len(clockwork.loads) == 2

        Candidate.objects.all().delete()
        station = clockwork.new_station(memory=2000)
        plan_candidates(Arena.objects.get())
        while station.work():
            pass
        assert len(clockwork.loads) == 6

    def test_a_contestant_larger_than_the_budget_is_loaded_all_the_same(self, queue: list[Candidate]) -> None:
        station = clockwork.new_station(memory=1)
        assert station.work() == 3


def test_a_contestant_is_loaded_anew_when_what_it_may_reach_has_changed(
    station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is withdrawn is not asked again by a worker that loaded the contestant before."""
    monkeypatch.setattr(clockwork, "batch_size", 1)
    Candidate.objects.exclude(revision=queue[0].revision_id).delete()
    station.work()
    GenerationHost.objects.create(host="api.example.org")
    station.work()
    station.work()

    assert len(clockwork.loads) == 2


class TestTurns:
    def test_people_who_wait_come_before_everything_else(self, station: Station, queue: list[Candidate]) -> None:
        station.work()
        last = queue[-1]
        Candidate.objects.filter(pk=last.pk).update(priority=WAITING)
        station.work()

        assert Candidate.objects.get(pk=last.pk).state == CandidateState.READY
        assert clockwork.batches[-1] == 1

    def test_a_contestant_that_took_long_to_load_stays_until_that_has_paid_off(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One output at a time: prompt by prompt with contestants that load at once, else contestant by contestant."""
        monkeypatch.setattr(clockwork, "batch_size", 1)
        monkeypatch.setattr(worker, "QUICK_LOAD", 0.01)
        in_mood("slow to load")
        for _ in range(3):
            station.work()

        assert len(clockwork.loads) == 1
        assert {candidate.revision_id for candidate in Candidate.objects.ready()} == {queue[0].revision_id}

    def test_a_contestant_that_loads_at_once_takes_turns(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clockwork, "batch_size", 1)
        for _ in range(6):
            station.work()

        assert {candidate.prompt_id for candidate in Candidate.objects.ready()} == {queue[0].prompt_id}

    def test_a_station_for_what_is_made_elsewhere_does_nothing_else(
        self, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote = clockwork.new_station(remote=True)
        assert remote.work() == 0
        monkeypatch.setattr(queries, "remote_backend_names", lambda: ["clockwork"])
        assert remote.work() == 3


class TestAWatchedBatch:
    def test_stores_each_output_when_it_is_ready_and_once(
        self, station: Station, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready: list[int] = []

        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            outcomes: list[Outcome] = []
            for index, request in enumerate(requests):
                outcomes.append(wound._result(request))
                watch.done(index, outcomes[-1])
                ready.append(Candidate.objects.ready().count())
            return outcomes

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        station.work()

        assert ready == [1, 2, 3]
        assert Candidate.objects.ready().count() == 3

    def test_passes_on_the_text_of_what_somebody_waits_for(
        self, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard: list[tuple[int, str]] = []
        station = clockwork.new_station(listen=lambda candidate, text: heard.append((candidate.pk, text)))

        def generate(wound: Any, requests: Sequence[Request], watch: Watch = QUIET) -> list[Outcome]:
            for index in range(len(requests)):
                watch.delta(index, "a word")
            return [wound._result(request) for request in requests]

        monkeypatch.setattr(clockwork._Wound, "generate", generate)
        station.work()
        assert heard == []
        Candidate.objects.filter(pk=queue[-1].pk).update(priority=WAITING)
        station.work()
        assert heard == [(queue[-1].pk, "a word")]
