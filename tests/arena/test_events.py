"""A ballot that was committed is announced; one that was not is not; and a listener that fails changes neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena
from arena.events import announce_ballots, ballots_changed
from tests.visitor import Visitor

Listener = Callable[..., None]


@pytest.fixture
def listen() -> Iterator[Callable[[Listener], None]]:
    listeners: list[Listener] = []

    def connect(listener: Listener) -> None:
        listeners.append(listener)
        ballots_changed.connect(listener)

    yield connect
    for listener in listeners:
        ballots_changed.disconnect(listener)


@pytest.mark.django_db(transaction=True)
class TestAnnouncing:
    def test_happens_when_the_transaction_commits_and_not_before(
        self, arena: Arena, listen: Callable[[Listener], None]
    ) -> None:
        heard: list[int] = []
        listen(lambda sender, arena_id, **kwargs: heard.append(arena_id))

        with transaction.atomic():
            announce_ballots(arena.pk)
            assert heard == []
        assert heard == [arena.pk]

    def test_does_not_happen_when_it_rolls_back(self, arena: Arena, listen: Callable[[Listener], None]) -> None:
        heard: list[int] = []
        listen(lambda sender, arena_id, **kwargs: heard.append(arena_id))

        with transaction.atomic():
            announce_ballots(arena.pk)
            transaction.set_rollback(True)

        assert heard == []

    def test_a_listener_that_fails_neither_undoes_the_ballot_nor_deafens_the_others(
        self, ready_arena: Arena, listen: Callable[[Listener], None]
    ) -> None:
        heard: list[int] = []

        def fail(sender: Any, **kwargs: Any) -> None:
            raise RuntimeError("the broker is away")

        listen(fail)
        listen(lambda sender, arena_id, **kwargs: heard.append(arena_id))

        Visitor().vote(ready_arena)

        assert Ballot.objects.count() == 1
        assert heard == [ready_arena.pk]
