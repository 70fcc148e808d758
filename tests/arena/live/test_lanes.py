"""One worker lets all contestants of a live battle write at once, and their words reach the pages side by side."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.cache import cache

from arena.battles import tokens
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.generation.models import Candidate, CandidateState
from arena.live import consumers, pacing, streaming
from arena.live.streaming import BLOCK, EVERY, Scribe, texts_of
from arena.prompts.models import Prompt
from tests.arena.live import chatty
from tests.arena.live.asker import Asker
from tests.arena.live.conftest import NAMES
from tests.arena.live.test_websocket import shown_in
from tests.threads import PATIENCE, at_once, meanwhile
from tests.websocket import Websocket

Work = Callable[[], int]
LONG = "A harbour in the evening, and boats that come home one by one. " * 3


def candidate(number: int = 1) -> Any:
    return SimpleNamespace(pk=number, lease=uuid.uuid4())


@pytest.mark.django_db(transaction=True)
class TestABattle:
    def test_has_words_in_all_slots_before_any_of_them_is_finished(
        self, live_arena: Arena, asker: Asker, work: Work
    ) -> None:
        battle = asker.battle(live_arena)
        candidates = [slot.candidate_id for slot in battle.slots.all()]
        seen: list[int] = []
        together = threading.Barrier(len(candidates))

        def pause(number: int) -> None:
            together.wait(PATIENCE)  # nobody writes another word before all have written this one
            if number == 1:
                seen.append(sum(bool(text) for text in texts_of(candidates).values()))

        chatty.pauses.append(pause)

        assert work() == len(candidates)
        assert seen == [len(candidates)] * len(candidates)
        battle.refresh_from_db()
        assert battle.state == BattleState.OPEN
        assert {slot.candidate.text for slot in battle.slots.all()} == {"".join(chatty.WORDS)}

    def test_is_answered_while_the_worker_makes_backfill(self, live_arena: Arena, asker: Asker, work: Work) -> None:
        battle = asker.battle(live_arena)
        asked = {slot.candidate.revision_id for slot in battle.slots.all()}
        busy = next(
            each.revisions.get() for each in live_arena.contestants.all() if each.revisions.get().pk not in asked
        )
        own = Prompt.objects.create(arena=live_arena, external_id="p", text="a bridge")
        Candidate.objects.filter(slots__battle=battle).update(state=CandidateState.HELD)
        backfill = Candidate.objects.create(revision=busy, prompt=own, seed=1)

        def pause(number: int) -> None:
            if threading.current_thread().name == "lane" or number > 0:
                return
            Candidate.objects.filter(slots__battle=battle).update(state=CandidateState.QUEUED)
            deadline = time.monotonic() + PATIENCE
            while Battle.objects.get(pk=battle.pk).state != BattleState.OPEN:
                assert time.monotonic() < deadline, "whoever asked waits behind the backfill"
                time.sleep(0.01)

        chatty.pauses.append(pause)
        assert work() == 1 + len(asked)
        backfill.refresh_from_db()
        assert backfill.state == CandidateState.READY

    async def test_streams_into_all_slots_at_once(
        self, live_arena: Arena, asker: Asker, work: Work, monkeypatch: pytest.MonkeyPatch, behave: Callable[..., None]
    ) -> None:
        """The page has its first words while every contestant still writes: each halts until they are shown."""
        from config.asgi import application

        monkeypatch.setattr(consumers, "TICK", 0.01)
        monkeypatch.setattr(pacing, "FASTEST", 1e5)
        await database_sync_to_async(behave)(says=LONG)
        battle = await database_sync_to_async(asker.battle)(live_arena)
        shown = threading.Event()
        chatty.pauses.append(lambda number: shown.wait(PATIENCE) and None if number == 8 else None)
        voter = await database_sync_to_async(lambda: battle.voter.public_id)()
        page = Websocket(application, f"/ws/answers/{tokens.issue(battle, voter)}/")
        assert await page.open() is None

        with meanwhile(work) as taken:
            first = shown_in(await page.receive())
            assert not taken.done()
            shown.set()
            frame = ""
            while 'id="answers-over"' not in frame:
                frame = await page.receive()
        await page.close()

        assert set(first) == {"A", "B", "C"}
        assert all(LONG.startswith(text) and text for text in first.values())
        assert taken.result() == 3
        assert not any(name in frame for name in NAMES)


class TestTheScribe:
    """Is told by several threads at once."""

    def test_keeps_every_answer_whole(self) -> None:
        scribe = Scribe()
        texts = {number: "".join(f"{number}:{place} " for place in range(3000)) for number in range(1, 5)}

        def tell(number: int) -> None:
            told = candidate(number)
            for start in range(0, len(texts[number]), 7):
                scribe.write(told, texts[number][start : start + 7])

        at_once(*(lambda number=number: tell(number) for number in texts))  # type: ignore[misc]
        scribe.flush()

        assert min(map(len, texts.values())) > 2 * BLOCK
        assert texts_of(list(texts)) == texts

    def test_goes_on_with_one_answer_while_it_waits_for_what_another_needs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Such as a broker that is slow to take the request for a look at what is new."""
        waiting, over = threading.Event(), threading.Event()
        asked: list[int] = []

        def read_on(candidate: int, attempt: str, text: str, length: int) -> None:
            asked.append(candidate)
            if candidate == 1:
                waiting.set()
                assert over.wait(PATIENCE)

        monkeypatch.setattr(streaming, "reads_texts", lambda: True)
        scribe = Scribe(read_on=read_on)
        with meanwhile(lambda: scribe.write(candidate(1), LONG * 5)) as slow:
            assert waiting.wait(PATIENCE)
            scribe.write(candidate(2), LONG * 5)
            assert asked == [1, 2]
            assert not slow.done()
            over.set()
        slow.result()

    def test_lets_no_earlier_try_write_over_a_later_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker that lost its lease may still be writing when another one begins."""
        writing, go_on = threading.Event(), threading.Event()

        class Slow:
            def set(self, key: str, value: Any, seconds: float) -> None:
                if value.rest.startswith("first"):
                    writing.set()
                    assert go_on.wait(PATIENCE)
                cache.set(key, value, seconds)

        monkeypatch.setattr(streaming, "cache", Slow())
        now = [0.0]
        scribe = Scribe(lambda: now[0], lambda seconds, call: None)
        first, second = candidate(), candidate()
        with meanwhile(lambda: scribe.write(first, "first try")) as one:
            assert writing.wait(PATIENCE)
            with meanwhile(lambda: scribe.write(second, "second try")) as two:
                go_on.set()
            two.result()
        one.result()
        now[0] += 2 * EVERY
        scribe.flush()
        monkeypatch.undo()

        assert texts_of([1]) == {1: "second try"}
