"""An arena's ballots as arrays: what an engine is fitted on is what was recorded."""

from __future__ import annotations

import pytest

from arena.catalogue.models import Arena, Contestant
from arena.voters.models import Voter, VoterKind
from ranking.engines.evidence import UNKNOWN
from ranking.leaderboards.evidence import BoardEvidence, read_evidence
from tests.ranking.leaderboards.conftest import Cast

EVERYTHING = 2**62


def read(arena: Arena, watermark: int = EVERYTHING, category: str = "") -> BoardEvidence:
    return read_evidence(arena.pk, watermark, category)


def test_ballots_become_arrays_in_the_order_recorded(arena: Arena, contestants: list[Contestant], cast: Cast) -> None:
    ada = Voter.objects.create()
    cast([4, 2], [2, 1], voter=ada, strength=3)
    cast([2, 0, 4], [1, None, -1], weight=0.5)
    cast([0, 2], [None, None], all_bad=True, voter=ada)

    board = read(arena)
    evidence = board.evidence

    names = [contestants[place].name for place in (4, 2, 0)]
    assert list(evidence.items) == names, "numbered as they first appear"
    assert board.contestants == tuple(contestants[place].pk for place in (4, 2, 0))
    assert evidence.offsets.tolist() == [0, 2, 5, 7]
    assert evidence.slots.tolist() == [0, 1, 1, 2, 0, 2, 1]
    assert evidence.ranks.tolist() == [2, 1, 1, UNKNOWN, -1, UNKNOWN, UNKNOWN]
    assert evidence.all_bad.tolist() == [False, False, True]
    assert evidence.strength.tolist() == [3, 0, 0]
    assert evidence.weight.tolist() == [1.0, 0.5, 1.0]
    assert evidence.voters.index.tolist() == [0, 1, 0], "two by one voter are known to be by one"


def test_an_arena_without_ballots_is_empty(arena: Arena) -> None:
    board = read(arena)

    assert (len(board.evidence), board.contestants, board.by_judges) == (0, (), 0)


def test_nothing_above_the_watermark_is_read(arena: Arena, cast: Cast) -> None:
    first = cast([0, 1], [1, 2])
    cast([2, 3], [1, 2])

    assert len(read(arena, first.pk).evidence) == 1
    assert len(read(arena, first.pk - 1).evidence) == 0


def test_machine_judges_are_counted_and_left_out(arena: Arena, cast: Cast) -> None:
    cast([0, 1], [1, 2])
    cast([2, 3], [1, 2], voter=Voter.objects.create(kind=VoterKind.JUDGE))

    board = read(arena)
    assert (len(board.evidence), board.by_judges) == (1, 1)
    assert len(board.evidence.items) == 2


def test_a_contestant_that_was_renamed_appears_under_its_name_of_today(
    arena: Arena, contestants: list[Contestant], cast: Cast
) -> None:
    cast([0, 1], [1, 2])
    Contestant.objects.filter(pk=contestants[0].pk).update(name="Zephyrine 2")

    assert list(read(arena).evidence.items) == ["Zephyrine 2", "Quorndon"]


def test_a_ballot_without_a_voter_is_nobodys(arena: Arena, contestants: list[Contestant], cast: Cast) -> None:
    from arena.ballots.models import Ballot

    ids = [contestant.pk for contestant in contestants[:2]]
    Ballot.objects.create(arena=arena, contestants=ids, ranks=[1, 2])
    cast([0, 1], [1, 2])

    assert len(read(arena).evidence.voters.names) == 1


def test_any_number_is_read_in_a_fixed_number_of_queries(
    arena: Arena, cast: Cast, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(20):
        cast([0, 1], [1, 2])
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        read(arena)
