"""How far the queue has come, in the words of the pages."""

from __future__ import annotations

import pytest

from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.generation.queries import Supply, supply_of
from arena.generation.worker import generate_one_batch
from tests.clock import Clock
from tests.visitor import Visitor


def test_it_counts_what_is_ready_failed_and_asked_for(arena: Arena, queue: list[Candidate]) -> None:
    generate_one_batch()
    Candidate.objects.filter(pk=queue[1].pk).update(state=CandidateState.FAILED)
    Candidate.objects.filter(pk=queue[2].pk).update(state=CandidateState.WITHDRAWN)

    supply = supply_of(arena.pk)

    assert (supply.ready, supply.failed, supply.total) == (3, 1, 17)
    assert supply.per_minute == 1.5, "three in the last two minutes"


def test_what_was_made_long_ago_says_nothing_about_the_pace(arena: Arena, queue: list[Candidate], clock: Clock) -> None:
    generate_one_batch()
    clock.advance(minutes=3)

    assert supply_of(arena.pk).per_minute == 0
    assert supply_of(arena.pk).eta_text == ""


@pytest.mark.parametrize(
    ("ready", "failed", "total", "percent"), [(0, 0, 0, 100), (0, 0, 9, 0), (199, 0, 200, 99), (8, 1, 9, 100)]
)
def test_a_hundred_percent_means_all(ready: int, failed: int, total: int, percent: int) -> None:
    assert Supply(ready, failed, total, per_minute=1).percent == percent


@pytest.mark.parametrize(
    ("left", "per_minute", "words"), [(5, 10, "under a minute left"), (90, 30, "about 3 min left"), (0, 30, "")]
)
def test_the_time_left_is_told_in_words(left: int, per_minute: float, words: str) -> None:
    assert Supply(10, 0, 10 + left, per_minute).eta_text == words


def test_the_arenas_page_shows_it_and_asks_again_while_there_is_more(arena: Arena, queue: list[Candidate]) -> None:
    generate_one_batch()
    html = Visitor().client.get("/arenas/prints/").content.decode()
    assert "<b>3 of 18</b> outputs are ready" in html
    assert 'hx-get="/arenas/prints/supply/" hx-trigger="every 2s"' in html

    while generate_one_batch():
        pass
    done = Visitor().client.get("/arenas/prints/supply/").content.decode()
    assert "All 18 outputs are ready" in done
    assert "hx-trigger" not in done
