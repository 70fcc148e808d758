"""Several contestants at once in one worker: who gets a lane beside the batch it makes, and what becomes of it."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation import lanes, queries, worker
from arena.generation.actions import AWAITED_ATTEMPTS, Claim, claim_batch
from arena.generation.backends import registry
from arena.generation.backends.protocol import OutOfMemory
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.worker import Station
from arena.prompts.models import Prompt
from tests.arena.generation import ensemble
from tests.arena.generation.ensemble import BYTES, Stage, wait_until
from tests.threads import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = ("alto", "bass", "cello", "drum", "english horn", "flute")
ROOMY = 10**9


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    fresh = Stage()
    monkeypatch.setattr(ensemble, "STAGE", fresh)
    return fresh


@pytest.fixture(autouse=True)
def revisions(
    stage: Stage, arena: Arena, contestants: list[Contestant], monkeypatch: pytest.MonkeyPatch
) -> dict[str, ContestantRevision]:
    """One contestant for each part."""
    monkeypatch.setitem(registry.BACKENDS, "ensemble", "tests.arena.generation.ensemble:ENSEMBLE")
    found = {}
    for part, contestant in zip(PARTS, contestants, strict=True):
        revision = contestant.revisions.get()
        ContestantRevision.objects.filter(pk=revision.pk).update(backend="ensemble", settings={"part": part})
        found[part] = revision
    return found


@pytest.fixture
def ask(arena: Arena, revisions: dict[str, ContestantRevision]) -> Callable[..., list[Candidate]]:
    """Queue a new prompt for these parts, as somebody who waits for them does, or at another priority."""

    def queue(*parts: str, priority: int = WAITING) -> list[Candidate]:
        prompt = Prompt.objects.create(arena=arena, external_id=uuid.uuid4().hex, text="a quiet harbour")
        return [
            Candidate.objects.create(revision=revisions[part], prompt=prompt, seed=1, priority=priority)
            for part in parts
        ]

    return queue


Ask = Callable[..., list[Candidate]]


def station(memory: int = ROOMY, **options: Any) -> Station:
    return Station("test device", memory, **options)


def is_ready(*candidates: Candidate) -> bool:
    return Candidate.objects.ready().filter(pk__in=[each.pk for each in candidates]).count() == len(candidates)


def state_of(candidate: Candidate) -> tuple[str, int, str]:
    candidate.refresh_from_db()
    return candidate.state, candidate.attempts, candidate.failure


def test_contestants_that_people_wait_for_are_made_at_the_same_time(stage: Stage, ask: Ask) -> None:
    together = threading.Barrier(4)
    stage.on_play = dict.fromkeys(PARTS, lambda: together.wait(PATIENCE))
    asked = ask(*PARTS[:4])

    assert station().work() == 4
    assert is_ready(*asked)
    assert [each.text for each in Candidate.objects.order_by("pk")] == [
        f"{part}: a quiet harbour" for part in PARTS[:4]
    ]
    assert station().work() == 0


def test_who_waits_does_not_wait_for_backfill(stage: Stage, ask: Ask) -> None:
    """The backfill's batch goes on until somebody who asked meanwhile has been answered."""
    made: list[Candidate] = []

    def play() -> None:
        made.extend(ask("bass", "cello"))
        wait_until(lambda: is_ready(*made))

    stage.on_play["alto"] = play
    backfill = ask("alto", "drum", priority=0)

    assert station().work() == 3
    assert is_ready(backfill[0], *made)
    assert state_of(backfill[1])[0] == CandidateState.QUEUED, "lanes are for people who wait"


def test_whoever_has_answered_is_asked_again_while_others_still_answer(stage: Stage, ask: Ask) -> None:
    again: list[Candidate] = []

    def play() -> None:
        wait_until(lambda: is_ready(first))
        again.extend(ask("alto"))
        wait_until(lambda: is_ready(*again))

    stage.on_play["bass"] = play
    first, second = ask("alto", "bass")

    assert station().work() == 3
    assert is_ready(first, second, *again)
    assert stage.loads == ["alto", "bass"] or stage.loads == ["bass", "alto"]


