"""Registering contestants: a contestant stays, what it is at one time is a revision, and settings are checked."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from arena.catalogue.actions import IMPORTED, SettingsRefused, register_contestant, register_revision
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.demo.catalogue import DEMO_CONTESTANTS

SETTINGS = dict(DEMO_CONTESTANTS[0].settings)
OTHER_SETTINGS = dict(DEMO_CONTESTANTS[1].settings)


@pytest.fixture
def contestant(arena: Arena) -> Contestant:
    return register_contestant(arena=arena, name="Umber", backend="painter", settings=SETTINGS, description="Brown.")


def test_a_contestant_comes_with_its_first_revision(contestant: Contestant) -> None:
    revision = contestant.revisions.get()

    assert (revision.number, revision.backend, revision.settings) == (1, "painter", SETTINGS)
    assert contestant.description == "Brown."


def test_registered_again_it_is_the_one_that_is_there(arena: Arena, contestant: Contestant) -> None:
    again = register_contestant(arena=arena, name="Umber", backend="painter", settings=OTHER_SETTINGS)

    assert again == contestant
    assert contestant.revisions.get().settings == SETTINGS


def test_the_same_name_in_another_arena_is_another_contestant(contestant: Contestant) -> None:
    other = Arena.objects.create(slug="other", name="Other")

    assert register_contestant(arena=other, name="Umber", backend="painter", settings=SETTINGS) != contestant


def test_other_settings_are_a_further_revision(contestant: Contestant) -> None:
    second = register_revision(contestant=contestant, backend="painter", settings=OTHER_SETTINGS, note="warmer")

    assert (second.number, second.note) == (2, "warmer")
    assert contestant.revisions.get(number=1).settings == SETTINGS


def test_the_same_settings_are_no_further_revision(contestant: Contestant) -> None:
    assert register_revision(contestant=contestant, backend="painter", settings=SETTINGS).number == 1
    assert contestant.revisions.count() == 1


def test_going_back_to_old_settings_is_a_revision_of_its_own(contestant: Contestant) -> None:
    register_revision(contestant=contestant, backend="painter", settings=OTHER_SETTINGS)

    assert register_revision(contestant=contestant, backend="painter", settings=SETTINGS).number == 3


@pytest.mark.parametrize(
    ("backend", "given", "said"),
    [
        ("painter", {"activations": ["nonsense"]}, "activations"),
        ("painter", {"no_such_setting": 1}, "no_such_setting"),
        ("orchestra", {}, "unknown backend 'orchestra'"),
    ],
    ids=["value", "key", "backend"],
)
def test_settings_that_the_backend_does_not_know_are_refused(
    arena: Arena, backend: str, given: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsRefused, match=said), transaction.atomic():
        register_contestant(arena=arena, name="Umber", backend=backend, settings=given)

    assert not Contestant.objects.exists()


def test_what_is_imported_has_nothing_to_check(arena: Arena) -> None:
    contestant = register_contestant(arena=arena, name="Umber", backend=IMPORTED, settings={"any": "thing"})

    assert contestant.revisions.get().backend == IMPORTED


def test_the_database_knows_a_name_once_in_an_arena(contestant: Contestant) -> None:
    with pytest.raises(IntegrityError, match="contestant_name_once_in_arena"), transaction.atomic():
        Contestant.objects.create(arena=contestant.arena, name="Umber")


def test_the_database_knows_a_revision_number_once(contestant: Contestant) -> None:
    with pytest.raises(IntegrityError, match="revision_number_once"), transaction.atomic():
        ContestantRevision.objects.create(contestant=contestant, number=1, backend="painter")


@pytest.mark.parametrize("size", [0, 1, 9])
def test_the_database_knows_how_many_a_battle_may_show(arena: Arena, size: int) -> None:
    with pytest.raises(IntegrityError, match="arena_battle_of_two_to_eight"), transaction.atomic():
        Arena.objects.filter(pk=arena.pk).update(battle_size=size)
