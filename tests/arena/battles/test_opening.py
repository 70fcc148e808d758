"""Which battle a voter gets, and that it stays the same until it is decided."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from scipy.stats import chisquare

from arena.battles import actions
from arena.battles.actions import open_battle
from arena.battles.models import Battle, BattleSlot, BattleState
from arena.catalogue.models import Arena, Contestant, ContestantState
from arena.generation.actions import plan_candidates
from arena.generation.models import Candidate, CandidateState
from arena.matchmaking.choosing import Choice
from arena.prompts.models import Prompt
from arena.voters.models import Voter
from tests.clock import Clock
from tests.threads import at_once
from tests.visitor import Visitor


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dice that are thrown the same way in every run."""
    rng = np.random.default_rng(20260131)
    monkeypatch.setattr(actions, "dice", lambda: rng)


@pytest.fixture
def uniform_arena(ready_arena: Arena) -> Arena:
    """Every prompt equally likely, then every set of its contestants."""
    Arena.objects.update(policy="uniform", prompt_choice="even")
    ready_arena.refresh_from_db()
    return ready_arena


def uniform_enough(counts: Sequence[int], tests: int = 1) -> bool:
    """Whether these counts could come from equal probabilities: chi-square at .001 for all `tests` together."""
    return bool(chisquare(counts).pvalue > 0.001 / tests)


def contestants_of(battle: Battle) -> list[int]:
    slots = battle.slots.order_by("position")
    return list(slots.values_list("candidate__revision__contestant_id", flat=True))


def test_a_visit_opens_one_battle_with_as_many_slots_as_the_arena_says(ready_arena: Arena) -> None:
    page = Visitor().open(ready_arena)

    battle = Battle.objects.get()
    assert page.battle == battle
    assert (battle.arena, battle.state, battle.policy) == (ready_arena, BattleState.OPEN, "misorder")
    assert battle.protocol == ready_arena.protocol
    assert battle.voter == Voter.objects.get()
    slots = list(battle.slots.all())
    assert [slot.position for slot in slots] == [0, 1, 2, 3]
    assert {slot.candidate.prompt for slot in slots} == {battle.prompt}
    assert len(set(contestants_of(battle))) == 4
    assert page.rank_fields == ["rank_a", "rank_b", "rank_c", "rank_d"]


def test_a_battle_has_the_size_that_its_arena_asks_for(ready_arena: Arena) -> None:
    Arena.objects.update(battle_size=2)

    assert Visitor().open(ready_arena).rank_fields == ["rank_a", "rank_b"]


def test_a_reload_shows_the_same_battle_in_the_same_order(ready_arena: Arena) -> None:
    visitor = Visitor()
    first, second = visitor.open(ready_arena), visitor.open(ready_arena)

    assert Battle.objects.count() == 1
    assert second.battle == first.battle
    assert second.media_urls == first.media_urls


def test_another_voter_gets_a_battle_of_their_own(ready_arena: Arena) -> None:
    assert Visitor().open(ready_arena).battle != Visitor().open(ready_arena).battle