def test_a_contestant_is_never_made_in_two_lanes_at_once(
    stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage refuses a part that plays already."""
    monkeypatch.setattr(lanes, "LOOK", 0.001)
    asked = [each for _ in range(12) for each in ask("alto", "bass", "cello")]
    at = station()
    while at.work():
        pass

    assert is_ready(*asked)


def test_a_turn_ends_though_people_go_on_asking(stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some time after the first batch no lane is opened any more: the rest is for the next turn."""
    monkeypatch.setattr(lanes, "OPEN_SECONDS", 0.0)
    closed = threading.Event()
    leave = lanes.Lanes.__exit__

    def leaving(of: lanes.Lanes, *error: Any) -> None:
        of._closing = 0.0
        closed.set()
        leave(of, *error)

    monkeypatch.setattr(lanes.Lanes, "__exit__", leaving)

    def play() -> None:
        assert closed.wait(PATIENCE)
        again.extend(ask("alto", "cello"))

    again: list[Candidate] = []
    stage.on_play["bass"] = play
    ask("alto", "bass")
    at = station()

    assert at.work() == 2
    assert [state_of(each)[0] for each in again] == [CandidateState.QUEUED] * 2
    assert at.work() == 2
    assert is_ready(*again)


def test_no_more_lanes_than_may_be_are_open_and_who_asked_first_has_one_first(
    stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MOST_LANES", 1)
    stage.on_play["alto"] = lambda: wait_until(lambda: is_ready(*asked[1:]))
    asked = ask("alto", "flute", "cello", "drum")

    assert station().work() == 4
    assert [part for part in stage.played if part != "alto"] == ["flute", "cello", "drum"]
    assert stage.most == 2


def test_no_lane_is_opened_beside_what_answers_elsewhere(
    stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those have workers of their own, each with a share of every server."""
    monkeypatch.setattr(queries, "remote_backend_names", lambda: ["ensemble"])
    threads: list[str] = []
    stage.on_play = dict.fromkeys(PARTS, lambda: threads.extend(each.name for each in threading.enumerate()))
    asked = ask("alto", "bass")

    assert station(remote=True).work() == 1
    assert is_ready(asked[0])
    assert not {"usher", "lane"} & set(threads)


def test_lanes_take_nothing_of_what_answers_elsewhere_or_is_of_other_arenas(
    stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ask("alto", "bass")
    other = Arena.objects.create(slug="other", name="Other")
    elsewhere = queries.awaited_revisions(arena=other.pk)
    here = queries.awaited_revisions(arena=first.prompt.arena_id, without=[first.revision_id])
    assert (elsewhere, here) == ([], [second.revision])
    monkeypatch.setattr(queries, "remote_backend_names", lambda: ["ensemble"])
    assert queries.awaited_revisions() == []


def test_other_workers_get_a_head_start(stage: Stage, ask: Ask, settings: Any) -> None:
    settings.GENERATION_DEVICE = "cpu"
    settings.GENERATION_WORKERS = 2
    assert worker.station_for().head_start == lanes.LOOK
    settings.GENERATION_WORKERS = 1
    assert worker.station_for().head_start == 0


class TestFailures:
    def test_of_a_lane_are_its_own(self, stage: Stage, ask: Ask) -> None:
        def break_off() -> None:
            raise ZeroDivisionError("the string snapped")

        stage.on_play["bass"] = break_off
        stage.on_play["alto"] = lambda: wait_until(lambda: state_of(asked[1])[0] == CandidateState.FAILED)
        asked = ask("alto", "bass")

        assert station().work() == 1 + AWAITED_ATTEMPTS
        assert is_ready(asked[0])
        assert state_of(asked[1]) == (
            CandidateState.FAILED, AWAITED_ATTEMPTS, "ZeroDivisionError: the string snapped",
        )  # fmt: skip

    def test_of_loading_are_kept_with_the_candidate(self, stage: Stage, ask: Ask) -> None:
        def break_off() -> None:
            raise ZeroDivisionError("the case is empty")

        stage.on_load["bass"] = break_off
        stage.on_play["alto"] = lambda: wait_until(lambda: state_of(asked[1])[0] == CandidateState.FAILED)
        asked = ask("alto", "bass")
        station().work()

        assert is_ready(asked[0])
        assert state_of(asked[1])[2] == "ZeroDivisionError: the case is empty"

    def test_of_the_first_batch_leave_the_lanes(self, stage: Stage, ask: Ask) -> None:
        def break_off() -> None:
            wait_until(lambda: "bass" in stage.played)
            raise ZeroDivisionError("the string snapped")

        stage.on_play["alto"] = break_off
        stage.on_play["bass"] = lambda: wait_until(lambda: state_of(asked[0])[2])
        asked = ask("alto", "bass")
        station().work()

        assert is_ready(asked[1])
        assert state_of(asked[0])[2] == "ZeroDivisionError: the string snapped"

    def test_that_broke_a_lane_off_are_not_repeated_before_the_next_turn(
        self, stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The database refuses the claim of a lane: it would again in a tenth of a second."""
        monkeypatch.setattr(lanes, "LOOK", 0.001)
        tried: list[int] = []
        looks: list[int] = []
        look = queries.awaited_revisions

        def claim(**named: Any) -> Claim | None:
            if named["revision"] == asked[1].revision_id and not tried:
                tried.append(1)
                raise OperationalError("the database is away")
            return claim_batch(**named)

        def seen(**named: Any) -> list[ContestantRevision]:
            if tried:
                looks.append(1)
            return look(**named)

        monkeypatch.setattr(worker, "claim_batch", claim)
        monkeypatch.setattr(worker, "awaited_revisions", seen)
        stage.on_play["alto"] = lambda: wait_until(lambda: len(looks) > 2)
        asked = ask("alto", "bass")
        at = station()

        assert at.work() == 1
        assert state_of(asked[1]) == (CandidateState.QUEUED, 0, "")
        assert [record.message for record in caplog.records if "broke off" in record.message] != []
        assert at.work() == 1
        assert is_ready(*asked)

    def test_to_look_are_survived(self, stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[int] = []
        look = queries.awaited_revisions

        def seen(**named: Any) -> list[ContestantRevision]:
            looks.append(1)
            if len(looks) == 1:
                raise OperationalError("the database is away")
            return look(**named)

        monkeypatch.setattr(worker, "awaited_revisions", seen)
        stage.on_play["alto"] = lambda: wait_until(lambda: is_ready(asked[1]))
        asked = ask("alto", "bass")

        assert station().work() == 2

    def test_a_lane_that_lost_its_lease_stores_nothing(
        self, stage: Stage, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its output is refused like any that comes late, and another try makes the one that counts."""
        monkeypatch.setattr(worker, "_HEARTBEAT", 0.01)
        leases: list[uuid.UUID | None] = []

        def lose() -> None:
            row = Candidate.objects.get(pk=asked[1].pk)
            leases.append(row.lease)
            if len(leases) == 1:
                Candidate.objects.filter(pk=row.pk).update(
                    state=CandidateState.QUEUED, lease=None, lease_until=None, failure="taken away"
                )

        stage.on_play["bass"] = lose
        stage.on_play["alto"] = lambda: wait_until(lambda: len(leases) == 2 and is_ready(asked[1]))
        asked = ask("alto", "bass")

        assert station().work() == 3
        assert state_of(asked[1]) == (CandidateState.READY, 2, "")
        assert asked[1].job == leases[1]
        assert leases[0] not in {None, leases[1]}


class TestMemory:
    def test_only_as_many_are_made_at_once_as_fit_and_the_others_take_turns(self, stage: Stage, ask: Ask) -> None:
        at = station(memory=2 * BYTES)
        ask("alto")
        ask("bass")
        ask("cello")
        while at.work():  # from now on the worker knows how large each is
            pass
        stage.loads.clear()
        stage.played.clear()
        stage.most = 0
        together = threading.Barrier(2)

        def play() -> None:
            if len(stage.played) <= 2:
                together.wait(PATIENCE)

        stage.on_play = dict.fromkeys(PARTS, play)
        asked = ask("bass", "cello", "alto")
        while at.work():
            pass

        assert is_ready(*asked)
        assert stage.most == 2
        assert max(Counter(stage.loads).values()) == 1, "nothing is loaded before there is room for it"

    def test_who_turns_out_to_be_too_large_is_dropped_once_and_waits_its_turn(self, stage: Stage, ask: Ask) -> None:
        at = station(memory=2 * BYTES - 1)
        tried = threading.Event()

        def load() -> None:
            if not tried.is_set():
                wait_until(lambda: "alto" in stage.playing)
                tried.set()

        stage.on_load["bass"] = load
        looked = self._looks(at)

        def play() -> None:
            assert tried.wait(PATIENCE)
            wait_until(lambda: at._room.at_work() == [asked[0].revision_id])
            before = len(looked)
            wait_until(lambda: len(looked) > before + 2)

        stage.on_play["alto"] = play
        asked = ask("alto", "bass")

        self._then_alone(at, asked[1])
        assert stage.loads.count("bass") == 2

    def test_what_is_worked_on_is_never_evicted(self, stage: Stage, ask: Ask) -> None:
        """A lane makes room by evicting what is idle."""
        at = station(memory=2 * BYTES)
        idle = ask("flute", priority=0)
        assert at.work() == 1
        stage.on_play["alto"] = lambda: wait_until(lambda: is_ready(asked[1]))
        asked = ask("alto", "bass")

        assert at.work() == 2
        assert is_ready(*idle, *asked)
        assert at._room.find(asked[0].revision_id) is not None
        assert at._room.find(idle[0].revision_id) is None

    def test_a_contestant_larger_than_the_budget_is_made_alone(self, stage: Stage, ask: Ask) -> None:
        at = station(memory=BYTES // 2)
        asked = ask("alto", "bass")
        while at.work():
            pass

        assert is_ready(*asked)
        assert stage.most == 1

    def test_too_little_of_it_to_load_beside_others_costs_no_try(self, stage: Stage, ask: Ask) -> None:
        at = station()
        refusals: list[int] = []

        def load() -> None:
            if not refusals:
                wait_until(lambda: "alto" in stage.playing)
                refusals.append(1)
                raise OutOfMemory("the test device is full")

        stage.on_load["bass"] = load
        looked = self._looks(at)

        def play() -> None:
            wait_until(lambda: refusals and at._room.at_work() == [asked[0].revision_id])
            before = len(looked)
            wait_until(lambda: len(looked) > before + 2)

        stage.on_play["alto"] = play
        asked = ask("alto", "bass")

        self._then_alone(at, asked[1])
        assert stage.loads.count("bass") == 2, "not tried again and again"

    @pytest.mark.parametrize("large", ["alto", "bass"], ids=["the first batch", "a lane"])
    def test_too_little_of_it_for_a_batch_beside_others_costs_no_try(self, stage: Stage, ask: Ask, large: str) -> None:
        """What does not fit beside others is made alone afterwards, with nobody beside it."""
        at = station()
        small = "bass" if large == "alto" else "alto"

        def play_large() -> None:
            if len(stage.playing) > 1 or not started.is_set():
                started.wait(PATIENCE)
                raise OutOfMemory("the test device is full")

        def play_small() -> None:
            started.set()
            wait_until(lambda: large in stage.played and large not in stage.playing)

        started = threading.Event()
        stage.on_play = {large: play_large, small: play_small}
        rows = dict(zip(("alto", "bass"), ask("alto", "bass"), strict=True))

        made = at.work()
        assert is_ready(rows[small])
        # As in `_then_alone`.
        assert (made, state_of(rows[large])) in [
            (2, (CandidateState.QUEUED, 0, "")),
            (3, (CandidateState.READY, 1, "")),
        ]
        stage.on_play[small] = lambda: None
        stage.most = 0
        more = ask(small)
        while at.work():
            pass

        assert state_of(rows[large]) == (CandidateState.READY, 1, "")
        assert is_ready(*more)
        assert stage.most == 1

    def test_too_little_of_it_alone_is_a_failure_for_good(self, stage: Stage, ask: Ask) -> None:
        def play() -> None:
            raise OutOfMemory("the test device is full")

        stage.on_play["alto"] = play
        asked = ask("alto")
        station().work()

        assert state_of(asked[0]) == (
            CandidateState.FAILED, 1, "the test device is full (for this request alone)",
        )  # fmt: skip

    def _then_alone(self, at: Station, late: Candidate) -> None:
        """Its turn is the next one, or comes in a lane of this one that was opened when nobody else was left."""
        if at.work() == 1:
            assert state_of(late) == (CandidateState.QUEUED, 0, "")
            assert at.work() == 1
        assert state_of(late) == (CandidateState.READY, 1, "")

    def _looks(self, at: Station) -> list[int]:
        """Grows with each look of the usher for people who wait."""
        looks: list[int] = []
        look = at._look

        def looked(without: Any) -> list[ContestantRevision]:
            looks.append(1)
            return look(without)

        at._look = looked  # type: ignore[method-assign]
        return looks


class TestConnections:
    """Of the database: there are fewer than there may be lanes."""

    def test_are_not_held_while_a_lane_computes(self, stage: Stage, ask: Ask) -> None:
        held: list[bool] = []

        def play() -> None:
            held.append(connections["default"].connection is not None)

        stage.on_play = dict.fromkeys(("bass", "cello"), play)
        stage.on_play["alto"] = lambda: wait_until(lambda: is_ready(*asked[1:]))
        asked = ask("alto", "bass", "cello")
        station().work()

        assert held == [False, False]

    def test_are_all_given_back_in_the_end(self, stage: Stage, ask: Ask) -> None:
        connection.close()
        before = in_use()
        ask(*PARTS)
        station().work()
        connection.close()

        assert in_use() == before


def in_use() -> int:
    """Connections of the pool that somebody holds."""
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]
    return int(stats["pool_size"] - stats["pool_available"])
