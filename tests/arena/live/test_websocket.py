"""The websocket of a page that is being answered: blind frames for all slots, then word that the ballot is open."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from channels.db import database_sync_to_async

from arena.battles import tokens
from arena.battles.models import Battle, BattleState
from arena.battles.rendering import render_markdown
from arena.catalogue.models import Arena
from arena.live import consumers, pacing
from arena.live.consumers import NOT_FOUND, Page, Show
from arena.live.queries import is_watched
from arena.live.streaming import Scribe
from arena.prompts.models import Origin, Prompt
from arena.voters.models import Voter
from tests.arena.live.asker import Asker
from tests.arena.live.conftest import NAMES
from tests.websocket import Websocket

Work = Callable[[], int]
LONG = "A harbour in the evening, and boats that come home one by one. " * 3


def shown_in(frame: str) -> dict[str, str]:
    """The words of the slots that a frame changes."""
    found = re.findall(r'<div id="answer-(\w)" hx-swap-oob="innerHTML">(.*?)</div>', frame, re.DOTALL)
    return {letter: re.sub("<[^>]*>", "", html).strip() for letter, html in found}


class TestFrames:
    """What a page is sent, without the socket around it."""

    def test_carry_all_slots_at_one_length(self) -> None:
        frame = Show().frame(0.0, [LONG, LONG[::-1]], [False, False])
        shown = re.findall(r'<div id="answer-(\w)" hx-swap-oob="innerHTML"><p>(.*)</p>', frame)

        assert [letter for letter, _ in shown] == ["A", "B"]
        assert [text.strip() for _, text in shown] == [LONG[:16].strip(), LONG[::-1][:16].strip()]

    def test_are_not_sent_while_nothing_changes(self) -> None:
        show = Show()
        assert show.frame(0.0, [LONG, ""], [False, False]) == ""
        assert show.frame(1.0, [LONG, LONG], [False, False]) != ""
        assert show.frame(1.0, [LONG, LONG], [False, False]) == ""

    def test_hide_links_and_html_as_the_ballot_does(self) -> None:
        text = "[a maker](https://maker.example/) <script>alert(1)</script>"
        show = Show()
        show.frame(0.0, [text, text], [True, True])
        frame = show.frame(60.0, [text, text], [True, True])

        assert show.over
        assert "maker.example" not in frame
        assert "<script" not in frame

    def test_leave_a_slot_that_began_anew_empty_until_it_has_caught_up(self) -> None:
        show = Show()
        show.frame(0.0, [LONG, LONG], [False, False])
        show.frame(0.3, [LONG, LONG], [False, False])
        restarted = show.frame(0.6, [LONG, "Another"], [False, False])
        assert re.findall(r'id="answer-(\w)" hx-swap-oob="innerHTML"></div>', restarted) == ["B"]
        again = show.frame(0.9, [LONG, LONG[::-1]], [False, False])
        assert 'id="answer-B"' in again

    @pytest.mark.parametrize("finished", [True, False])
    def test_show_a_slot_that_began_anew_as_they_show_a_first_try(self, finished: bool) -> None:
        show, first, other = Show(), "a" * 300, "b" * 300
        for tick in range(4):
            show.frame(tick * 0.1, [first, first], [False, False])
        before = len(shown_in(show.frame(0.4, [first, first], [False, False]))["B"])
        assert before > 100
        assert shown_in(show.frame(0.5, [first, other[:10]], [False, False])) == {"B": ""}
        lengths = []
        for tick in range(6, 30):
            frame = shown_in(show.frame(tick * 0.1, [first, other], [finished, finished]))
            if lengths and lengths[-1] >= before:
                assert set(frame) in ({"A", "B"}, set())
            else:
                assert set(frame) == {"B"}, "the others wait for it"
            lengths += [len(frame[letter]) for letter in "B" if letter in frame]

        assert lengths[0] <= pacing.STEP
        steps = [later - earlier for earlier, later in pairwise(lengths)]
        assert max(steps) <= pacing.FASTEST * 0.1 + pacing.STEP
        assert finished is show.over
        assert lengths[-1] == (300 if finished else 288), "to the last step of those who go on"

    def test_empty_a_slot_before_other_words_come_though_all_of_them_are_there(self) -> None:
        show = Show()
        show.frame(0.0, [LONG, LONG], [False, False])
        assert shown_in(show.frame(0.5, [LONG, LONG[::-1]], [True, True])) == {"B": ""}
        assert set(shown_in(show.frame(0.6, [LONG, LONG[::-1]], [True, True]))) == {"B"}

    def test_go_on_with_a_slot_that_lost_the_empty_space_at_its_end(self) -> None:
        show, text = Show(), "a" * 30
        for tick in range(8):
            show.frame(tick * 0.1, [text + " " * 40, LONG], [False, False])
        assert "B" in shown_in(show.frame(1.0, [text, LONG], [True, False]))
        assert not show.over

    def test_begin_again_with_a_slot_that_fails_once_more(self) -> None:
        show = Show()
        for tick in range(4):
            show.frame(tick * 0.1, [LONG, LONG], [False, False])
        for tick in range(4, 7):
            show.frame(tick * 0.1, [LONG, LONG[::-1]], [False, False])
        assert shown_in(show.frame(0.7, [LONG, "A third"], [False, False])) == {"B": ""}


class TestAGrowingText:
    TEXT = "One *two*.\n\n```\ncode\n\nmore code\n```\n\n- a\n- b\n\nThe end, with [a link](https://maker.example/)."

    def test_ends_as_it_is_rendered_at_once(self) -> None:
        page = Page()
        for length in range(0, len(self.TEXT) + 1, 3):
            page.rendered(self.TEXT[:length])
        assert page.rendered(self.TEXT) == render_markdown(self.TEXT)

    def test_renders_what_is_settled_only_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rendered: list[str] = []
        monkeypatch.setattr(consumers, "render_markdown", lambda text: rendered.append(text) or "")
        page = Page()
        page.rendered("A first paragraph.\n\nA sec")
        page.rendered("A first paragraph.\n\nA second")
        assert rendered == ["A first paragraph.\n\n", "A sec", "A second"]

    def test_that_is_another_one_begins_anew(self) -> None:
        page = Page()
        page.rendered("First.\n\nSecond.")
        assert page.rendered("Other.") == render_markdown("Other.")


@pytest.fixture
async def socket() -> AsyncIterator[Callable[[str], Websocket]]:
    from config.asgi import application

    made: list[Websocket] = []

    def make(token: str) -> Websocket:
        made.append(Websocket(application, f"/ws/answers/{token}/"))
        return made[-1]

    yield make
    for websocket in made:
        await websocket.close()


@pytest.mark.django_db(transaction=True)
class TestAPageThatWaits:
    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(consumers, "TICK", 0.01)
        monkeypatch.setattr(pacing, "FASTEST", 1e5)
        monkeypatch.setattr(consumers, "READ_AGAIN", 0.1)

    @pytest.fixture
    def battle(self, live_arena: Arena, asker: Asker) -> Battle:
        return asker.battle(live_arena)

    @pytest.fixture
    def token(self, battle: Battle) -> str:
        return tokens.issue(battle, battle.voter.public_id)

    async def test_sees_the_answers_grow_and_then_the_ballot(
        self, battle: Battle, token: str, work: Work, socket: Callable[[str], Websocket]
    ) -> None:
        page = socket(token)
        assert await page.open() is None
        frames: list[str] = []
        candidates = [slot.candidate_id async for slot in battle.slots.all()]
        for number, candidate in enumerate(candidates):
            made = SimpleNamespace(pk=candidate, lease=None)
            await database_sync_to_async(Scribe().write)(made, LONG[: 40 + number])
        frames.append(await page.receive())
        assert re.findall(r'id="answer-(\w)"', frames[0]) == ["A", "B", "C"]
        assert await database_sync_to_async(is_watched)(battle.pk)
        await database_sync_to_async(work)()
        while 'id="answers-over"' not in frames[-1]:
            frames.append(await page.receive())

        assert f'hx-get="/arenas/sayings/asked/{battle.public_id}/?shown=1"' in frames[-1]
        for name in NAMES:
            assert name not in "".join(frames)
        numbers = [str(candidate) for candidate in candidates]
        assert not any(f'"{number}"' in "".join(frames) for number in numbers)
        await battle.arefresh_from_db()
        assert battle.state == BattleState.OPEN

    async def test_hears_that_its_battle_is_void(
        self, battle: Battle, token: str, socket: Callable[[str], Websocket]
    ) -> None:
        page = socket(token)
        await page.open()
        await Battle.objects.aupdate(state=BattleState.VOID)

        assert 'id="answers-over"' in await page.receive()

    async def test_opened_late_sees_what_was_written_before(
        self, battle: Battle, token: str, work: Work, socket: Callable[[str], Websocket]
    ) -> None:
        await database_sync_to_async(work)()
        page = socket(token)
        await page.open()
        frame = await page.receive()

        assert "The harbour lies" in frame

    @pytest.mark.parametrize("wrong", ["forged", "of another voter", "of a battle of the arena's own"])
    async def test_is_refused_without_the_token_of_a_live_prompt(
        self, battle: Battle, token: str, wrong: str, socket: Callable[[str], Websocket]
    ) -> None:
        stranger = await Voter.objects.acreate()
        if wrong == "of a battle of the arena's own":
            await Prompt.objects.aupdate(origin=Origin.BANK)
        made: dict[str, Any] = {
            "forged": "forged",
            "of another voter": tokens.issue(battle, stranger.public_id),
            "of a battle of the arena's own": token,
        }
        assert await socket(made[wrong]).open() == NOT_FOUND
