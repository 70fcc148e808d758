"""What failed is tried again when that can help, and what no battle can use is not begun."""

from __future__ import annotations

from typing import Any

import pytest

from arena.catalogue.actions import register_revision
from arena.catalogue.models import Arena, Contestant, ContestantState
from arena.generation.actions import (
    LEASE,
    MAX_ATTEMPTS,
    Claim,
    claim_batch,
    fail_candidates,
    free_expired_leases,
    retry_failed,
)
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.queries import next_work, supply_of
from arena.prompts.models import Prompt
from tests.clock import Clock

pytestmark = pytest.mark.usefixtures("clockwork_backend")


def claimed(most: int = 4, **options: Any) -> Claim:
    claim = claim_batch(most=most, **options)
    assert claim is not None
    return claim


class TestFailing:
    def test_puts_the_batch_back_with_the_reason(self, queue: list[Candidate]) -> None:
        claim = claimed()
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="out of memory", permanent=False)

        rows = Candidate.objects.filter(pk__in=[candidate.pk for candidate in claim.candidates])
        assert set(rows.values_list("state", "failure", "lease", "attempts", "finished_at")) == {
            (CandidateState.QUEUED, "out of memory", None, 1, None)
        }

    def test_gives_up_after_the_last_attempt(self, queue: list[Candidate], clock: Clock) -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            assert Candidate.objects.get(pk=queue[0].pk).state == CandidateState.QUEUED
            claim = claimed(most=1)
            assert claim.candidates[0].attempts == attempt
            fail_candidates(candidates=claim.candidates, lease=claim.lease, message="again", permanent=False)
            clock.advance(hours=1)

        failed = Candidate.objects.get(pk=queue[0].pk)
        assert (failed.state, failed.attempts) == (CandidateState.FAILED, MAX_ATTEMPTS)
        assert failed.finished_at is not None
        assert claimed(most=1).candidates[0] != failed

    def test_puts_it_off_a_little_at_first_and_then_for_longer(self, queue: list[Candidate], clock: Clock) -> None:
        Candidate.objects.exclude(pk=queue[0].pk).delete()
        pauses = []
        for _ in range(MAX_ATTEMPTS - 1):
            claim = claimed(most=1)
            fail_candidates(candidates=claim.candidates, lease=claim.lease, message="again", permanent=False)
            assert claim_batch(most=1) is None
            until = Candidate.objects.get().not_before
            assert until is not None
            pauses.append((until - clock.now()).total_seconds())
            clock.advance(seconds=pauses[-1] + 1)

        assert pauses == pytest.approx([15, 60, 240, 960], rel=0.2)  # a busy machine takes a moment in between

    @pytest.mark.parametrize(
        ("wait", "pause"),
        [(3600.0, 3600), (1.0, 15), (None, 15), (1e9, 86_400)],
        ids=["hour", "short", "none", "absurd"],
    )
    def test_comes_back_no_sooner_than_the_server_asks_for(
        self, queue: list[Candidate], clock: Clock, wait: float | None, pause: float
    ) -> None:
        claim = claimed(most=1)
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="busy", permanent=False, wait=wait)
        until = Candidate.objects.get(pk=claim.candidates[0].pk).not_before

        assert until is not None
        assert (until - clock.now()).total_seconds() == pytest.approx(pause, abs=10)

    def test_does_not_let_people_wait_for_a_server_that_asks_for_an_hour(self, queue: list[Candidate]) -> None:
        Candidate.objects.filter(pk=queue[0].pk).update(priority=WAITING)
        claim = claimed(most=1)
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="busy", permanent=False, wait=3600.0)

        assert Candidate.objects.get(pk=queue[0].pk).state == CandidateState.FAILED

    def test_keeps_a_cause_that_is_the_same_each_time_and_can_be_stored(self, queue: list[Candidate]) -> None:
        claim = claimed(most=1)
        message = "cannot identify <_io.BytesIO object at 0x7f11d7c772d0>\x00" + "x" * 9000
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message=message, permanent=True)

        failure = Candidate.objects.get(pk=queue[0].pk).failure
        assert failure.startswith("cannot identify <_io.BytesIO object>\ufffdxxx")
        assert len(failure) == 2000

    def test_gives_up_at_once_when_trying_again_cannot_help(self, queue: list[Candidate]) -> None:
        claim = claimed(most=1)
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="no such setting", permanent=True)

        failed = Candidate.objects.get(pk=queue[0].pk)
        assert (failed.state, failed.failure) == (CandidateState.FAILED, "no such setting")

    def test_after_the_lease_was_lost_changes_nothing(self, queue: list[Candidate], clock: Clock) -> None:
        slow = claimed(most=1)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()
        quick = claimed(most=1)
        fail_candidates(candidates=slow.candidates, lease=slow.lease, message="too late", permanent=True)

        row = Candidate.objects.get(pk=queue[0].pk)
        assert (row.state, row.lease) == (CandidateState.CLAIMED, quick.lease)


