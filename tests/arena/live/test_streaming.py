"""From the backend's pieces to the cache: at once in the beginning, then now and then, each try from its beginning."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from arena.catalogue.models import Arena
from arena.live.streaming import EVERY, Scribe, texts_of
from tests.arena.live import chatty
from tests.arena.live.asker import Asker
from tests.threads import PATIENCE

Work = Callable[[], int]


def candidate(number: int = 1, lease: uuid.UUID | None = None) -> Any:
    return SimpleNamespace(pk=number, lease=lease)


class Hand:
    """A clock moved by hand."""

    now = 0.0

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def __call__(self) -> float:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.asked.append(call)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_the_beginning_is_written_at_once_and_the_rest_now_and_then(hand: Hand) -> None:
    scribe = Scribe(hand, hand.later)
    scribe.write(candidate(), "Once ")
    assert texts_of([1]) == {1: "Once "}
    scribe.write(candidate(), "upon ")
    assert texts_of([1]) == {1: "Once "}
    hand.now += EVERY
    scribe.write(candidate(), "a time")
    assert texts_of([1]) == {1: "Once upon a time"}


def test_a_burst_before_a_silence_is_written_too(hand: Hand) -> None:
    scribe = Scribe(hand, hand.later)
    for word in ("Once ", "upon ", "a ", "time"):
        scribe.write(candidate(), word)
    assert len(hand.asked) == 1, "one appointment for all that waits"
    hand.asked.pop()()

    assert texts_of([1]) == {1: "Once upon a time"}
    scribe.write(candidate(), ", ")
    assert len(hand.asked) == 1, "and another one after it"


def test_the_clock_of_a_process_brings_it_by_itself() -> None:
    scribe = Scribe()
    scribe.write(candidate(), "Once ")
    scribe.write(candidate(), "upon a time")
    deadline = time.monotonic() + PATIENCE
    while texts_of([1]) != {1: "Once upon a time"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_answers_are_kept_apart(hand: Hand) -> None:
    scribe = Scribe(hand, hand.later)
    scribe.write(candidate(1), "one")
    scribe.write(candidate(2), "two")
    assert texts_of([1, 2, 3]) == {1: "one", 2: "two", 3: ""}


def test_another_try_begins_anew(hand: Hand) -> None:
    scribe = Scribe(hand, hand.later)
    scribe.write(candidate(1, uuid.uuid4()), "half an ans")
    scribe.write(candidate(1, uuid.uuid4()), "The")
    assert texts_of([1]) == {1: "The"}


@pytest.mark.usefixtures("committed")
def test_a_piece_reaches_the_page_before_the_next_is_made(live_arena: Arena, asker: Asker, work: Work) -> None:
    battle = asker.battle(live_arena)
    candidates = [slot.candidate_id for slot in battle.slots.all()]
    seen: list[list[str]] = []
    chatty.pauses.append(lambda number: seen.append(sorted(texts_of(candidates).values())) if number == 1 else None)
    work()

    first = chatty.WORDS[0]
    assert seen[0] == ["", "", first], "one contestant has made one piece, and it is there"
    assert len(seen) == 3


@pytest.mark.usefixtures("committed")
def test_what_nobody_waits_for_is_not_written_anywhere(
    live_arena: Arena, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arena.generation.actions import plan_candidates
    from arena.generation.models import Candidate
    from arena.prompts.models import Prompt

    Prompt.objects.create(arena=live_arena, external_id="p", text="a bridge")
    plan_candidates(live_arena)
    assert work() == 6
    assert set(texts_of(list(Candidate.objects.values_list("pk", flat=True))).values()) == {""}
