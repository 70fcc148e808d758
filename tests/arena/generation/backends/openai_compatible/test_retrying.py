"""Waits between tries, and when there is no other try."""

from __future__ import annotations

import pytest

from arena.generation.backends.openai_compatible.retrying import LONGEST_WAIT, Deadline, Transient, retried, retry_after
from arena.generation.backends.protocol import GenerationError

from .conftest import Waits

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


class Failing:
    """Fails with each of these errors in turn, then returns how often it was tried."""

    def __init__(self, *errors: GenerationError) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> int:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.tries


def _run(attempt: Failing, waits: Waits, *, retries: int = 3, seconds: float = 1000.0) -> int:
    return retried(attempt, retries=retries, deadline=Deadline(seconds, waits.clock), clock=waits.clock)


def test_each_wait_is_twice_the_last(waits: Waits):
    assert _run(Failing(*[Transient("busy")] * 3), waits) == 4
    assert waits.slept == [0.25, 0.5, 1.0]  # the lower half of 0.5, 1 and 2, as chance will have it here


def test_after_the_last_try_the_failure_stands(waits: Waits):
    attempt = Failing(*[Transient(f"busy {number}") for number in range(9)])
    with pytest.raises(Transient, match="busy 3"):
        _run(attempt, waits)
    assert attempt.tries == 4


def test_what_the_server_asks_for_is_waited_in_full(waits: Waits):
    attempt = Failing(Transient("busy", wait=7.0), Transient("busy", wait=600.0))
    assert _run(attempt, waits) == 3
    assert waits.slept == [7.0, 600.0]


def test_without_being_asked_nobody_waits_longer_than_a_minute(waits: Waits):
    assert _run(Failing(*[Transient("busy")] * 10), waits, retries=10) == 11
    assert max(waits.slept) == LONGEST_WAIT


def test_a_wait_beyond_the_deadline_fails_at_once_and_says_when_to_come_back(waits: Waits):
    attempt = Failing(Transient("busy", wait=3600.0))
    with pytest.raises(Transient) as failed:
        _run(attempt, waits, seconds=600.0)
    assert (attempt.tries, waits.slept, failed.value.wait) == (1, [], 3600.0)
    assert failed.value.message == (
        "busy; it asks to come back in 3600 s (2027-01-15 09:00:00 UTC), later than the 600 s of total_timeout allow"
    )


def test_a_wait_beyond_the_calendar_is_said_without_a_date(waits: Waits):
    with pytest.raises(Transient, match=r"come back in 10+ s, later than"):
        _run(Failing(Transient("busy", wait=1e15)), waits)


def test_a_server_that_asks_for_no_wait_is_not_overrun(waits: Waits):
    assert _run(Failing(Transient("busy", wait=0.0)), waits) == 2
    assert waits.slept == [0.25]


def test_no_wait_goes_beyond_the_deadline(waits: Waits):
    attempt = Failing(Transient("busy", wait=7.0))
    with pytest.raises(Transient, match="busy"):
        _run(attempt, waits, seconds=5.0)
    assert (attempt.tries, waits.slept) == (1, [])


def test_a_permanent_failure_and_a_begun_answer_are_not_tried_again(waits: Waits):
    begun = Transient("cut off")
    begun.begun = True
    for error in (GenerationError("no", permanent=True), begun):
        attempt = Failing(error)
        with pytest.raises(GenerationError):
            _run(attempt, waits)
        assert attempt.tries == 1
    assert waits.slept == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Fri, 99 Jan 2027 08:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str | None, seconds: float | None):
    assert retry_after(text, NOW) == seconds
