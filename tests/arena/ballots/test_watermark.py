"""No ballot is skipped because its transaction took longer than that of a later one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from arena.ballots.actions import retract_ballot
from arena.ballots.importing import import_ballots
from arena.ballots.models import Ballot
from arena.ballots.watermark import BallotsBeingWritten, evidence_watermark, hold_for_writing
from arena.catalogue.models import Arena, Contestant
from tests.threads import PATIENCE, at_once, meanwhile, wait_until_somebody_waits_for_a_lock
from tests.visitor import Visitor


def write(arena: Arena) -> Ballot:
    hold_for_writing(arena.pk)
    return Ballot.objects.create(arena=arena, contestants=[1, 2], ranks=[1, 2])


class SlowWriter:
    """Writes a ballot and keeps its transaction open until told to commit or to give up."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.written, self.finish = threading.Event(), threading.Event()
        self.give_up = False

    def __call__(self) -> Ballot | None:
        with transaction.atomic():
            ballot = write(self.arena)
            self.written.set()
            assert self.finish.wait(PATIENCE)
            if self.give_up:
                transaction.set_rollback(True)
        return ballot


def test_an_arena_without_ballots_is_at_zero(arena: Arena) -> None:
    assert evidence_watermark(arena.pk) == 0


def test_it_is_the_number_of_the_arenas_last_ballot(arena: Arena) -> None:
    last = [write(arena) for _ in range(3)][-1]
    write(Arena.objects.create(slug="other", name="Other"))

    assert evidence_watermark(arena.pk) == last.pk


@pytest.mark.django_db(transaction=True)
class TestWhileALowerNumberIsStillOnItsWay:
    @pytest.fixture
    def writer(self, arena: Arena) -> SlowWriter:
        return SlowWriter(arena)

    def test_it_is_not_given_out(self, arena: Arena, writer: SlowWriter) -> None:
        with meanwhile(writer) as slow:
            assert writer.written.wait(PATIENCE)
            with transaction.atomic():
                later = write(arena)  # committed first, with a higher number; writers do not wait for one another
            with pytest.raises(BallotsBeingWritten):
                evidence_watermark(arena.pk, patience_ms=50)
            writer.finish.set()

        assert slow.result().pk < later.pk
        assert evidence_watermark(arena.pk) == later.pk
        assert Ballot.objects.countable(later.pk).count() == 2

    def test_a_patient_reader_waits_and_includes_it(self, arena: Arena, writer: SlowWriter) -> None:
        with meanwhile(writer) as slow:
            assert writer.written.wait(PATIENCE)
            with meanwhile(lambda: evidence_watermark(arena.pk, patience_ms=60_000)) as reading:
                wait_until_somebody_waits_for_a_lock()
                assert not reading.done()
                writer.finish.set()

        assert reading.result() == slow.result().pk

    def test_one_that_gives_up_leaves_a_gap_and_nothing_else(self, arena: Arena, writer: SlowWriter) -> None:
        writer.give_up = True
        with meanwhile(writer):
            assert writer.written.wait(PATIENCE)
            with transaction.atomic():
                later = write(arena)
            writer.finish.set()

        assert evidence_watermark(arena.pk) == later.pk
        assert list(Ballot.objects.countable(later.pk)) == [later]

    def test_other_arenas_are_read_without_waiting(self, arena: Arena, writer: SlowWriter) -> None:
        other = Arena.objects.create(slug="other", name="Other")
        with transaction.atomic():
            ballot = write(other)
        with meanwhile(writer):
            assert writer.written.wait(PATIENCE)
            assert evidence_watermark(other.pk, patience_ms=50) == ballot.pk
            writer.finish.set()


@pytest.mark.django_db(transaction=True)
class TestEveryWriterIsWaitedFor:
    """Casting, retracting and importing hold the arena until they commit."""

    @pytest.fixture
    def ballot(self, ready_arena: Arena) -> Ballot:
        return Visitor().vote(ready_arena)

    @staticmethod
    def is_held(arena: Arena) -> bool:
        def read() -> bool:
            try:
                evidence_watermark(arena.pk, patience_ms=20)
            except BallotsBeingWritten:
                return True
            return False

        return at_once(read)[0]

    def test_casting(self, ready_arena: Arena) -> None:
        visitor = Visitor()
        page = visitor.open(ready_arena)
        assert not self.is_held(ready_arena)
        with transaction.atomic():
            visitor.submit(ready_arena, page, 1)
            assert self.is_held(ready_arena)
        assert not self.is_held(ready_arena)

    def test_retracting(self, ready_arena: Arena, ballot: Ballot) -> None:
        assert ballot.voter is not None
        with transaction.atomic():
            retract_ballot(voter=ballot.voter, ballot=ballot)
            assert self.is_held(ready_arena)

    def test_importing(self, arena: Arena, tmp_path: Path) -> None:
        file = tmp_path / "ballots.jsonl"
        file.write_text('{"items": ["a", "b"], "ranks": [1, 2]}')
        with transaction.atomic():
            import_ballots(arena_slug=arena.slug, path=file)
            assert self.is_held(arena)


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_gave_up_leaves_no_lock_and_no_time_limit_behind(arena: Arena) -> None:
    writer = SlowWriter(arena)
    with meanwhile(writer):
        assert writer.written.wait(PATIENCE)
        with pytest.raises(BallotsBeingWritten):
            evidence_watermark(arena.pk, patience_ms=10)
        writer.finish.set()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "0"


@pytest.mark.django_db(transaction=True)
def test_the_board_is_never_short_of_a_ballot(arena: Arena, contestants: list[Contestant]) -> None:
    """Four writers, each a ballot in every transaction, and a reader that checks every watermark it is given."""
    writers, ballots_each = 4, 25
    done = threading.Event()

    def write_many() -> None:
        for _ in range(ballots_each):
            with transaction.atomic():
                write(arena)

    def read_until_done() -> dict[int, int]:
        """What was countable at each watermark when it was given out."""
        counted: dict[int, int] = {}
        while not done.is_set():
            try:
                watermark = evidence_watermark(arena.pk)
            except BallotsBeingWritten:
                continue
            counted[watermark] = Ballot.objects.countable(watermark).count()
        return counted

    with meanwhile(read_until_done) as reading:
        try:
            at_once(*[write_many] * writers)
        finally:
            done.set()

    counted = reading.result()
    assert counted == {watermark: Ballot.objects.countable(watermark).count() for watermark in counted}
    assert Ballot.objects.countable(evidence_watermark(arena.pk)).count() == writers * ballots_each
