"""How far the queue has come, in the words of the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.generation.queries import Supply, pace, supply_of
from arena.generation.worker import Station
from tests.arena.generation import clockwork
from tests.clock import Clock
from tests.visitor import Visitor


def test_it_counts_what_is_ready_failed_and_asked_for(station: Station, arena: Arena, queue: list[Candidate]) -> None:
    station.work()
    Candidate.objects.filter(pk=queue[1].pk).update(state=CandidateState.FAILED)
    Candidate.objects.filter(pk=queue[2].pk).update(state=CandidateState.WITHDRAWN)

    supply = supply_of(arena.pk)

    assert (supply.ready, supply.failed, supply.total, supply.left) == (3, 1, 17, 13)


class TestTheTimeLeft:
    @pytest.fixture
    def one_by_one(self, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clockwork, "batch_size", 1)

    @pytest.mark.usefixtures("one_by_one")
    def test_is_not_told_before_ten_were_made_at_the_measured_pace(
        self, station: Station, arena: Arena, clock: Clock
    ) -> None:
        told = []
        for _ in range(14):
            clock.advance(seconds=20)
            station.work()
            told.append(supply_of(arena.pk).eta_text)

        assert told == [""] * 10 + ["about 2 min left"] * 3 + ["about 1 min left"]

    @pytest.mark.usefixtures("one_by_one")
    def test_counts_failures_too_since_nothing_waits_for_them(
        self, station: Station, arena: Arena, clock: Clock
    ) -> None:
        for _ in range(12):
            clock.advance(seconds=30)
            station.work()
        made = Candidate.objects.ready().values("pk")[:6]
        Candidate.objects.filter(pk__in=made).update(state=CandidateState.FAILED)

        assert supply_of(arena.pk).per_minute == pytest.approx(2, rel=0.01)

    @pytest.mark.usefixtures("one_by_one")
    def test_is_not_told_of_what_was_made_long_ago(self, station: Station, arena: Arena, clock: Clock) -> None:
        for _ in range(12):
            clock.advance(seconds=2)
            station.work()
        assert supply_of(arena.pk).eta_text == "under a minute left"
        clock.advance(minutes=11)

        assert supply_of(arena.pk).per_minute is None
        assert supply_of(arena.pk).eta_text == ""

    def test_costs_one_query_more_and_only_while_something_is_left(
        self, station: Station, arena: Arena, queue: list[Candidate], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(2):
            supply_of(arena.pk)
        while station.work():
            pass
        with django_assert_num_queries(1):
            assert supply_of(arena.pk).left == 0


class TestThePace:
    NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)

    def ago(self, *seconds: float) -> list[datetime]:
        return [self.NOW - timedelta(seconds=number) for number in seconds]

    def test_is_unknown_while_nothing_or_one_batch_is_finished(self) -> None:
        assert pace([], self.NOW) is None
        assert pace(self.ago(*np.linspace(0.1, 0.9, 50)), self.NOW) is None

    def test_is_that_of_single_outputs(self) -> None:
        assert pace(self.ago(*range(0, 60, 3)), self.NOW) == pytest.approx(20)

    def test_is_that_of_batches_without_the_first(self) -> None:
        """Sixteen every half minute, stored within a third of a second."""
        batches = [start + 0.02 * number for start in (0.3, 30.3, 60.3) for number in range(16)]

        assert pace(self.ago(*batches), self.NOW) == pytest.approx(32, rel=0.02)

    def test_falls_while_nothing_comes(self) -> None:
        finished = self.ago(*range(300, 360, 3))

        assert pace(finished, self.NOW) == pytest.approx(20 / 6, rel=0.06)


@pytest.mark.parametrize(
    ("ready", "failed", "total", "percent"), [(0, 0, 0, 100), (0, 0, 9, 0), (199, 0, 200, 99), (8, 1, 9, 100)]
)
def test_a_hundred_percent_means_all(ready: int, failed: int, total: int, percent: int) -> None:
    assert Supply(ready, failed, total, per_minute=1).percent == percent


@pytest.mark.parametrize(
    ("left", "per_minute", "words"),
    [
        (5, 10, "under a minute left"),
        (90, 30, "about 3 min left"),
        (284, 30, "about 9 min left"),
        (286, 30, "about 10 min left"),
        (690, 30, "about 25 min left"),
        (57.4, 1, "about 55 min left"),
        (57.6, 1, "about an hour left"),
        (91, 1, "about 2 hours left"),
        (35 * 60, 1, "about 35 hours left"),
        (50 * 60, 1, "about 2 days left"),
        (0, 30, ""),
        (358, None, ""),
    ],
)
def test_the_time_left_is_told_in_words(left: int, per_minute: float | None, words: str) -> None:
    assert Supply(10, 0, 10 + left, per_minute).eta_text == words


def test_the_arenas_page_shows_it_and_asks_again_while_there_is_more(
    station: Station, arena: Arena, queue: list[Candidate]
) -> None:
    station.work()
    html = Visitor().client.get("/arenas/prints/").content.decode()
    assert "<b>3 of 18</b> outputs are ready" in html
    assert 'hx-get="/arenas/prints/supply/" hx-trigger="every 2s"' in html

    while station.work():
        pass
    done = Visitor().client.get("/arenas/prints/supply/").content.decode()
    assert "All 18 outputs are ready" in done
    assert "hx-trigger" not in done
