"""Battles are chosen on what is known of the arena now, by its own rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from arena.ballots.models import Ballot
from arena.battles import actions
from arena.battles.actions import GoalReached, open_battle, skip_battle
from arena.battles.models import Battle, BattleSlot, BattleState
from arena.battles.tokens import issue
from arena.catalogue.models import Arena, Contestant, ContestantState
from arena.generation.models import Candidate, CandidateState
from arena.matchmaking import keeping, queries
from arena.matchmaking.knowledge import Knowledge
from arena.prompts.models import Prompt, Split
from arena.voters.models import Voter
from ranking.leaderboards.actions import publish
from ranking.leaderboards.beliefs import pack_posterior
from ranking.leaderboards.queries import leaderboard_of
from tests.threads import at_once
from tests.visitor import Visitor


@pytest.fixture(autouse=True)
def _dice(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(20260131)
    monkeypatch.setattr(actions, "dice", lambda: rng)


def opened(arena: Arena) -> Battle:
    battle = open_battle(arena=Arena.objects.get(pk=arena.pk), voter=Voter.objects.create())
    assert battle is not None
    return battle


def names(battle: Battle) -> set[str]:
    slots = BattleSlot.objects.filter(battle=battle)
    return set(slots.values_list("candidate__revision__contestant__name", flat=True))


def believe(arena: Arena, mean: list[float], sd: float | list[float]) -> None:
    """Publish a posterior of the arena's contestants in the order they were made."""
    contestants = list(Contestant.objects.order_by("pk").values_list("pk", flat=True))
    board = leaderboard_of(arena.pk)
    deviations = np.broadcast_to(np.array(sd, float), len(contestants))
    board.posterior = pack_posterior(
        contestants, np.array(mean), np.diag(deviations**2), np.full(len(contestants), 99), 1.0
    )
    board.save(update_fields=["posterior"])


def test_a_battle_stores_how_it_was_chosen(ready_arena: Arena) -> None:
    battle = opened(ready_arena)

    assert battle.policy == "misorder"
    assert battle.policy_parameters["top_weight"] == 5
    assert battle.policy_parameters["audit"] == 0.1
    assert battle.probability_exact
    assert battle.uniform_probability == pytest.approx(1 / 3 / 15)
    assert battle.probability >= 0.1 * battle.uniform_probability


def test_those_whose_order_is_unknown_meet(ready_arena: Arena) -> None:
    """Two pairs of equals far apart, the others known: with battles of two, an equal meets its equal."""
    Arena.objects.update(battle_size=2, policy_parameters={"top_weight": 0}, audit_share=0.01)
    believe(ready_arena, [-3, -3, 0, 1, 3, 3], [0.5, 0.5, 0.01, 0.01, 0.5, 0.5])
    ready_arena.refresh_from_db()

    pairs = [names(opened(ready_arena)) for _ in range(20)]

    assert sum(pair in ({"Zephyrine", "Quorndon"}, {"Periwinkle", "Thunderbolt"}) for pair in pairs) >= 12


def test_ballots_count_before_any_board_was_published(ready_arena: Arena) -> None:
    """The belief port takes them in one by one."""
    visitor = Visitor()
    for _ in range(3):
        visitor.vote(ready_arena, 1, 2, 3, 4)

    known = keeping.knowledge_of(Arena.objects.get(pk=ready_arena.pk))

    assert np.abs(known.mean).max() > 0.1
    assert np.diag(known.covariance).min() < 0.9


def test_a_newcomer_is_shown_at_once(ready_arena: Arena, paint: Callable[..., None]) -> None:
    from arena.generation.actions import plan_candidates

    believe(ready_arena, [-1, -0.6, -0.2, 0.2, 0.6, 1], 0.15)
    newcomer = Contestant.objects.create(arena=ready_arena, name="Newcomer")
    newcomer.revisions.create(number=1, backend="painter")
    plan_candidates(ready_arena)
    paint(ready_arena)

    with_it = ["Newcomer" in names(opened(ready_arena)) for _ in range(12)]

    assert sum(with_it) >= 8


