"""One ballot asks for one refresh of its board, many ballots for one together, and a lost request is caught up with."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from arena.ballots.actions import retract_ballot
from arena.ballots.models import Ballot
from arena.ballots.watermark import BallotsBeingWritten
from arena.catalogue.models import Arena
from arena.events import announce_ballots
from ranking.leaderboards import boards, tasks
from ranking.leaderboards.models import Leaderboard, Snapshot
from ranking.leaderboards.queries import leaderboard_of
from tests.ranking.leaderboards.conftest import Cast
from tests.threads import PATIENCE, at_once, meanwhile
from tests.visitor import Visitor


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """The refreshes that were asked for, in place of a broker: arena and delay."""
    requests: list[tuple[int, float]] = []
    monkeypatch.setattr(
        tasks.refresh, "apply_async", lambda arguments, countdown: requests.append((arguments[0], countdown))
    )
    return requests


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The arenas whose open boards were told that something changed."""
    told: list[int] = []
    monkeypatch.setattr(boards, "announce", told.append)
    return told


@pytest.mark.django_db(transaction=True)
class TestABallot:
    def test_asks_for_one_refresh_when_it_is_committed(
        self, ready_arena: Arena, asked: list[tuple[int, float]]
    ) -> None:
        Visitor().vote(ready_arena)

        assert asked == [(ready_arena.pk, settings.BOARD_REFRESH_SECONDS)]

    def test_that_is_rolled_back_asks_for_none(self, arena: Arena, asked: list[tuple[int, float]]) -> None:
        with transaction.atomic():
            announce_ballots(arena.pk)
            transaction.set_rollback(True)

        assert asked == []

    def test_that_is_refused_asks_for_none(self, ready_arena: Arena, asked: list[tuple[int, float]]) -> None:
        visitor = Visitor()
        assert visitor.submit(ready_arena, visitor.open(ready_arena), 9).status_code == 400

        assert asked == []

    def test_that_is_sent_again_asks_for_none(self, ready_arena: Arena, asked: list[tuple[int, float]]) -> None:
        visitor = Visitor()
        page = visitor.open(ready_arena)
        visitor.submit(ready_arena, page, 1)
        tasks.refresh(ready_arena.pk)
        visitor.submit(ready_arena, page, 1)

        assert len(asked) == 1

    def test_among_many_is_gathered_into_one_refresh(self, ready_arena: Arena, asked: list[tuple[int, float]]) -> None:
        for _ in range(10):
            Visitor().vote(ready_arena)

        assert len(asked) == 1

    def test_after_the_refresh_has_begun_asks_for_another(
        self, ready_arena: Arena, asked: list[tuple[int, float]]
    ) -> None:
        Visitor().vote(ready_arena)
        tasks.refresh(ready_arena.pk)
        Visitor().vote(ready_arena)

        assert len(asked) == 2

    def test_while_the_refresh_reads_is_never_forgotten(
        self, ready_arena: Arena, asked: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It arrives after the ballots were read and before the board is shown."""
        Visitor().vote(ready_arena)
        real = tasks.publish

        def publish_and_meanwhile(leaderboard: Any) -> Any:
            snapshot = real(leaderboard)
            Visitor().vote(ready_arena)
            return snapshot

        monkeypatch.setattr(tasks, "publish", publish_and_meanwhile)
        tasks.refresh(ready_arena.pk)

        assert len(asked) == 2

    def test_that_is_retracted_asks_as_well(self, ready_arena: Arena, asked: list[tuple[int, float]]) -> None:
        ballot = Visitor().vote(ready_arena)
        tasks.refresh(ready_arena.pk)
        assert ballot.voter is not None
        retract_ballot(voter=ballot.voter, ballot=ballot)

        assert len(asked) == 2

    def test_is_recorded_although_the_broker_is_away(self, ready_arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: Any, **keywords: Any) -> None:
            raise ConnectionError("no broker")

        monkeypatch.setattr(tasks.refresh, "apply_async", fail)
        Visitor().vote(ready_arena)

        assert Ballot.objects.count() == 1

    def test_in_one_arena_refreshes_no_other(self, ready_arena: Arena, asked: list[tuple[int, float]]) -> None:
        other = Arena.objects.create(slug="other", name="Other")
        Visitor().vote(ready_arena)
        tasks.request_refresh(other.pk)

        assert [arena for arena, _ in asked] == [ready_arena.pk, other.pk]


class TestTheTask:
    def test_publishes_and_tells_the_open_boards_once(self, arena: Arena, cast: Cast, announced: list[int]) -> None:
        cast([0, 1], [1, 2])
        tasks.refresh(arena.pk)
        tasks.refresh(arena.pk)

        assert Snapshot.objects.count() == 1
        assert announced == [arena.pk]

    def test_of_an_arena_without_ballots_does_nothing(self, arena: Arena, announced: list[int]) -> None:
        tasks.refresh(arena.pk)

        assert not Snapshot.objects.exists()
        assert announced == []

    def test_that_the_engine_refuses_leaves_the_former_board(
        self, arena: Arena, cast: Cast, announced: list[int], caplog: pytest.LogCaptureFixture
    ) -> None:
        cast([0, 1], [1, 2])
        tasks.refresh(arena.pk)
        Leaderboard.objects.update(parameters={"prior_sd": -1.0})
        cast([0, 1], [1, 2])
        tasks.refresh(arena.pk)

        assert Snapshot.objects.count() == 1
        assert announced == [arena.pk]
        assert [record.getMessage() for record in caplog.records if "cannot be computed" in record.getMessage()]

    def test_is_asked_for_again_while_a_long_writer_holds_the_arena(
        self, arena: Arena, asked: list[tuple[int, float]], announced: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy(leaderboard: Any) -> None:
            raise BallotsBeingWritten

        monkeypatch.setattr(tasks, "publish", busy)
        tasks.refresh(arena.pk)

        assert [arena for arena, _ in asked] == [arena.pk]
        assert announced == []

    def test_goes_on_when_the_open_boards_cannot_be_told(
        self, arena: Arena, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def away() -> None:
            raise ConnectionError("no channel layer")

        monkeypatch.setattr(boards, "get_channel_layer", away)
        cast([0, 1], [1, 2])
        tasks.refresh(arena.pk)

        assert Snapshot.objects.count() == 1
        assert "could not announce the board" in caplog.text


@pytest.mark.django_db(transaction=True)
class TestASlowFit:
    def test_takes_one_worker_however_often_it_is_asked_for(
        self, ready_arena: Arena, asked: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sweep asks again every few seconds; none of these may fit beside the first."""
        Visitor().vote(ready_arena)
        begun, finish = threading.Event(), threading.Event()
        real = tasks.publish
        fits: list[int] = []

        def slow(leaderboard: Any) -> Any:
            fits.append(leaderboard.pk)
            begun.set()
            assert finish.wait(PATIENCE)
            return real(leaderboard)

        monkeypatch.setattr(tasks, "publish", slow)
        with meanwhile(partial(tasks.refresh, ready_arena.pk)) as first:
            assert begun.wait(PATIENCE)
            for _ in range(3):
                tasks.catch_up()
                tasks.refresh(ready_arena.pk)
            finish.set()
        first.result()

        assert len(fits) == 1
        assert Snapshot.objects.count() == 1

    def test_that_fails_leaves_the_board_to_the_next(
        self, ready_arena: Arena, asked: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Visitor().vote(ready_arena)

        def fail(leaderboard: Any) -> None:
            raise ArithmeticError("no fit")

        with monkeypatch.context() as patch:
            patch.setattr(tasks, "publish", fail)
            with pytest.raises(ArithmeticError):
                tasks.refresh(ready_arena.pk)
        at_once(partial(tasks.refresh, ready_arena.pk))

        assert Snapshot.objects.count() == 1


class TestCatchingUp:
    def test_refreshes_what_a_lost_request_left_behind(
        self, arena: Arena, cast: Cast, asked: list[tuple[int, float]]
    ) -> None:
        cast([0, 1], [1, 2])
        tasks.catch_up()

        assert [arena for arena, _ in asked] == [arena.pk]

    def test_asks_for_nothing_when_all_is_up_to_date(
        self, arena: Arena, cast: Cast, asked: list[tuple[int, float]], announced: list[int]
    ) -> None:
        cast([0, 1], [1, 2])
        tasks.refresh(arena.pk)
        announced.clear()
        tasks.catch_up()

        assert asked == []
        assert announced == []

    def test_shows_what_another_process_published(
        self, arena: Arena, cast: Cast, asked: list[tuple[int, float]], announced: list[int]
    ) -> None:
        cast([0, 1], [1, 2])
        tasks.publish(leaderboard_of(arena.pk))
        tasks.catch_up()

        assert announced == [arena.pk]
