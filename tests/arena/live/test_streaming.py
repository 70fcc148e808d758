"""From the backend's pieces to the cache: at once in the beginning, then now and then, each try from its beginning."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.live.streaming import BLOCK, EVERY, Reader, Scribe, key_of, texts_of
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


class TestALongAnswer:
    LONG = "".join(f"{number} and so on. " for number in range(2000))

    def test_arrives_as_it_was_written(self, hand: Hand) -> None:
        scribe, reader = Scribe(hand, hand.later), Reader()
        for end in range(500, len(self.LONG), 500):
            hand.now += 2 * EVERY
            scribe.write(candidate(), self.LONG[end - 500 : end])
            assert texts_of([1]) == {1: self.LONG[:end]}
            assert reader.texts([1], cache.get_many([key_of(1)])) == {1: self.LONG[:end]}

    def test_costs_the_cache_no_more_for_each_piece_than_a_short_one(
        self, hand: Hand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes: list[int] = []
        one, many = cache.set, cache.set_many

        def set_one(key: str, value: object, *rest: Any, **named: Any) -> None:
            sizes.append(len(repr(value)))
            one(key, value, *rest, **named)

        def set_many(values: dict[str, object], *rest: Any) -> list[str]:
            sizes.append(len(repr(values)))
            return many(values, *rest)

        monkeypatch.setattr(cache, "set", set_one)
        monkeypatch.setattr(cache, "set_many", set_many)
        scribe = Scribe(hand, hand.later)
        for start in range(0, len(self.LONG), 100):
            hand.now += 2 * EVERY
            scribe.write(candidate(), self.LONG[start : start + 100])

        assert texts_of([1]) == {1: self.LONG}
        assert max(sizes) < BLOCK + 500

    def test_is_read_by_a_page_only_where_it_is_new(self, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
        scribe, reader = Scribe(hand, hand.later), Reader()
        scribe.write(candidate(), self.LONG)
        heads = cache.get_many([key_of(1)])
        assert reader.texts([1], heads) == {1: self.LONG}
        monkeypatch.setattr(cache, "get_many", None)
        assert reader.texts([1], heads) == {1: self.LONG}

    def test_ends_before_what_the_cache_has_forgotten(self, hand: Hand) -> None:
        scribe = Scribe(hand, hand.later)
        scribe.write(candidate(), self.LONG)
        head = cache.get(key_of(1))
        cache.delete(f"live-text:1:{head.attempt}:2")
        assert texts_of([1]) == {1: self.LONG[: 2 * BLOCK]}


class TestAnAnswerWithoutEnd:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("live.streaming", "live.events", "generation.actions"):
            monkeypatch.setattr(f"arena.{module}.MOST_TEXT_BYTES", 100)

    def test_is_given_up_once_and_nothing_more_of_it_is_taken(self, hand: Hand) -> None:
        given_up: list[Any] = []
        scribe = Scribe(hand, hand.later, given_up.append)
        endless = candidate()
        for _ in range(30):
            hand.now += 2 * EVERY
            scribe.write(endless, "for ever ")

        assert given_up == [endless]
        assert texts_of([1]) == {1: "for ever " * 11}

    @pytest.mark.usefixtures("committed")
    def test_gives_its_place_to_another_contestant(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Callable[..., None]
    ) -> None:
        battle = asker.battle(live_arena)
        endless = battle.slots.all()[0].candidate
        behave(endless.revision.contestant.name, says="for ever " * 30)
        work()

        endless.refresh_from_db()
        assert (endless.state, endless.text) == (CandidateState.FAILED, "")
        assert endless.failure == "the text has more than 100 bytes, and no end so far"
        after = Battle.objects.get(pk=battle.pk)
        assert (after.state, after.replacements) == (BattleState.OPEN, 1)

    @pytest.mark.usefixtures("committed")
    def test_that_came_in_one_piece_is_replaced_too(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("arena.live.streaming.MOST_TEXT_BYTES", 10_000)
        battle = asker.battle(live_arena)
        endless = battle.slots.all()[0].candidate
        behave(endless.revision.contestant.name, says="for ever " * 30)
        work()

        endless.refresh_from_db()
        assert endless.state == CandidateState.FAILED
        after = Battle.objects.get(pk=battle.pk)
        assert (after.state, after.replacements) == (BattleState.OPEN, 1)


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
    from arena.prompts.models import Prompt

    Prompt.objects.create(arena=live_arena, external_id="p", text="a bridge")
    plan_candidates(live_arena)
    assert work() == 6
    assert set(texts_of(list(Candidate.objects.values_list("pk", flat=True))).values()) == {""}
