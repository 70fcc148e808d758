"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena, Contestant
from tests.visitor import Visitor


@pytest.fixture
def ballot(ready_arena: Arena) -> Ballot:
    return Visitor().vote(ready_arena, 1, 2, 3, 4)


class TestBallotsAreAppendOnly:
    def test_no_row_is_updated(self, ballot: Ballot) -> None:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Ballot.objects.filter(pk=ballot.pk).update(weight=2.0)
        ballot.refresh_from_db()
        assert ballot.weight == 1.0

    def test_no_row_is_saved_again(self, ballot: Ballot) -> None:
        ballot.ranks = [4, 3, 2, 1]
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            ballot.save()

    def test_no_row_is_deleted(self, ballot: Ballot) -> None:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            ballot.delete()
        assert Ballot.objects.count() == 1

    @pytest.mark.parametrize("statement", ["UPDATE arena_ballot SET ranks = '{1,1,1,1}'", "DELETE FROM arena_ballot"])
    def test_sql_fares_no_better(self, ballot: Ballot, statement: str) -> None:
        with pytest.raises(IntegrityError, match=f"ballot {ballot.pk}"), transaction.atomic():
            connection.cursor().execute(statement)
        assert Ballot.objects.get().ranks == [1, 2, 3, 4]


class TestAContestantWithBallots:
    def test_cannot_be_deleted(self, ballot: Ballot) -> None:
        with pytest.raises(DatabaseError, match="retire it instead"), transaction.atomic():
            connection.cursor().execute("DELETE FROM arena_contestant WHERE id = %s", [ballot.contestants[0]])

    def test_but_one_without_any_can(self, ballot: Ballot, arena: Arena) -> None:
        newcomer = Contestant.objects.create(arena=arena, name="Cobalt")
        newcomer.delete()

        assert not Contestant.objects.filter(name="Cobalt").exists()


def ballot_of(arena: Arena, some: list[Contestant], **fields: Any) -> Ballot:
    """A ballot on the first three of them."""
    ids = [contestant.pk for contestant in some[:3]]
    return Ballot(**{"arena": arena, "contestants": ids, "ranks": [1, 2, 3]} | fields)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"ranks": [1, 0, 2]}, "ballot_no_rank_zero"),
        ({"ranks": [1, 2]}, "ballot_rank_per_contestant"),
        ({"ranks": [1, 2, 3, 4]}, "ballot_rank_per_contestant"),
        ({"contestants": [], "ranks": []}, "ballot_rank_per_contestant"),
        ({"contestants": [1], "ranks": [1]}, "ballot_rank_per_contestant"),
        ({"all_bad": True}, "ballot_all_bad_ranks_nobody"),
        ({"all_bad": True, "ranks": [None, None, -1]}, "ballot_all_bad_ranks_nobody"),
        ({"weight": 0.0}, "ballot_weight_positive"),
        ({"weight": -1.0}, "ballot_weight_positive"),
        ({"weight": float("inf")}, "ballot_weight_positive"),
        ({"weight": float("nan")}, "ballot_weight_positive"),
        ({"strength": 0}, "ballot_strength_in_range"),
        ({"strength": 4}, "ballot_strength_in_range"),
        ({"retracts": True}, "ballot_retraction_of_something"),
    ],
    ids=str,
)
def test_a_ballot_that_makes_no_sense_is_refused(
    arena: Arena, contestants: list[Contestant], fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ballot_of(arena, contestants, **fields).save()


@pytest.mark.parametrize(
    "fields",
    [
        {"ranks": [1, None, -1]},
        {"ranks": [1, 1, 1]},
        {"ranks": [None, None, None]},
        {"ranks": [None, None, None], "all_bad": True},
        {"weight": 0.001},
        {"strength": 3},
    ],
    ids=str,
)
def test_every_ballot_that_makes_sense_is_kept(
    arena: Arena, contestants: list[Contestant], fields: dict[str, Any]
) -> None:
    ballot_of(arena, contestants, **fields).save()

    assert Ballot.objects.filter(**fields).count() == 1


def test_a_battle_has_one_first_ballot(ballot: Ballot, contestants: list[Contestant]) -> None:
    with pytest.raises(IntegrityError, match="ballot_once_per_battle"), transaction.atomic():
        ballot_of(ballot.arena, contestants, battle=ballot.battle).save()


def test_a_ballot_is_superseded_once(ballot: Ballot, contestants: list[Contestant]) -> None:
    ballot_of(ballot.arena, contestants, supersedes=ballot).save()
    with pytest.raises(IntegrityError, match="supersedes"), transaction.atomic():
        ballot_of(ballot.arena, contestants, supersedes=ballot).save()


def test_a_name_from_a_file_is_used_once_in_an_arena(arena: Arena, contestants: list[Contestant]) -> None:
    ballot_of(arena, contestants, external_id="b1").save()
    ballot_of(Arena.objects.create(slug="other", name="Other"), contestants, external_id="b1").save()
    ballot_of(arena, contestants).save()
    ballot_of(arena, contestants).save()

    with pytest.raises(IntegrityError, match="ballot_imported_once"), transaction.atomic():
        ballot_of(arena, contestants, external_id="b1").save()


class TestCategories:
    @pytest.fixture
    def filed(self, arena: Arena, contestants: list[Contestant]) -> dict[str, Ballot]:
        paths = {
            "leaf": ["nature/sea"],
            "root": ["nature"],
            "both": ["people", "nature/sea/storm"],
            "none": [],
            "near": ["nature-like", "naturex/sea"],
        }
        ballots = {name: ballot_of(arena, contestants, categories=path) for name, path in paths.items()}
        Ballot.objects.bulk_create(ballots.values())
        return ballots

    @pytest.mark.parametrize(
        ("category", "found"),
        [
            ("nature", {"leaf", "root", "both"}),
            ("nature/sea", {"leaf", "both"}),
            ("nature/sea/storm", {"both"}),
            ("people", {"both"}),
            ("nat", set()),
            ("na%", set()),
            ("natur_", set()),
            ("", set()),
        ],
    )
    def test_a_category_takes_those_below_it_along(
        self, filed: dict[str, Ballot], category: str, found: set[str]
    ) -> None:
        names = {ballot.pk: name for name, ballot in filed.items()}

        assert {names[ballot.pk] for ballot in Ballot.objects.in_category(category)} == found