def test_a_voter_has_one_open_battle_in_each_of_two_arenas(ready_arena: Arena, paint: Callable[..., None]) -> None:
    other = Arena.objects.create(slug="other", name="Other", battle_size=2)
    for name in ("Umber", "Ochre"):
        contestant = Contestant.objects.create(arena=other, name=name)
        contestant.revisions.create(number=1, backend="painter")
    Prompt.objects.create(arena=other, external_id="p", text="a bridge")
    plan_candidates(other)
    paint(other)
    visitor = Visitor()

    visitor.open(ready_arena)
    visitor.open(other)

    assert Battle.objects.open().filter(voter=Voter.objects.get()).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_open_one_battle(ready_arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that there is no open battle before either writes one."""
    visitor = Visitor()
    visitor.open(ready_arena)
    BattleSlot.objects.all().delete()
    Battle.objects.all().delete()
    real, both_have_looked = actions.choose, threading.Barrier(2)

    def choose_together(*arguments: Any, **options: Any) -> Choice | None:
        both_have_looked.wait(10)
        return real(*arguments, **options)

    monkeypatch.setattr(actions, "choose", choose_together)
    pages = at_once(lambda: visitor.open(ready_arena), lambda: visitor.open(ready_arena))

    assert Battle.objects.count() == 1
    assert pages[0].battle == pages[1].battle
    assert pages[0].media_urls == pages[1].media_urls
    assert BattleSlot.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_replace_an_overdue_battle_once(
    ready_arena: Arena, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    visitor = Visitor()
    overdue = visitor.open(ready_arena).battle
    clock.advance(minutes=settings.BATTLE_MINUTES, seconds=1)
    real, both_have_looked = actions.choose, threading.Barrier(2)

    def choose_together(*arguments: Any, **options: Any) -> Choice | None:
        both_have_looked.wait(10)
        return real(*arguments, **options)

    monkeypatch.setattr(actions, "choose", choose_together)
    pages = at_once(lambda: visitor.open(ready_arena), lambda: visitor.open(ready_arena))

    assert pages[0].battle == pages[1].battle != overdue
    assert Battle.objects.get(state=BattleState.EXPIRED) == overdue
    assert Battle.objects.get(state=BattleState.OPEN) == pages[0].battle


def test_a_voter_never_gets_the_same_prompt_and_set_twice(ready_arena: Arena) -> None:
    visitor = Visitor()
    possible = 3 * comb(6, 4)
    seen: set[tuple[int, frozenset[int]]] = set()
    for turn in range(possible):
        page = visitor.open(ready_arena)
        battle = page.battle
        seen.add((battle.prompt_id, frozenset(contestants_of(battle))))
        assert len(seen) == turn + 1
        response = visitor.submit(ready_arena, page, 1) if turn % 2 else visitor.skip(ready_arena, page)
        assert response.status_code == 303

    page = visitor.open(ready_arena)
    assert "No battle is left for now" in page.html
    assert Battle.objects.count() == possible
    assert Visitor().open(ready_arena).battle, "another voter has all of them before them"


def test_nothing_ready_is_a_waiting_page_and_no_battle(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
) -> None:
    plan_candidates(arena)
    page = Visitor().open(arena)

    assert page.response.status_code == 200
    assert "The contestants are at work" in page.html
    assert "0 of 18 outputs are ready" in page.html
    assert "token" not in page.fields
    assert not Battle.objects.exists()


def test_the_waiting_page_becomes_a_battle_once_enough_is_ready(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant], paint: Callable[..., None]
) -> None:
    plan_candidates(arena)
    visitor = Visitor()
    visitor.open(arena)
    paint(arena)

    assert len(visitor.open(arena).rank_fields) == 4
    assert Voter.objects.count() == 1


def test_an_arena_without_prompts_says_that_there_is_nothing_yet(arena: Arena) -> None:
    assert "This arena has no outputs yet" in Visitor().open(arena).html


def test_only_ready_outputs_of_active_contestants_and_prompts_are_shown(
    ready_arena: Arena, contestants: list[Contestant], prompts: list[Prompt]
) -> None:
    paused, retired, *active = contestants
    Contestant.objects.filter(pk=paused.pk).update(state=ContestantState.PAUSED)
    Contestant.objects.filter(pk=retired.pk).update(state=ContestantState.RETIRED)
    Prompt.objects.filter(pk=prompts[0].pk).update(is_active=False)
    withdrawn = Candidate.objects.filter(prompt=prompts[1], revision__contestant=active[0])
    withdrawn.update(state=CandidateState.WITHDRAWN)

    visitor = Visitor()
    battle = visitor.open(ready_arena).battle

    assert battle.prompt == prompts[2]
    assert set(contestants_of(battle)) == {contestant.pk for contestant in active}
    assert battle.probability == 1


def test_a_new_revision_takes_the_place_of_the_old_one(
    ready_arena: Arena, contestants: list[Contestant], paint: Callable[..., None]
) -> None:
    for contestant in contestants:
        contestant.revisions.create(number=2, backend="painter", settings={"hand": 2})
    plan_candidates(ready_arena)
    paint(ready_arena)

    battle = Visitor().open(ready_arena).battle

    assert set(battle.slots.values_list("candidate__revision__number", flat=True)) == {2}


def test_an_expired_battle_is_replaced_and_kept_as_expired(ready_arena: Arena, clock: Clock) -> None:
    visitor = Visitor()
    first = visitor.open(ready_arena).battle
    clock.advance(minutes=settings.BATTLE_MINUTES, seconds=-5)
    assert visitor.open(ready_arena).battle == first

    clock.advance(seconds=6)
    second = visitor.open(ready_arena).battle

    first.refresh_from_db()
    assert second != first
    assert first.state == BattleState.EXPIRED
    assert first.closed_at is not None
    assert Battle.objects.open().get() == second


def test_a_closed_arena_opens_no_battle(ready_arena: Arena) -> None:
    Arena.objects.update(is_open=False)
    page = Visitor().open(ready_arena)

    assert page.response.status_code == 403
    assert "Prints is closed for voting" in page.html
    assert not Battle.objects.exists()


def test_an_arena_for_accounts_sends_strangers_away(ready_arena: Arena) -> None:
    Arena.objects.update(anonymous_voting=False)
    page = Visitor().open(ready_arena)

    assert page.response.status_code == 403
    assert "signed-in voters only" in page.html
    assert not Voter.objects.exists()


@pytest.mark.usefixtures("seeded")
class TestManyBattles:
    """Four hundred battles of four hundred voters, with fixed dice."""

    BATTLES = 400

    @pytest.fixture
    def battles(self, uniform_arena: Arena) -> list[Battle]:
        opened = [open_battle(arena=uniform_arena, voter=Voter.objects.create()) for _ in range(self.BATTLES)]
        return Battle.objects.in_bulk([battle.pk for battle in opened if battle]).values()  # type: ignore[return-value]

    def test_store_the_probability_and_are_drawn_as_often(
        self, battles: list[Battle], prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        expected = pytest.approx(1 / 3 / comb(6, 4))
        assert all(battle.probability == expected for battle in battles)
        assert all(battle.uniform_probability == expected for battle in battles)
        counts = Counter((battle.prompt_id, frozenset(contestants_of(battle))) for battle in battles)
        ids = [contestant.pk for contestant in contestants]
        every = [(prompt.pk, frozenset(members)) for prompt in prompts for members in combinations(ids, 4)]

        assert set(counts) <= set(every)
        assert uniform_enough([counts[key] for key in every])

    def test_put_every_contestant_into_every_slot_and_before_every_other_equally_often(
        self, battles: list[Battle], contestants: list[Contestant]
    ) -> None:
        orders = [contestants_of(battle) for battle in battles]
        ids = [contestant.pk for contestant in contestants]
        for one in ids:
            positions = Counter(order.index(one) for order in orders if one in order)
            assert uniform_enough([positions[position] for position in range(4)], tests=6)
        for one, other in combinations(ids, 2):
            first = [order.index(one) < order.index(other) for order in orders if one in order and other in order]
            assert uniform_enough([sum(first), len(first) - sum(first)], tests=15)


def test_a_voters_own_history_changes_the_stored_probability(uniform_arena: Arena) -> None:
    visitor = Visitor()
    first = visitor.open(uniform_arena)
    visitor.submit(uniform_arena, first, 1, 2, 3, 4)
    second = visitor.open(uniform_arena).battle

    open_sets = comb(6, 4) - (second.prompt == first.battle.prompt)
    assert second.probability == pytest.approx(1 / 3 / open_sets)
