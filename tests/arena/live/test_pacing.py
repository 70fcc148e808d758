"""All slots show the same number of characters, and what that number does says nothing about single slots."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.live.pacing import FASTEST, REST, SETTLING, SLOWEST, STEP, Pace, Written

pytestmark = pytest.mark.pure
TICK = 0.1


def run(*slots: Callable[[float], Written], seconds: float = 60.0) -> list[tuple[float, int, bool]]:
    """What is shown at each tick, until all is over: (time, characters, over)."""
    pace, seen, now = Pace(), [], 0.0
    while now < seconds and not pace.over:
        shown = pace.advance(now, [slot(now) for slot in slots])
        seen.append((now, shown, pace.over))
        now += TICK
    return seen


def writer(rate: float, length: int, begins: float = 0.0) -> Callable[[float], Written]:
    """Writes so many characters a second from a moment on, until its text is complete."""

    def at(now: float) -> Written:
        written = min(length, int(max(0.0, now - begins) * rate))
        return Written(written, written == length and now >= begins)

    return at


def test_nothing_is_shown_until_every_slot_has_begun() -> None:
    seen = run(writer(500, 400), writer(500, 400, begins=3.0))

    assert max(shown for now, shown, _ in seen if now < 3.0) == 0
    assert seen[-1][1:] == (400, True)


def test_the_first_step_is_shown_as_soon_as_the_last_slot_has_one() -> None:
    pace = Pace()
    assert pace.advance(0.0, [Written(900, False), Written(STEP - 1, False)]) == 0
    assert pace.advance(0.1, [Written(900, False), Written(STEP, False)]) == STEP


def test_a_quick_slot_shows_no_more_than_a_slow_one() -> None:
    seen = run(writer(2000, 3000), writer(100, 1000))
    slow = writer(100, 1000)

    assert all(shown <= slow(now).length for now, shown, _ in seen if not slow(now).finished)


def test_which_of_two_is_the_slower_one_changes_nothing() -> None:
    one = run(writer(80, 600), writer(300, 600))
    other = run(writer(300, 600), writer(80, 600))

    assert one == other


def test_the_rate_is_the_same_however_quick_the_writers_are() -> None:
    assert run(writer(1000, 900), writer(1000, 900)) == run(writer(90_000, 900), writer(1000, 900))
    assert run(writer(1000, 900), writer(1000, 900))[-1][0] == pytest.approx(900 / FASTEST, abs=2 * TICK)


def test_after_a_halt_the_others_do_not_speed_up_when_the_slow_one_is_done() -> None:
    slow, long = writer(100, 500), writer(5000, 2000)
    seen = run(slow, long)
    shown_at = {round(now, 3): shown for now, shown, _ in seen}
    during = (shown_at[4.5] - shown_at[2.5]) / 2.0
    after = (shown_at[9.0] - shown_at[7.0]) / 2.0

    assert slow(7.0).finished
    assert after == pytest.approx(during, rel=0.2)
    assert after < FASTEST / 2


def test_a_very_slow_one_does_not_hold_up_what_is_there_for_ever() -> None:
    seen = run(writer(5, 100), writer(5000, 1200), seconds=100)
    done_at = seen[-1][0]

    assert seen[-1][2]
    assert done_at <= 100 / 5 + 1200 / SLOWEST + SETTLING


def test_once_all_are_finished_the_rest_of_a_long_text_comes_within_seconds() -> None:
    seen = run(writer(4000, 20_000), writer(4000, 300))
    finished_at = 20_000 / 4000
    before = max(shown for now, shown, _ in seen if now < finished_at)

    assert before == pytest.approx(FASTEST * finished_at, abs=2 * STEP + FASTEST * TICK)
    assert seen[-1][1:] == (20_000, True)
    assert seen[-1][0] == pytest.approx(finished_at + REST, abs=2 * TICK)
    steps = [later - shown for (now, shown, _), (_, later, _) in pairwise(seen) if now > finished_at]
    assert max(steps) - min(steps[:-1]) <= STEP, "and evenly"


def test_texts_that_were_there_from_the_start_come_as_quickly() -> None:
    seen = run(writer(10**9, 20_000), writer(10**9, 8000))

    assert seen[1][1] == STEP
    assert seen[-1][0] == pytest.approx(TICK + REST, abs=2 * TICK)


def test_which_of_those_that_go_on_was_finished_last_changes_nothing() -> None:
    assert run(writer(3000, 9000), writer(1500, 6000)) == run(writer(2250, 9000), writer(3000, 6000))


def test_who_has_held_up_the_others_is_not_pointed_at_by_their_hurry() -> None:
    """Though only for a moment: its text ends, and from there on the others would rush."""
    slow, long = writer(150, 200), writer(5000, 8000)
    shown_at = {round(now, 3): shown for now, shown, _ in run(slow, long)}
    assert slow(1.5).finished
    assert shown_at[6.0] - shown_at[1.5] <= FASTEST * 4.5 + STEP

    slow = writer(150, 600)
    shown_at = {round(now, 3): shown for now, shown, _ in run(slow, long)}
    assert slow(4.0).finished
    assert shown_at[20.0] - shown_at[10.0] < FASTEST * 10 / 1.5


def test_bursts_in_the_first_seconds_do_not_lower_the_rate() -> None:
    pace = Pace()
    pace.advance(0.0, [Written(STEP, False)] * 2)
    pace.advance(1.0, [Written(STEP, False)] * 2)
    assert pace.rate == FASTEST


def test_a_finished_text_shows_that_it_is_finished_only_with_the_others() -> None:
    pace = Pace()
    slots = [Written(40, True), Written(400, False)]
    for tick in range(100):
        pace.advance(tick * TICK, slots)
        assert not pace.over
    pace.advance(10.0, [Written(40, True), Written(400, True)])
    for tick in range(101, 200):
        pace.advance(tick * TICK, [Written(40, True), Written(400, True)])
    assert (pace.shown, pace.over) == (400, True)


def test_pictures_are_over_when_all_are_there() -> None:
    pace = Pace()
    pace.advance(0.0, [Written(0, True), Written(0, False)])
    assert not pace.over
    pace.advance(5.0, [Written(0, True), Written(0, True)])
    assert (pace.shown, pace.over) == (0, True)


def test_a_slot_that_begins_anew_halts_all_and_takes_nothing_back() -> None:
    pace = Pace()
    for tick in range(20):
        before = pace.advance(tick * TICK, [Written(400, False), Written(400, False)])
    for tick in range(20, 40):
        assert pace.advance(tick * TICK, [Written(400, False), Written(10, False)]) == before


@given(
    st.lists(st.tuples(st.floats(20, 5000), st.integers(1, 900), st.floats(0, 3)), min_size=2, max_size=5),
)
def test_whatever_the_writers_do(writers: list[tuple[float, int, float]]) -> None:
    slots = [writer(*each) for each in writers]
    seen = run(*slots, seconds=120)
    longest = max(length for _, length, _ in writers)

    assert seen[-1][1:] == (longest, True), "all is shown in the end"
    for (now, shown, over), (_, later, _) in pairwise(seen):
        assert shown <= later
        assert over or shown % STEP == 0 or shown == longest
        for slot in slots:
            assert shown <= slot(now).length or slot(now).finished
