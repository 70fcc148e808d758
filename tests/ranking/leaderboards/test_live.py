"""The websocket of an open board says "changed", and says it at once whoever publishes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import connection

from arena.catalogue.models import Arena
from ranking.leaderboards import tasks
from ranking.leaderboards.boards import announce, board_page
from ranking.leaderboards.consumers import NOT_FOUND
from tests.visitor import Visitor
from tests.websocket import Websocket

Open = Callable[..., Websocket]


@pytest.fixture
async def socket() -> AsyncIterator[Open]:
    """Makes websockets of browsers on this site, and closes them in the end."""
    from config.asgi import application

    made: list[Websocket] = []

    def make(slug: str = "prints", **options: Any) -> Websocket:
        made.append(Websocket(application, f"/ws/arenas/{slug}/leaderboard/", **options))
        return made[-1]

    yield make
    for websocket in made:
        await websocket.close()


@pytest.fixture
def page_in_cache(arena: Arena) -> Arena:
    board_page(arena.slug)
    return arena


@pytest.mark.django_db(transaction=True)
class TestAnOpenBoard:
    async def test_is_told_when_its_arena_changes(self, page_in_cache: Arena, socket: Open) -> None:
        board = socket()
        assert await board.open() is None
        await database_sync_to_async(announce)(page_in_cache.pk)

        fragment = await board.receive()
        assert 'id="board-changed"' in fragment
        assert 'hx-swap-oob="true"' in fragment
        assert 'hx-get="/arenas/prints/leaderboard/standings/"' in fragment
        delay = re.search(r'hx-trigger="load delay:(\d+)ms"', fragment)
        assert delay is not None
        assert 0 <= int(delay[1]) < 300, "so that a thousand pages do not ask at the same moment"

    async def test_is_told_of_no_other_arena(self, page_in_cache: Arena, socket: Open) -> None:
        board = socket()
        await board.open()
        await database_sync_to_async(announce)(page_in_cache.pk + 1)

        assert await board.hears_nothing()

    async def test_is_told_together_with_all_others(self, page_in_cache: Arena, socket: Open) -> None:
        open_boards = [socket() for _ in range(5)]
        for board in open_boards:
            await board.open()
        await database_sync_to_async(announce)(page_in_cache.pk)

        assert len([await board.receive() for board in open_boards]) == 5

    async def test_is_told_of_a_ballot(self, ready_arena: Arena, socket: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        """The whole way: a ballot is cast, its refresh runs as a worker would run it, the open board hears of it."""
        monkeypatch.setattr(tasks.refresh, "apply_async", lambda arguments, countdown: tasks.refresh(*arguments))
        await database_sync_to_async(board_page)(ready_arena.slug)
        board = socket()
        await board.open()
        await database_sync_to_async(Visitor().vote)(ready_arena)

        assert "board-changed" in await board.receive()
        page = await database_sync_to_async(board_page)(ready_arena.slug)
        assert page is not None
        assert 'data-ballots="1"' in page.html

    async def test_is_told_nothing_after_it_was_closed(self, page_in_cache: Arena, socket: Open) -> None:
        board = socket()
        await board.open()
        await board.close()
        await database_sync_to_async(announce)(page_in_cache.pk)

        assert await board.hears_nothing()

    async def test_only_listens(self, page_in_cache: Arena, socket: Open) -> None:
        board = socket()
        await board.open()
        await board.send(text='{"type": "board.changed"}')
        await board.send(bytes=b"\x00" * 1000)
        assert await board.hears_nothing()
        await database_sync_to_async(announce)(page_in_cache.pk)

        assert "board-changed" in await board.receive()


@pytest.mark.django_db(transaction=True)
class TestABoardThatIsNotThere:
    async def test_is_closed_with_4404(self, arena: Arena, socket: Open) -> None:
        board = socket("nowhere")
        assert await board.open() == NOT_FOUND

    async def test_so_is_a_private_one(self, arena: Arena, socket: Open) -> None:
        await database_sync_to_async(Arena.objects.update)(visibility="private")
        board = socket()
        assert await board.open() == NOT_FOUND

    async def test_a_page_of_another_site_gets_no_connection(self, page_in_cache: Arena, socket: Open) -> None:
        board = socket(origin="https://elsewhere.example")
        assert await board.open() is not None


@pytest.mark.django_db(transaction=True)
async def test_a_connection_that_was_opened_gives_its_database_connection_back(arena: Arena, socket: Open) -> None:
    """A thousand open boards must not use up the pool."""

    def in_use() -> int:
        with connection.cursor():  # so that this thread's own one is counted the same way twice
            stats = connection.pool.get_stats()
        return int(stats["pool_size"] - stats["pool_available"])

    before = await database_sync_to_async(in_use)()
    for slug in ("prints", "nowhere", "nowhere-else"):
        board = socket(slug)
        await board.open()

    assert await database_sync_to_async(in_use)() == before