def test_a_newcomer_with_too_few_outputs_waits(ready_arena: Arena, prompts: list[Prompt]) -> None:
    """One of three prompts is a third of what the others have."""
    Arena.objects.update(least_coverage=0.5)
    newcomer = Contestant.objects.create(arena=ready_arena, name="Newcomer")
    revision = newcomer.revisions.create(number=1, backend="imported")
    outputs = [
        Candidate(revision=revision, prompt=prompt, seed=0, state=CandidateState.READY, text="x") for prompt in prompts
    ]
    outputs[0].save()
    assert not any("Newcomer" in names(opened(ready_arena)) for _ in range(12))
    outputs[1].save()
    assert any("Newcomer" in names(opened(ready_arena)) for _ in range(12))


def test_prompts_are_shown_by_split(ready_arena: Arena, prompts: list[Prompt]) -> None:
    Prompt.objects.filter(pk=prompts[1].pk).update(split=Split.HELD_OUT)
    Arena.objects.update(prompts_shown="held-out")
    assert {opened(ready_arena).prompt for _ in range(4)} == {prompts[1]}
    Arena.objects.update(prompts_shown="open")
    assert {opened(ready_arena).prompt for _ in range(8)} == {prompts[0], prompts[2]}


def test_the_least_judged_prompt_comes_next(ready_arena: Arena, prompts: list[Prompt]) -> None:
    Arena.objects.update(audit_share=0.01)
    visitor = Visitor()
    judged = [visitor.vote(ready_arena).prompt_id for _ in range(3)]
    assert sorted(judged) == [prompt.pk for prompt in prompts]


def test_a_category_has_its_share(ready_arena: Arena, prompts: list[Prompt]) -> None:
    Arena.objects.update(category_quota={"nature/2": 1.0}, audit_share=0.01)
    assert {opened(ready_arena).prompt for _ in range(6)} == {prompts[2]}


def test_those_kept_apart_never_meet(ready_arena: Arena) -> None:
    Contestant.objects.filter(name__in=["Zephyrine", "Quorndon", "Ultravox"]).update(kept_apart="one lab")
    for _ in range(12):
        assert len(names(opened(ready_arena)) & {"Zephyrine", "Quorndon", "Ultravox"}) <= 1


def test_a_tournament_goes_on_with_the_winner(ready_arena: Arena, prompts: list[Prompt]) -> None:
    """On one prompt, pairs: whoever lost does not come again before the final is over."""
    Arena.objects.update(policy="tournament", battle_size=2, audit_share=0.01)
    Prompt.objects.exclude(pk=prompts[0].pk).update(is_active=False)
    lost: set[str] = set()
    for _ in range(5):
        visitor = Visitor()
        page = visitor.open(ready_arena)
        assert not names(page.battle) & lost
        second = page.battle.slots.get(position=1)
        visitor.submit(ready_arena, page, 1, 2)
        lost.add(second.candidate.revision.contestant.name)
    assert len(lost) == 5