class TestTryingAgain:
    def test_queues_what_failed_as_if_it_had_never_been_tried(self, arena: Arena, queue: list[Candidate]) -> None:
        Candidate.objects.filter(pk__in=[queue[0].pk, queue[1].pk]).update(state=CandidateState.FAILED, attempts=3)
        assert retry_failed(arena) == 2
        assert set(Candidate.objects.values_list("state", "attempts")) == {(CandidateState.QUEUED, 0)}

    def test_brings_forward_what_waits_for_its_next_try(
        self, arena: Arena, queue: list[Candidate], clock: Clock
    ) -> None:
        claim = claimed(most=2)
        fail_candidates(candidates=claim.candidates, lease=claim.lease, message="a pause", permanent=False)
        Candidate.objects.filter(pk=queue[0].pk).update(state=CandidateState.FAILED, attempts=5)
        due = Candidate.objects.claimable().count()

        assert retry_failed(arena) == 2
        assert Candidate.objects.claimable().count() == due + 2
        assert not Candidate.objects.exclude(not_before=None).exists()
        assert retry_failed(arena) == 0

    def test_leaves_older_revisions_and_other_arenas_alone(self, arena: Arena, queue: list[Candidate]) -> None:
        Candidate.objects.filter(pk=queue[0].pk).update(state=CandidateState.FAILED)
        register_revision(contestant=queue[0].revision.contestant, backend="clockwork", settings={"mood": "well"})
        other = Arena.objects.create(slug="other", name="Other")

        assert retry_failed(other) == 0
        register_revision(contestant=queue[0].revision.contestant, backend="clockwork", settings={})
        assert retry_failed(arena) == 0


class TestWhatNoBattleCanUse:
    """Is queued, but not begun, until it can be used again."""

    @pytest.fixture
    def one(self, arena: Arena, queue: list[Candidate]) -> Candidate:
        Candidate.objects.exclude(pk=queue[0].pk).delete()
        return queue[0]

    @pytest.mark.parametrize("state", [ContestantState.PAUSED, ContestantState.RETIRED])
    def test_since_its_contestant_is_paused_or_retired(self, one: Candidate, state: ContestantState) -> None:
        Contestant.objects.filter(revisions=one.revision_id).update(state=state)
        self.assert_it_rests(one)
        Contestant.objects.filter(revisions=one.revision_id).update(state=ContestantState.ACTIVE)
        assert claim_batch(most=1) is not None

    def test_since_its_prompt_was_taken_out(self, one: Candidate) -> None:
        Prompt.objects.filter(pk=one.prompt_id).update(is_active=False)
        self.assert_it_rests(one)

    def test_since_there_is_a_newer_revision(self, one: Candidate) -> None:
        register_revision(contestant=one.revision.contestant, backend="clockwork", settings={"mood": "permanent"})
        self.assert_it_rests(one)

    def test_is_made_all_the_same_when_somebody_waits_for_it(self, one: Candidate) -> None:
        Candidate.objects.update(priority=WAITING)
        Contestant.objects.update(state=ContestantState.RETIRED)
        Prompt.objects.update(is_active=False)
        assert claim_batch(most=1) is not None

    def assert_it_rests(self, one: Candidate) -> None:
        assert next_work() is None
        assert claim_batch(most=1, revision=one.revision_id) is None
        assert supply_of(one.prompt.arena_id).left == 0, "nobody waits for it"
