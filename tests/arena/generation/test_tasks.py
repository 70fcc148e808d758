"""The tasks keep the queue moving: each can run twice, and none runs when there is nothing to do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from arena.catalogue.models import Arena, Contestant
from arena.generation import queries, tasks
from arena.generation.actions import LEASE, MAX_ATTEMPTS, claim_batch
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.prompts.models import Prompt
from tests.arena.generation import clockwork
from tests.clock import Clock

pytestmark = pytest.mark.usefixtures("clockwork_backend")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> deque[int]:
    """The pumps that were asked for, in place of a broker."""
    asked: deque[int] = deque()
    monkeypatch.setattr(tasks.pump, "delay", asked.append)
    monkeypatch.setattr(tasks, "_give_way", lambda: None)  # it would slow the tests' own thread
    return asked


def work_off(sent: deque[int]) -> int:
    """Run the tasks that were asked for until none is left; returns how many there were."""
    runs = 0
    while sent:
        tasks.pump(sent.popleft())
        runs += 1
        assert runs < 1000
    return runs


def test_supply_plans_every_open_arena_and_starts_one_pump_for_each_worker(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant], sent: deque[int]
) -> None:
    closed = Arena.objects.create(slug="closed", name="Closed", is_open=False)
    Prompt.objects.create(arena=closed, external_id="p", text="a bridge")
    Contestant.objects.create(arena=closed, name="Umber").revisions.create(number=1, backend="clockwork")

    tasks.supply()

    assert Candidate.objects.count() == 18
    assert sorted(sent) == list(range(settings.GENERATION_WORKERS))


def test_supply_again_starts_no_second_pump(queue: list[Candidate], sent: deque[int]) -> None:
    for _ in range(3):
        tasks.supply()

    assert len(sent) == settings.GENERATION_WORKERS
    assert Candidate.objects.count() == 18


def test_a_pump_works_batch_by_batch_until_the_queue_is_empty(queue: list[Candidate], sent: deque[int]) -> None:
    tasks.start_pumps()
    runs = work_off(sent)

    assert Candidate.objects.ready().count() == 18
    assert runs == 6 + settings.GENERATION_WORKERS, "one run for each batch, and one in which each pump finds nothing"


def test_a_pump_that_has_stopped_is_started_again_for_new_work(
    arena: Arena, queue: list[Candidate], sent: deque[int]
) -> None:
    tasks.start_pumps()
    work_off(sent)
    Prompt.objects.create(arena=arena, external_id="new", text="a new one")
    tasks.supply()
    work_off(sent)

    assert Candidate.objects.ready().count() == 24


def test_no_pump_is_started_for_an_empty_queue(arena: Arena, sent: deque[int]) -> None:
    tasks.start_pumps()
    tasks.supply()

    assert not sent


def test_a_pump_that_died_is_replaced_when_its_sign_of_life_ends(queue: list[Candidate], sent: deque[int]) -> None:
    tasks.start_pumps()
    sent.clear()  # lost with the process
    tasks.start_pumps()
    assert not sent

    cache.clear()  # what a minute does
    tasks.start_pumps()
    assert len(sent) == settings.GENERATION_WORKERS


def test_a_pump_that_the_broker_hands_out_twice_makes_nothing_twice(queue: list[Candidate], sent: deque[int]) -> None:
    tasks.start_pumps()
    sent.extend(list(sent))
    work_off(sent)

    assert set(Candidate.objects.values_list("state", "attempts")) == {(CandidateState.READY, 1)}
    tasks.start_pumps()
    assert not sent, "and both have ended"


def test_reaping_starts_pumps_for_what_it_freed(queue: list[Candidate], sent: deque[int], clock: Clock) -> None:
    while claim_batch(most=50):
        pass
    tasks.reap()
    assert not sent

    clock.advance(seconds=LEASE.total_seconds() + 1)
    tasks.reap()
    work_off(sent)

    assert set(Candidate.objects.values_list("state", "attempts")) == {(CandidateState.READY, 2)}


def test_a_pump_shows_that_it_lives_while_one_batch_takes_longer_than_its_sign_lasts(
    queue: list[Candidate], sent: deque[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_PUMP_SECONDS", 1)

    def work(station: tasks.Station, **options: Any) -> int:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            tasks.start_pumps()
        return 1

    monkeypatch.setattr(settings, "GENERATION_WORKERS", 1)
    monkeypatch.setattr(tasks.Station, "work", work)
    tasks.pump(0)

    assert list(sent) == [0], "itself, once more"


def test_one_of_those_that_ask_servers_is_kept_for_people_who_wait(
    queue: list[Candidate], sent: deque[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(tasks.pump_remote, "delay", asked.append)
    monkeypatch.setattr(queries, "remote_backend_names", lambda: ["clockwork"])
    tasks.start_pumps()
    assert asked == [1, 2, 3]

    Candidate.objects.filter(pk=queue[0].pk).update(priority=WAITING)
    tasks.start_pumps()
    assert asked == [1, 2, 3, 0]

    station = clockwork.new_station(remote=True)
    monkeypatch.setattr(tasks, "_station", lambda kind: station)
    while 0 in asked:
        asked.remove(0)
        tasks.pump_remote(0)
    assert list(Candidate.objects.ready()) == [queue[0]]


def test_who_waited_in_vain_is_told_of(
    queue: list[Candidate], sent: deque[int], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Sequence[int]] = []
    monkeypatch.setattr("arena.generation.actions.announce_candidates", told.append)
    Candidate.objects.filter(pk=queue[0].pk).update(priority=WAITING, attempts=MAX_ATTEMPTS - 1)
    claim_batch(most=1)
    clock.advance(seconds=LEASE.total_seconds() + 1)
    tasks.reap()

    assert told == [[queue[0].pk]]


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("arena.generation.supply", "default"),
        ("arena.generation.reap", "default"),
        ("arena.live.see_to_all", "default"),
        ("arena.generation.pump", "generation"),
        ("arena.live.review", "moderation"),
        ("arena.live.read_on", "moderation"),
        ("arena.generation.pump_remote", "remote"),
    ],
)
def test_tasks_that_keep_watch_do_not_wait_behind_what_they_watch(task: str, queue: str) -> None:
    from config.celery import app

    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_every_task_is_known_to_the_workers_by_its_name() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    scheduled: dict[str, Any] = app.conf.beat_schedule
    assert {entry["task"] for entry in scheduled.values()} <= set(app.tasks)
    assert {"arena.generation.supply", "arena.generation.reap", "arena.generation.pump"} <= set(app.tasks)


def test_work_that_comes_while_the_last_pump_looks_for_some_is_not_left_lying(
    arena: Arena, queue: list[Candidate], sent: deque[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever queues it sees a pump that still runs, and starts none."""
    monkeypatch.setattr(settings, "GENERATION_WORKERS", 1)
    monkeypatch.setattr(tasks.Station, "work", lambda station, **options: 0)
    cache.set(tasks._pump_key(0), True)
    tasks.pump(0)

    assert list(sent) == [0]
