"""What a voter was shown in an arena, read in one query with the voter."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from arena.battles.actions import open_battle, skip_battle
from arena.battles.history import History, history_of, with_history
from arena.battles.models import Battle, BattleSlot, BattleState
from arena.battles.tokens import issue
from arena.catalogue.models import Arena
from arena.voters.models import Voter
from tests.clock import Clock


@pytest.fixture
def voter(db: None) -> Voter:
    return Voter.objects.create()


def read(voter: Voter, arena: Arena) -> History:
    return history_of(with_history(Voter.objects.filter(pk=voter.pk), arena).get())


def opened(arena: Arena, voter: Voter) -> Battle:
    battle = open_battle(arena=arena, voter=voter)
    assert battle is not None
    return battle


def skipped(arena: Arena, voter: Voter) -> Battle:
    return skip_battle(voter=voter, token=issue(opened(arena, voter), voter.public_id))


def shown(battle: Battle) -> tuple[int, frozenset[int]]:
    slots = BattleSlot.objects.filter(battle=battle).values_list("candidate__revision__contestant_id", flat=True)
    return battle.prompt_id, frozenset(slots)


def test_a_voter_made_just_now_has_none(voter: Voter) -> None:
    assert history_of(voter) == History(has_open=False, has_overdue=False, seen={})


def test_a_voter_who_was_shown_nothing_has_none(ready_arena: Arena, voter: Voter) -> None:
    assert read(voter, ready_arena) == History(has_open=False, has_overdue=False, seen={})


def test_it_holds_the_sets_of_every_battle_by_prompt(ready_arena: Arena, voter: Voter) -> None:
    battles = [skipped(ready_arena, voter) for _ in range(6)] + [opened(ready_arena, voter)]

    seen = read(voter, ready_arena).seen

    assert sorted((prompt, sorted(members)) for prompt, sets in seen.items() for members in sets) == sorted(
        (prompt, sorted(members)) for prompt, members in map(shown, battles)
    )


def test_an_open_battle_is_one_until_it_is_overdue(ready_arena: Arena, voter: Voter, clock: Clock) -> None:
    opened(ready_arena, voter)
    history = read(voter, ready_arena)
    assert (history.has_open, history.has_overdue) == (True, False)

    clock.advance(minutes=settings.BATTLE_MINUTES)
    history = read(voter, ready_arena)
    assert (history.has_open, history.has_overdue) == (False, True)


def test_a_closed_battle_is_neither(ready_arena: Arena, voter: Voter, clock: Clock) -> None:
    skipped(ready_arena, voter)
    clock.advance(minutes=settings.BATTLE_MINUTES)
    history = read(voter, ready_arena)

    assert (history.has_open, history.has_overdue, len(history.seen)) == (False, False, 1)


def test_other_voters_and_other_arenas_are_not_in_it(ready_arena: Arena, voter: Voter) -> None:
    skipped(ready_arena, Voter.objects.create())
    opened(ready_arena, Voter.objects.create())
    assert read(voter, ready_arena) == History()

    opened(ready_arena, voter)
    assert read(voter, Arena.objects.create(slug="other", name="Other")) == History()


def test_reading_it_is_one_query(ready_arena: Arena, voter: Voter, django_assert_num_queries: Any) -> None:
    skipped(ready_arena, voter)
    opened(ready_arena, voter)
    with django_assert_num_queries(1):
        read(voter, ready_arena)


class TestWhatChangedSinceItWasRead:
    def test_a_battle_that_was_closed_meanwhile_is_not_opened_again(self, ready_arena: Arena, voter: Voter) -> None:
        first = opened(ready_arena, voter)
        history = read(voter, ready_arena)
        skip_battle(voter=voter, token=issue(first, voter.public_id))

        battle = open_battle(arena=ready_arena, voter=voter, history=history)

        assert battle is not None
        assert (battle != first, battle.state) == (True, BattleState.OPEN)

    def test_a_battle_that_was_opened_meanwhile_is_the_one_to_judge(self, ready_arena: Arena, voter: Voter) -> None:
        history = read(voter, ready_arena)
        first = opened(ready_arena, voter)

        assert open_battle(arena=ready_arena, voter=voter, history=history) == first
        assert Battle.objects.get() == first

    def test_a_battle_that_was_replaced_meanwhile_stays_so(
        self, ready_arena: Arena, voter: Voter, clock: Clock
    ) -> None:
        opened(ready_arena, voter)
        clock.advance(minutes=settings.BATTLE_MINUTES)
        history = read(voter, ready_arena)
        replacement = opened(ready_arena, voter)

        assert open_battle(arena=ready_arena, voter=voter, history=history) == replacement
        assert sorted(Battle.objects.values_list("state", flat=True)) == [BattleState.EXPIRED, BattleState.OPEN]
