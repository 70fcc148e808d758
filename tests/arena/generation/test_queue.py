"""Candidate rows are the queue: planned once, claimed by one worker at a time, finished or failed or freed."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from PIL import Image

from arena.catalogue.actions import register_revision
from arena.catalogue.models import Arena, Contestant, ContestantState
from arena.generation.actions import (
    LEASE,
    MAX_ATTEMPTS,
    Claim,
    candidate_seed,
    claim_batch,
    extend_lease,
    finish_candidate,
    free_expired_leases,
    plan_candidates,
)
from arena.generation.backends.protocol import Measured, Media, Result
from arena.generation.media import clean_media
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.queries import patience_for
from arena.prompts.models import Prompt
from tests.clock import Clock
from tests.threads import at_once, meanwhile

pytestmark = pytest.mark.usefixtures("clockwork_backend")


def painted(colour: str = "teal", kind: str = "WEBP") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(file, kind)
    return file.getvalue()


CONTENT, QUICK, SLOW = painted(), painted("red"), painted("blue")


def kept(content: bytes) -> bytes:
    """What is stored of a picture: it is encoded anew."""
    return clean_media(Media(content, "image/webp")).content


def picture(content: bytes = CONTENT, media_type: str = "image/webp") -> Result:
    return Result(
        measured=Measured(latency_ms=12.5, gpu_seconds=0.25, peak_memory_bytes=1000, tokens=None),
        device="NVIDIA H100",
        library_versions={"torch": "2.13"},
        media=Media(content, media_type),
        width=8,
        height=6,
    )


def claimed(most: int = 4, **options: Any) -> Claim:
    claim = claim_batch(most=most, **options)
    assert claim is not None
    return claim


def files(settings: Any) -> list[Path]:
    """What is stored, without the thumbnails that candidates have; one that no candidate has is in it."""
    root = Path(settings.MEDIA_ROOT)
    thumbnails = {root / name for name in Candidate.objects.exclude(thumbnail="").values_list("thumbnail", flat=True)}
    return [path for path in root.rglob("*") if path.is_file() and path not in thumbnails]


class TestPlanning:
    def test_queues_each_contestant_for_each_prompt_prompt_by_prompt(self, queue: list[Candidate]) -> None:
        assert len(queue) == 18
        assert [candidate.prompt_id for candidate in queue] == sorted(candidate.prompt_id for candidate in queue)
        assert {candidate.state for candidate in queue} == {CandidateState.QUEUED}

    def test_twice_is_once(self, arena: Arena, queue: list[Candidate]) -> None:
        assert plan_candidates(arena) == 0
        assert Candidate.objects.count() == 18

    def test_adds_what_is_missing_and_says_how_much(self, arena: Arena, queue: list[Candidate]) -> None:
        Prompt.objects.create(arena=arena, external_id="new", text="a new one")

        assert plan_candidates(arena) == 6

    def test_makes_several_of_each_where_the_arena_asks_for_them(
        self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        arena.candidates_per_prompt = 3
        assert plan_candidates(arena) == 54
        assert Candidate.objects.values("seed").distinct().count() == 54

    def test_a_further_prompt_is_planned_although_more_was_once_asked_for(
        self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        arena.candidates_per_prompt = 3
        plan_candidates(arena)
        arena.candidates_per_prompt = 1
        Prompt.objects.create(arena=arena, external_id="new", text="a new one")

        assert plan_candidates(arena) == 6

    def test_a_plan_that_is_complete_is_seen_to_be_at_once(
        self, arena: Arena, queue: list[Candidate], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(3):
            plan_candidates(arena)

    def test_leaves_out_the_paused_the_retired_the_imported_and_inactive_prompts(
        self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        paused, retired, imported, *rest = contestants
        Contestant.objects.filter(pk=paused.pk).update(state=ContestantState.PAUSED)
        Contestant.objects.filter(pk=retired.pk).update(state=ContestantState.RETIRED)
        imported.revisions.update(backend="imported")
        Prompt.objects.filter(pk=prompts[0].pk).update(is_active=False)

        plan_candidates(arena)

        assert set(Candidate.objects.values_list("revision__contestant", flat=True)) == {one.pk for one in rest}
        assert set(Candidate.objects.values_list("prompt", flat=True)) == {prompts[1].pk, prompts[2].pk}

    def test_uses_the_newest_revision(self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]) -> None:
        newest = register_revision(contestant=contestants[0], backend="clockwork", settings={})
        plan_candidates(arena)

        made = Candidate.objects.filter(revision__contestant=contestants[0])
        assert set(made.values_list("revision", flat=True)) == {newest.pk}

    def test_seeds_depend_on_nothing_but_what_they_are_for(
        self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
    ) -> None:
        plan_candidates(arena)
        first = {(c.revision_id, c.prompt_id, c.number): c.seed for c in Candidate.objects.all()}
        Candidate.objects.all().delete()
        plan_candidates(arena)

        assert {(c.revision_id, c.prompt_id, c.number): c.seed for c in Candidate.objects.all()} == first
        assert len(set(first.values())) == len(first)
        assert all(0 <= seed < 2**63 for seed in first.values())

    def test_a_seed_is_the_same_in_every_release(self, contestants: list[Contestant]) -> None:
        revision = contestants[0].revisions.get()
        revision.contestant.public_id = "0e5f4d5c-0000-4000-8000-000000000001"
        prompt: Any = "0e5f4d5c-0000-4000-8000-000000000002"

        name = f"{revision.contestant.public_id}/1/{prompt}/0"
        assert candidate_seed(revision, prompt, 0) == int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) // 2


class TestClaiming:
    def test_takes_the_most_urgent_of_one_revision(self, queue: list[Candidate]) -> None:
        claim = claimed()

        assert claim.candidates[0] == queue[0]
        assert {candidate.revision_id for candidate in claim.candidates} == {claim.revision.pk}
        rows = Candidate.objects.filter(state=CandidateState.CLAIMED)
        assert set(rows) == set(claim.candidates)
        assert set(rows.values_list("lease", "attempts")) == {(claim.lease, 1)}

    def test_takes_no_more_than_asked_for(self, queue: list[Candidate]) -> None:
        assert len(claimed(most=2).candidates) == 2

    def test_an_empty_queue_gives_nothing(self, arena: Arena) -> None:
        assert claim_batch(most=4) is None

    def test_takes_from_the_revision_that_is_named(self, queue: list[Candidate]) -> None:
        named = queue[5].revision_id

        assert claimed(revision=named).revision.pk == named

    def test_a_batch_that_somebody_waits_for_holds_nothing_else(self, queue: list[Candidate]) -> None:
        waiting = [candidate.pk for candidate in queue if candidate.revision_id == queue[3].revision_id][:2]
        Candidate.objects.filter(pk__in=waiting).update(priority=WAITING)

        assert [candidate.pk for candidate in claimed(most=4).candidates] == waiting
        assert len(claimed(most=4, revision=queue[3].revision_id).candidates) == 1

    def test_says_in_which_batch_and_place_each_was_made(self, queue: list[Candidate]) -> None:
        claim = claimed(most=3)

        rows = Candidate.objects.filter(job=claim.lease).order_by("job_place")
        assert [row.pk for row in rows] == [candidate.pk for candidate in claim.candidates]
        assert [row.job_place for row in rows] == [0, 1, 2]

    def test_what_one_has_claimed_no_other_gets(self, queue: list[Candidate]) -> None:
        seen: list[int] = []
        while (claim := claim_batch(most=4)) is not None:
            seen += [candidate.pk for candidate in claim.candidates]

        assert sorted(seen) == sorted(candidate.pk for candidate in queue)

    @pytest.mark.django_db(transaction=True)
    def test_two_workers_get_different_ones_and_neither_waits(self, queue: list[Candidate]) -> None:
        with transaction.atomic():  # the first worker's claim is not committed yet
            first = claimed()
            with meanwhile(lambda: claimed()) as other:
                second = other.result(20)

        assert not set(first.candidates) & set(second.candidates)

    @pytest.mark.django_db(transaction=True)
    def test_six_workers_at_once_share_the_queue(self, queue: list[Candidate]) -> None:
        def work() -> list[int]:
            mine: list[int] = []
            while (claim := claim_batch(most=2)) is not None:
                mine += [candidate.pk for candidate in claim.candidates]
            return mine

        shares = at_once(*[work] * 6)
        assert sorted(pk for share in shares for pk in share) == sorted(candidate.pk for candidate in queue)


class TestFinishing:
    def test_stores_the_output_and_how_it_was_made(self, queue: list[Candidate], settings: Any) -> None:
        claim = claimed()
        assert finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=picture())

        stored = Candidate.objects.get(pk=claim.candidates[0].pk)
        assert stored.state == CandidateState.READY
        assert (stored.lease, stored.lease_until, stored.failure) == (None, None, "")
        assert stored.sha256 == hashlib.sha256(kept(CONTENT)).hexdigest()
        assert (stored.media_type, stored.media_bytes) == ("image/webp", len(kept(CONTENT)))
        assert (stored.width, stored.height) == (8, 6)
        assert (stored.device, stored.library_versions) == ("NVIDIA H100", {"torch": "2.13"})
        assert (stored.latency_ms, stored.gpu_seconds, stored.peak_memory_bytes) == (12.5, 0.25, 1000)
        assert stored.tokens is None
        assert stored.finished_at is not None
        assert stored.media.read() == kept(CONTENT)
        assert len(files(settings)) == 1
        assert Image.open(stored.thumbnail).size == (8, 6)

    def test_stores_a_text_with_its_hash_and_no_file(self, queue: list[Candidate], settings: Any) -> None:
        claim = claimed()
        result = Result(measured=Measured(latency_ms=1, tokens=4), device="cpu", text="a poem, ünïcode")
        finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=result)

        stored = Candidate.objects.get(pk=claim.candidates[0].pk)
        assert (stored.text, stored.tokens, stored.media.name) == ("a poem, ünïcode", 4, "")
        assert stored.sha256 == hashlib.sha256("a poem, ünïcode".encode()).hexdigest()
        assert files(settings) == []

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "the text is empty"),
            (" \n", "the text is empty"),
            ("ü" * 2**19 + "!", "the text has 1048577 bytes; at most 1048576 are stored"),
        ],
        ids=["empty", "blank", "too long"],
    )
    def test_a_text_that_an_import_would_refuse_has_failed(
        self, queue: list[Candidate], text: str, reason: str
    ) -> None:
        claim = claimed()
        result = Result(measured=Measured(latency_ms=1, tokens=4), device="cpu", text=text)
        assert not finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=result)

        failed = Candidate.objects.get(pk=claim.candidates[0].pk)
        assert (failed.state, failed.failure, failed.text) == (CandidateState.FAILED, reason, "")

    def test_half_a_character_is_replaced(self, queue: list[Candidate]) -> None:
        claim = claimed()
        result = Result(measured=Measured(latency_ms=1, tokens=4), device="cpu", text="half \ud83d\x00")
        assert finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=result)
        assert Candidate.objects.get(pk=claim.candidates[0].pk).text == "half ?\ufffd"

    def test_the_name_on_disk_tells_nothing(self, queue: list[Candidate], settings: Any) -> None:
        claim = claimed()
        for candidate in claim.candidates:
            finish_candidate(candidate=candidate, lease=claim.lease, result=picture())

        names = [path.relative_to(settings.MEDIA_ROOT).as_posix() for path in files(settings)]
        assert len(set(names)) == len(claim.candidates)
        for name in names:
            assert re.fullmatch(r"candidates/([0-9a-f]{2})/\1[0-9a-f]{30}\.webp", name)
            assert hashlib.sha256(kept(CONTENT)).hexdigest()[:32] not in name, "equal pictures have unequal names"

    @pytest.mark.parametrize(("kind", "extension"), [("png", ".png"), ("jpeg", ".jpg")])
    def test_the_name_keeps_the_type(self, queue: list[Candidate], settings: Any, kind: str, extension: str) -> None:
        claim = claimed()
        result = picture(painted(kind=kind.upper()), f"image/{kind}")
        finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=result)

        assert files(settings)[0].suffix == extension

    def test_a_late_result_is_refused_and_its_file_deleted(
        self, queue: list[Candidate], settings: Any, clock: Clock
    ) -> None:
        slow = claimed(most=1)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        assert free_expired_leases() == 1
        quick = claimed(most=1)
        assert quick.candidates == slow.candidates
        assert finish_candidate(candidate=quick.candidates[0], lease=quick.lease, result=picture(QUICK))

        assert not finish_candidate(candidate=slow.candidates[0], lease=slow.lease, result=picture(SLOW))

        assert Candidate.objects.get(pk=slow.candidates[0].pk).media.read() == kept(QUICK)
        assert [path.read_bytes() for path in files(settings)] == [kept(QUICK)]

    def test_a_late_result_is_refused_while_another_worker_is_at_it(
        self, queue: list[Candidate], settings: Any, clock: Clock
    ) -> None:
        slow = claimed(most=1)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()
        quick = claimed(most=1)

        assert not finish_candidate(candidate=slow.candidates[0], lease=slow.lease, result=picture(SLOW))
        assert files(settings) == []
        assert finish_candidate(candidate=quick.candidates[0], lease=quick.lease, result=picture(QUICK))
        assert [path.read_bytes() for path in files(settings)] == [kept(QUICK)]

    def test_a_late_result_is_refused_even_while_nobody_else_has_begun(
        self, queue: list[Candidate], settings: Any, clock: Clock
    ) -> None:
        slow = claimed(most=1)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()

        assert not finish_candidate(candidate=slow.candidates[0], lease=slow.lease, result=picture())
        assert Candidate.objects.get(pk=slow.candidates[0].pk).state == CandidateState.QUEUED
        assert files(settings) == []

    def test_a_result_sent_twice_is_stored_once(self, queue: list[Candidate], settings: Any) -> None:
        claim = claimed(most=1)
        assert finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=picture())
        assert not finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=picture(QUICK))
        assert [path.read_bytes() for path in files(settings)] == [kept(CONTENT)]

    def test_a_withdrawn_candidate_takes_no_result(self, queue: list[Candidate], settings: Any) -> None:
        claim = claimed(most=1)
        Candidate.objects.filter(pk=claim.candidates[0].pk).update(state=CandidateState.WITHDRAWN)

        assert not finish_candidate(candidate=claim.candidates[0], lease=claim.lease, result=picture())
        assert files(settings) == []


class TestALease:
    def test_may_be_silent_for_a_day_while_nothing_is_known_of_a_contestant(self, queue: list[Candidate]) -> None:
        assert patience_for(queue[0].revision) == timedelta(days=1)

    def test_may_be_silent_for_as_long_as_batches_took_lately_several_times(self, queue: list[Candidate]) -> None:
        revision = queue[0].revision
        Candidate.objects.filter(revision=revision).update(state=CandidateState.READY, latency_ms=1000)
        assert patience_for(revision) == timedelta(hours=1)
        Candidate.objects.filter(pk=queue[0].pk).update(latency_ms=3_600_000)
        assert patience_for(revision) == timedelta(hours=5)
        Candidate.objects.filter(pk=queue[0].pk).update(latency_ms=1e9)
        assert patience_for(revision) == timedelta(days=1)

    def test_that_is_extended_outlives_its_first_end(self, queue: list[Candidate], clock: Clock) -> None:
        claim = claimed(most=2)
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert extend_lease(claim.lease, LEASE) == 2
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert free_expired_leases() == 0

    def test_that_was_lost_cannot_be_extended(self, queue: list[Candidate], clock: Clock) -> None:
        claim = claimed(most=2)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        free_expired_leases()

        assert extend_lease(claim.lease, LEASE) == 0


class TestFreeing:
    def test_takes_back_what_was_not_finished_in_time_and_nothing_else(
        self, queue: list[Candidate], clock: Clock
    ) -> None:
        stuck = claimed(most=1)
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert free_expired_leases() == 0
        working = claimed(most=1)
        clock.advance(seconds=2)

        assert free_expired_leases() == 1
        assert Candidate.objects.get(pk=stuck.candidates[0].pk).state == CandidateState.QUEUED
        assert Candidate.objects.get(pk=working.candidates[0].pk).state == CandidateState.CLAIMED

    def test_gives_up_on_what_outlived_its_last_attempt(self, queue: list[Candidate], clock: Clock) -> None:
        for _ in range(MAX_ATTEMPTS):
            assert claimed(most=1).candidates[0] == queue[0]
            clock.advance(seconds=LEASE.total_seconds() + 1)
            free_expired_leases()

        failed = Candidate.objects.get(pk=queue[0].pk)
        assert failed.state == CandidateState.FAILED
        assert "did not finish in time" in failed.failure


def test_the_database_refuses_a_claim_without_a_lease(queue: list[Candidate]) -> None:
    with pytest.raises(IntegrityError, match="candidate_claimed_has_lease"), transaction.atomic():
        Candidate.objects.filter(pk=queue[0].pk).update(state=CandidateState.CLAIMED)


def test_the_database_refuses_the_same_candidate_twice(queue: list[Candidate]) -> None:
    first = queue[0]
    with pytest.raises(IntegrityError, match="candidate_number_once"), transaction.atomic():
        Candidate.objects.create(revision=first.revision, prompt=first.prompt, number=first.number, seed=1)
