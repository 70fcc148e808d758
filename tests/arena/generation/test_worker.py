"""One batch of work: what comes out of a backend is stored, whatever a backend does to the queue is survived."""

from __future__ import annotations

import pytest

from arena.catalogue.models import ContestantRevision
from arena.generation.actions import MAX_ATTEMPTS
from arena.generation.models import Candidate, CandidateState
from arena.generation.worker import generate_one_batch
from tests.arena.generation import clockwork


def states() -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in Candidate.objects.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def in_mood(mood: str) -> None:
    ContestantRevision.objects.update(settings={"mood": mood})


@pytest.mark.parametrize("size", [1, 4])
def test_a_batch_is_made_and_stored(queue: list[Candidate], monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("arena.generation.worker.BATCH", {"test device": size})
    made = generate_one_batch()

    ready = Candidate.objects.ready()
    assert made == ready.count() == min(size, 3)
    assert {candidate.device for candidate in ready} == {"test device"}
    assert {candidate.revision_id for candidate in ready} == {queue[0].revision_id}


def test_everything_is_made_in_the_end_and_then_there_is_nothing_to_do(queue: list[Candidate]) -> None:
    while generate_one_batch():
        pass

    assert states() == {CandidateState.READY: 18}


def test_each_seed_is_used(queue: list[Candidate]) -> None:
    while generate_one_batch():
        pass

    assert Candidate.objects.values("sha256").distinct().count() > 1


def test_a_contestant_is_loaded_once_for_all_its_batches(queue: list[Candidate]) -> None:
    Candidate.objects.update(priority=0)
    while generate_one_batch():
        pass

    assert len(clockwork.loads) == 6


def test_a_failure_that_may_pass_is_tried_again_and_then_given_up(queue: list[Candidate]) -> None:
    in_mood("transient")
    batches = 0
    while generate_one_batch():
        batches += 1
        assert batches < 1000

    assert states() == {CandidateState.FAILED: 18}
    assert set(Candidate.objects.values_list("failure", "attempts")) == {("a transient failure", MAX_ATTEMPTS)}


@pytest.mark.parametrize(
    ("mood", "reason"),
    [("permanent", "a permanent failure"), ("cheerful", "mood: 'cheerful' is none of")],
    ids=["backend", "settings"],
)
def test_a_failure_for_good_is_not_tried_again(queue: list[Candidate], mood: str, reason: str) -> None:
    in_mood(mood)
    generate_one_batch()

    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert failed.count() == 3
    assert all(reason in candidate.failure and candidate.attempts == 1 for candidate in failed)


def test_an_unknown_backend_is_a_failure_for_good(queue: list[Candidate]) -> None:
    ContestantRevision.objects.update(backend="orchestra")
    generate_one_batch()

    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert failed.count() == 3
    assert "unknown backend 'orchestra'" in failed[0].failure


def test_a_defect_in_a_backend_is_kept_with_the_candidate_and_stops_nothing(queue: list[Candidate]) -> None:
    first = queue[0].revision
    ContestantRevision.objects.filter(pk=first.pk).update(settings={"mood": "defect"})
    while generate_one_batch():
        pass

    assert states() == {CandidateState.READY: 15, CandidateState.FAILED: 3}
    failed = Candidate.objects.filter(state=CandidateState.FAILED)
    assert {candidate.failure for candidate in failed} == {"ZeroDivisionError: the spring broke"}


def test_a_backend_that_returns_too_few_results_fails_its_batch(queue: list[Candidate]) -> None:
    in_mood("short")
    generate_one_batch()

    assert not Candidate.objects.filter(state=CandidateState.CLAIMED).exists()
    assert not Candidate.objects.ready().exists(), "nobody knows which result belongs to which request"