def test_a_tournament_goes_on_however_many_battles_there_were_elsewhere(
    ready_arena: Arena, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted of exposure looks back less far; and a process that has just begun knows it too."""
    monkeypatch.setattr(queries, "LATEST", 2)
    Arena.objects.update(policy="tournament", battle_size=2)
    told: dict[int, list[tuple[set[int], int]]] = {prompt.pk: [] for prompt in prompts}
    for at in range(9):
        if at in {4, 8}:
            keeping.forget()
        ballot = Visitor().vote(ready_arena, 1, 2)
        told[ballot.prompt_id].append((set(ballot.contestants), ballot.contestants[0]))
        known = keeping.knowledge_of(Arena.objects.get(pk=ready_arena.pk))
        rounds = {
            prompt: [(set(each.members), each.winner) for each in known.rounds.get(prompt, ())] for prompt in told
        }
        assert rounds == told
    assert sum(map(len, told.values())) == 9


def test_a_ballot_taken_back_is_out_of_the_tournament(ready_arena: Arena, prompts: list[Prompt]) -> None:
    Arena.objects.update(policy="tournament", battle_size=2)
    ballot = Visitor().vote(ready_arena, 1, 2)
    known = keeping.knowledge_of(Arena.objects.get(pk=ready_arena.pk))
    assert [played.winner for played in known.rounds[ballot.prompt_id]] == [ballot.contestants[0]]
    Ballot.objects.create(
        arena=ready_arena,
        battle=ballot.battle,
        prompt=ballot.prompt,
        voter=ballot.voter,
        contestants=ballot.contestants,
        ranks=[None, None],
        supersedes=ballot,
        retracts=True,
    )
    assert keeping.knowledge_of(Arena.objects.get(pk=ready_arena.pk)).rounds[ballot.prompt_id] == ()


def test_what_was_withdrawn_since_is_not_shown(ready_arena: Arena, settings: Any, prompts: list[Prompt]) -> None:
    """The stock of another process, or of a moment ago, still has it."""
    settings.MATCHMAKING_SECONDS = 60
    opened(ready_arena)
    Candidate.objects.filter(revision__contestant__name__in=["Zephyrine", "Quorndon"]).update(
        state=CandidateState.WITHDRAWN
    )
    for _ in range(4):
        assert not names(opened(ready_arena)) & {"Zephyrine", "Quorndon"}


def test_a_contestant_that_pauses_is_shown_no_more(ready_arena: Arena, settings: Any) -> None:
    settings.MATCHMAKING_SECONDS = 60
    opened(ready_arena)
    Contestant.objects.filter(name="Malachite").update(state=ContestantState.PAUSED)
    for _ in range(6):
        assert "Malachite" not in names(opened(ready_arena))


class TestWhatIsKnown:
    def test_is_read_with_the_arena_and_then_not_for_a_while(self, ready_arena: Arena, settings: Any) -> None:
        settings.MATCHMAKING_SECONDS = 60
        with CaptureQueriesContext(connection) as first:
            keeping.knowledge_of(keeping.get_arena_to_vote_in(AnonymousUser(), ready_arena.slug))
        with CaptureQueriesContext(connection) as second:
            keeping.knowledge_of(keeping.get_arena_to_vote_in(AnonymousUser(), ready_arena.slug))

        assert len(first) == len(second) == 1
        assert "stock_outputs" in first.captured_queries[0]["sql"]
        assert "stock_outputs" not in second.captured_queries[0]["sql"]
        assert "battles_latest" not in second.captured_queries[0]["sql"]

    def test_is_at_most_a_second_old(self, ready_arena: Arena, settings: Any) -> None:
        settings.MATCHMAKING_SECONDS = 0.05
        keeping.knowledge_of(ready_arena)
        believe(ready_arena, [-1, -0.6, -0.2, 0.2, 0.6, 1], 0.15)
        time.sleep(0.06)

        assert keeping.knowledge_of(ready_arena).mean.tolist() == pytest.approx([-1, -0.6, -0.2, 0.2, 0.6, 1])

    def test_is_read_anew_by_one_of_many_before_its_time_is_over(self, ready_arena: Arena, settings: Any) -> None:
        settings.MATCHMAKING_SECONDS = 60
        known = keeping.knowledge_of(ready_arena)
        keeping._KEPT[ready_arena.slug].read_at -= 31
        keeping._KEPT[ready_arena.slug].until -= 31
        asked = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as sent:
                asked.append(keeping.get_arena_to_vote_in(AnonymousUser(), ready_arena.slug))
            assert ("battles_latest" in sent.captured_queries[0]["sql"]) == (len(asked) == 1)

        assert keeping.knowledge_of(asked[1]) is not known
        assert keeping.knowledge_of(asked[2]) is keeping.knowledge_of(asked[0])

    def test_is_not_replaced_by_what_was_read_before(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of two readings at once, the one that began first ends last."""
        settings.MATCHMAKING_SECONDS = 60
        read = queries.read
        newest: list[Knowledge] = []

        def late(arena: Arena, *known: Any) -> queries.Reading:
            early = read(arena, *known)
            if not newest:
                believe(ready_arena, [-1, -0.6, -0.2, 0.2, 0.6, 1], 0.15)
                monkeypatch.setattr(queries, "read", read)
                row = Arena.objects.annotate(**queries.columns(stock=True)).get()
                newest.append(keeping._keep(row, time.monotonic(), None).knowledge)
            return early

        monkeypatch.setattr(queries, "read", late)
        assert keeping.knowledge_of(ready_arena) is newest[0]
        assert keeping.knowledge_of(ready_arena) is newest[0]

    @pytest.mark.django_db(transaction=True)
    def test_is_read_once_for_all_who_come_too_late(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Eight visitors of a process that knows nothing: one reads, the others wait for it."""
        settings.MATCHMAKING_SECONDS = 60
        read, readings = queries.read, []

        def slow(arena: Arena, *known: Any) -> queries.Reading:
            readings.append(arena)
            time.sleep(0.3)
            return read(arena, *known)

        monkeypatch.setattr(queries, "read", slow)
        known = at_once(
            *[lambda: keeping.knowledge_of(keeping.get_arena_to_vote_in(AnonymousUser(), ready_arena.slug))] * 8
        )

        assert len(readings) == 1
        assert len({id(knowledge) for knowledge in known}) == 1

    def test_is_read_by_the_next_when_a_reading_fails(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.MATCHMAKING_SECONDS = 60
        read = queries.read

        def broken(arena: Arena, *known: Any) -> queries.Reading:
            raise OperationalError("the connection was lost")

        monkeypatch.setattr(queries, "read", broken)
        with pytest.raises(OperationalError):
            keeping.knowledge_of(ready_arena)
        monkeypatch.setattr(queries, "read", read)

        assert keeping.knowledge_of(ready_arena).stock.ready.all()

    def test_survives_being_forgotten_while_it_is_read(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The stock, which was left out of the reading, serves this once and is read at the next."""
        settings.MATCHMAKING_SECONDS = 0.2
        keeping.knowledge_of(ready_arena)
        kept = keeping._KEPT[ready_arena.slug]
        kept.until, kept.stock_until = 0, float("inf")
        read = queries.read

        def forgotten(arena: Arena, *known: Any) -> queries.Reading:
            keeping.forget()
            return read(arena, *known)

        monkeypatch.setattr(queries, "read", forgotten)
        half = keeping.get_arena_to_vote_in(AnonymousUser(), ready_arena.slug)
        monkeypatch.setattr(queries, "read", read)

        assert keeping.knowledge_of(half).stock is kept.knowledge.stock
        assert keeping.knowledge_of(half).stock is not kept.knowledge.stock

    def test_counts_a_battle_that_was_opened_while_it_was_read(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.MATCHMAKING_SECONDS = 60
        opened(ready_arena)
        keeping._KEPT[ready_arena.slug].until = 0
        row = Arena.objects.annotate(**queries.columns(stock=True)).get()
        began = time.monotonic()
        keeping._KEPT[ready_arena.slug].until = began + 60
        opened(ready_arena)
        known = keeping._keep(row, began, None).knowledge

        assert known.shown.sum() == known.busy.sum() == 8

    def test_is_not_that_of_another_arena_that_had_the_address(
        self, ready_arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.MATCHMAKING_SECONDS = 60
        take_turn, turns = keeping._take_turn, iter(range(4))

        def counted(*arguments: Any) -> Any:
            assert next(turns, None) is not None, "it asks again until the time of the former is over"
            return take_turn(*arguments)

        monkeypatch.setattr(keeping, "_take_turn", counted)
        keeping.knowledge_of(ready_arena)
        slug = ready_arena.slug
        Arena.objects.filter(pk=ready_arena.pk).update(slug="moved")
        other = Arena.objects.create(slug=slug, name="Other", modality="image")

        assert len(keeping.knowledge_of(other).stock.contestants) == 0
        assert len(keeping.knowledge_of(Arena.objects.get(slug="moved")).stock.contestants) == 6

    def test_counts_the_battles_of_this_process_at_once(self, ready_arena: Arena, settings: Any) -> None:
        settings.MATCHMAKING_SECONDS = 60
        opened(ready_arena)
        before = keeping.knowledge_of(ready_arena)
        shown, trust = before.shown.sum(), np.trace(before.covariance)
        opened(ready_arena)

        assert keeping.knowledge_of(ready_arena).shown.sum() == shown + 4
        assert np.trace(keeping.knowledge_of(ready_arena).covariance) < trust

    def test_awaits_the_ballots_of_open_battles_for_five_minutes(self, ready_arena: Arena) -> None:
        battle = opened(ready_arena)
        assert keeping.knowledge_of(ready_arena).busy.sum() == 4
        Battle.objects.filter(pk=battle.pk).update(opened_at=timezone.now() - timedelta(minutes=6))
        assert keeping.knowledge_of(ready_arena).busy.sum() == 0

    def test_does_not_await_the_ballot_of_a_skipped_battle(self, ready_arena: Arena) -> None:
        voter = Voter.objects.create()
        battle = open_battle(arena=ready_arena, voter=voter)
        assert battle is not None
        skip_battle(voter=voter, token=issue(battle, voter.public_id))

        known = keeping.knowledge_of(ready_arena)
        assert known.busy.sum() == 0
        assert known.shown.sum() == 4


class TestAGoal:
    def test_that_is_reached_stops_asking(self, ready_arena: Arena) -> None:
        Arena.objects.update(goal="top-known", goal_top=2)
        believe(ready_arena, [-1, -0.6, -0.2, 0.2, 2, 3], 0.1)
        visitor = Visitor()
        page = visitor.open(ready_arena)

        assert page.response.status_code == 200
        assert "Enough is known" in page.html
        assert not Battle.objects.exists()
        with pytest.raises(GoalReached, match="asks for no more ballots"):
            opened(ready_arena)

    def test_that_names_everybody_does_not_close_the_voting(self, ready_arena: Arena) -> None:
        Arena.objects.update(goal="top-known", goal_top=6)
        assert Visitor().open(ready_arena).rank_fields

    def test_that_is_in_doubt_again_asks_again(self, ready_arena: Arena) -> None:
        Arena.objects.update(goal="top-known", goal_top=2)
        believe(ready_arena, [-1, -0.6, -0.2, 0.2, 2, 3], 0.1)
        assert "Enough is known" in Visitor().open(ready_arena).html
        believe(ready_arena, [-1, -0.6, -0.2, 1.8, 2, 3], 0.4)

        assert Visitor().open(ready_arena).rank_fields

    def test_does_not_take_an_open_battle_away(self, ready_arena: Arena) -> None:
        visitor = Visitor()
        page = visitor.open(ready_arena)
        Arena.objects.update(goal="narrow-intervals", goal_points=500)
        believe(ready_arena, [-1, -0.6, -0.2, 0.2, 2, 3], 0.1)

        assert visitor.open(ready_arena).battle == page.battle
        assert visitor.submit(ready_arena, page, 1, 2, 3, 4).status_code == 303
        assert Battle.objects.get().state == BattleState.VOTED

    def test_is_not_reached_while_a_contestant_is_unknown(self, ready_arena: Arena) -> None:
        Arena.objects.update(goal="narrow-intervals", goal_points=500)
        believe(ready_arena, [-1, -0.6, -0.2, 0.2, 2, 3], [0.1, 0.1, 0.1, 0.1, 0.1, 1.0])

        assert Visitor().open(ready_arena).rank_fields

    def test_of_an_arena_with_real_ballots_is_met_in_the_end(self, ready_arena: Arena) -> None:
        """Voters who always agree on an order; the arena stops asking by itself."""
        Arena.objects.update(goal="top-known", goal_top=1, goal_confidence=0.9, battle_size=6)
        places = {contestant.pk: at for at, contestant in enumerate(Contestant.objects.order_by("pk"), 1)}
        for _ in range(60):
            visitor = Visitor()
            page = visitor.open(ready_arena)
            if "Enough is known" in page.html:
                break
            shown = page.battle.slots.order_by("position").values_list("candidate__revision__contestant", flat=True)
            visitor.submit(ready_arena, page, *(places[contestant] for contestant in shown))
            publish(leaderboard_of(ready_arena.pk))
        else:
            pytest.fail("sixty agreeing ballots did not settle who is best")
