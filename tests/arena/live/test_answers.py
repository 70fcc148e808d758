"""What becomes of a battle while its answers are made: opened, repaired with other contestants, or void."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena, Contestant, ContestantRevision, ContestantState
from arena.generation.actions import LEASE, claim_batch, fail_candidates, free_expired_leases
from arena.generation.models import Candidate, CandidateState
from arena.live.actions import MOST_REPLACEMENTS, settle
from arena.live.tasks import see_to_all
from arena.matchmaking.keeping import knowledge_of
from tests.arena.live.asker import PROMPT, Asker
from tests.arena.live.conftest import NAMES
from tests.clock import Clock

pytestmark = pytest.mark.usefixtures("committed")
Work = Callable[[], int]
Behave = Callable[..., None]


def contestants_of(battle: Battle) -> list[str]:
    return [slot.candidate.revision.contestant.name for slot in battle.slots.all()]


def others(battle: Battle) -> list[str]:
    return sorted(set(NAMES) - set(contestants_of(battle)))


def fresh(battle: Battle) -> Battle:
    return Battle.objects.get(pk=battle.pk)


def test_it_opens_when_all_answers_are_there_and_then_has_as_long_as_any_battle(
    live_arena: Arena, asker: Asker, work: Work
) -> None:
    battle = asker.battle(live_arena)
    first = battle.slots.all()[0].candidate
    claim = claim_batch(most=1, revision=first.revision_id)
    assert claim is not None
    settle(battle.pk)
    assert fresh(battle).state == BattleState.PREPARING
    Candidate.objects.filter(pk=first.pk).update(state=CandidateState.QUEUED, lease=None)
    work()

    opened = fresh(battle)
    assert opened.state == BattleState.OPEN
    minutes = (opened.expires_at - opened.opened_at).total_seconds() / 60
    assert minutes == pytest.approx(settings.BATTLE_MINUTES, abs=1)
    assert (opened.replacements, opened.probability_exact) == (0, True)


@pytest.mark.parametrize("how", ["fails", "its worker dies"])
def test_what_was_begun_for_people_who_have_gone_is_not_begun_again(
    live_arena: Arena, asker: Asker, clock: Clock, how: str
) -> None:
    battle = asker.battle(live_arena)
    claim = claim_batch(most=1)
    assert claim is not None
    Battle.objects.filter(pk=battle.pk).update(state=BattleState.VOID)
    if how == "fails":
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="hung", permanent=False)
    else:
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()

    assert Candidate.objects.get(pk=claim.candidates[0].pk).state == CandidateState.WITHDRAWN


def test_who_cannot_answer_is_replaced_by_another(live_arena: Arena, asker: Asker, work: Work, behave: Behave) -> None:
    battle = asker.battle(live_arena)
    before = contestants_of(battle)
    behave(before[1], mood="permanent")
    work()

    after = contestants_of(fresh(battle))
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] not in before
    repaired = fresh(battle)
    assert (repaired.state, repaired.replacements, repaired.probability_exact) == (BattleState.OPEN, 1, False)
    assert 0 < repaired.probability <= 1
    assert repaired.uniform_probability == pytest.approx(1 / 10), "three of the five that did not fail"
    assert Candidate.objects.filter(prompt=battle.prompt, state=CandidateState.FAILED).count() == 1


def test_the_voter_is_not_told_who_was_replaced(live_arena: Arena, asker: Asker, work: Work, behave: Behave) -> None:
    battle = asker.battle(live_arena)
    behave(contestants_of(battle)[0], mood="permanent")
    work()
    page = asker.open(live_arena)

    for name in NAMES:
        assert name not in page.html
    assert len(page.rank_fields) == 3


def test_a_failure_that_passes_is_tried_again_with_the_same_contestant(
    live_arena: Arena, asker: Asker, work: Work, behave: Behave
) -> None:
    battle = asker.battle(live_arena)
    before = contestants_of(battle)
    behave(before[0], mood="transient")
    station_takes = claim_batch(most=1, revision=battle.slots.all()[0].candidate.revision_id)
    assert station_takes is not None
    Candidate.objects.filter(pk=station_takes.candidates[0].pk).update(state=CandidateState.QUEUED, lease=None)
    behave(before[0], mood="well")
    work()

    assert contestants_of(fresh(battle)) == before
    assert fresh(battle).replacements == 0


def test_it_is_void_after_too_many_failures_and_blames_nobody(
    live_arena: Arena, asker: Asker, work: Work, behave: Behave
) -> None:
    behave(mood="permanent")
    battle = asker.battle(live_arena)
    work()

    void = fresh(battle)
    assert (void.state, void.skip_reason) == (BattleState.VOID, "no_contestant")
    assert void.replacements == MOST_REPLACEMENTS
    assert not Ballot.objects.exists()
    assert not Candidate.objects.filter(state=CandidateState.QUEUED).exists(), "nobody waits for the rest"
    knowledge = knowledge_of(live_arena)
    assert knowledge.shown.sum() == 0, "nobody was shown"


def test_a_void_battle_gives_the_prompt_back(live_arena: Arena, asker: Asker, work: Work, behave: Behave) -> None:
    behave(mood="permanent")
    battle = asker.battle(live_arena)
    work()

    for page in (asker.look(battle), asker.look(battle, fragment=True)):
        html = page.content.decode()
        assert page.status_code == 200
        assert "Your prompt was not answered" in html
        assert "Nothing was counted, for or against anybody." in html
        assert f">{PROMPT}</textarea>" in html
    behave(mood="well")
    again = asker.battle(live_arena)
    assert again.pk != battle.pk


def test_nobody_left_to_take_a_place_makes_it_void(live_arena: Arena, asker: Asker, work: Work, behave: Behave) -> None:
    battle = asker.battle(live_arena)
    Contestant.objects.filter(name__in=others(battle)).update(state=ContestantState.PAUSED)
    behave(contestants_of(battle)[0], mood="permanent")
    work()

    assert fresh(battle).state == BattleState.VOID


def test_those_kept_apart_stay_apart_when_one_is_replaced(
    live_arena: Arena, asker: Asker, work: Work, behave: Behave
) -> None:
    battle = asker.battle(live_arena)
    names, rest = contestants_of(battle), others(battle)
    Contestant.objects.filter(name__in=[names[1], rest[0], rest[1]]).update(kept_apart="family")
    behave(names[0], mood="permanent")
    work()

    assert contestants_of(fresh(battle)) == [rest[2], names[1], names[2]]


def test_what_takes_too_long_is_void(live_arena: Arena, asker: Asker, work: Work, clock: Clock) -> None:
    battle = asker.battle(live_arena)
    clock.advance(seconds=settings.LIVE_SECONDS + 1)
    see_to_all()

    assert (fresh(battle).state, fresh(battle).skip_reason) == (BattleState.VOID, "too_slow")
    assert "took too long" in asker.look(battle).content.decode()
    assert work() == 0


def test_a_worker_that_was_stopped_is_noticed(
    live_arena: Arena, asker: Asker, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    battle = asker.battle(live_arena)
    Battle.objects.update(expires_at=clock.now() + 100 * LEASE)
    lost = battle.slots.all()[0].candidate
    for _ in range(3):
        assert claim_batch(most=1, revision=lost.revision_id) is not None
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()

    lost.refresh_from_db()
    assert lost.state == CandidateState.FAILED
    work()
    assert (fresh(battle).state, fresh(battle).replacements) == (BattleState.OPEN, 1)


def test_word_that_was_lost_is_made_up_for(
    live_arena: Arena, asker: Asker, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    battle = asker.battle(live_arena)
    monkeypatch.setattr("arena.generation.actions.announce_candidates", lambda candidates: None)
    work()
    assert fresh(battle).state == BattleState.PREPARING
    see_to_all()

    assert fresh(battle).state == BattleState.OPEN


def test_settling_again_changes_nothing(live_arena: Arena, asker: Asker, work: Work) -> None:
    battle = asker.battle(live_arena)
    work()
    before = Battle.objects.filter(pk=battle.pk).values().get()
    settle(battle.pk)
    see_to_all()

    assert Battle.objects.filter(pk=battle.pk).values().get() == before


def test_a_page_that_looks_again_changes_nothing_until_there_is_something_new(
    live_arena: Arena, asker: Asker, work: Work
) -> None:
    battle = asker.battle(live_arena)
    assert asker.look(battle, fragment=True).status_code == 204
    work()
    ready: Any = asker.look(battle, fragment=True)

    assert ready.headers["HX-Replace-Url"] == "/arenas/sayings/vote/"
    assert 'name="rank_a"' in ready.content.decode()


def test_the_newest_revision_answers(live_arena: Arena, asker: Asker) -> None:
    for contestant in Contestant.objects.all():
        ContestantRevision.objects.create(contestant=contestant, number=2, backend="chatty", settings={})
    battle = asker.battle(live_arena)
    assert {slot.candidate.revision.number for slot in battle.slots.all()} == {2}


def test_two_who_are_found_to_have_failed_at_once_are_both_replaced(
    live_arena: Arena, asker: Asker, work: Work
) -> None:
    battle = asker.battle(live_arena)
    before = contestants_of(battle)
    lost = [slot.candidate_id for slot in battle.slots.all()][:2]
    Candidate.objects.filter(pk__in=lost).update(state=CandidateState.FAILED)
    settle(battle.pk)
    work()

    after = contestants_of(fresh(battle))
    assert after[2] == before[2]
    assert not set(after[:2]) & set(before)
    assert (fresh(battle).state, fresh(battle).replacements) == (BattleState.OPEN, 2)
