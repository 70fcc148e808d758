"""Registering arenas' contestants and their revisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from arena.generation.backends.libraries import missing_libraries
from arena.generation.backends.protocol import GenerationError, SettingsError
from arena.generation.backends.registry import get_backend
from arena.refusals import Invalid

from .models import Arena, Contestant, ContestantRevision

IMPORTED = "imported"  # outputs or ballots made elsewhere: nothing to generate
_IMPORT_LOCK_CLASS = 0x696D706F  # the first key of our advisory locks on imports; ASCII "impo"


class SettingsRefused(Invalid):
    """`problems` names each bad key with the reason; it is empty where the whole is refused."""

    code = "settings_refused"

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})


@transaction.atomic
def register_contestant(
    *,
    arena: Arena,
    name: str,
    backend: str,
    settings: Mapping[str, object],
    description: str = "",
    organisation: str = "",
    licence: str = "",
) -> Contestant:
    """Add a contestant with its first revision; the one that is there already is returned unchanged."""
    contestant, made = Contestant.objects.get_or_create(
        arena=arena,
        name=name,
        defaults={"description": description, "organisation": organisation, "licence": licence},
    )
    if made:
        register_revision(contestant=contestant, backend=backend, settings=settings)
    return contestant


@transaction.atomic
def register_revision(
    *, contestant: Contestant, backend: str, settings: Mapping[str, object], note: str = ""
) -> ContestantRevision:
    """A new revision, from now on the one that is generated with. The same settings again are no new revision."""
    check_settings(backend, settings)
    Contestant.objects.select_for_update().get(pk=contestant.pk)
    newest = contestant.revisions.order_by("-number").first()
    if newest is not None and newest.backend == backend and newest.settings == dict(settings):
        return newest
    return ContestantRevision.objects.create(
        contestant=contestant,
        number=1 if newest is None else newest.number + 1,
        backend=backend,
        settings=dict(settings),
        note=note,
    )


def check_settings(backend: str, settings: Mapping[str, object]) -> None:
    """Raises `SettingsRefused`."""
    _checked_settings(backend, settings)


def settings_warnings(backend: str, settings: Mapping[str, object]) -> list[str]:
    """What whoever saves these settings should know, in whole sentences. Raises `SettingsRefused`."""
    form = _checked_settings(backend, settings)
    if backend == IMPORTED:
        return []
    told = list(get_backend(backend).warnings(form))
    for library, how in missing_libraries(backend).items():
        told.append(
            f"The library {library} is not installed where this page comes from. Workers need it for the backend "
            f"{backend}: {how}"
        )
    return told


def _checked_settings(backend: str, settings: Mapping[str, object]) -> Any:
    """The settings as the form of the backend."""
    if any("\ud800" <= character <= "\udfff" or character == "\x00" for text in _texts(settings) for character in text):
        raise SettingsRefused("The settings hold a NUL or half a character, which no database stores.")
    if backend == IMPORTED:
        return None
    try:
        return get_backend(backend).validate(settings)
    except SettingsError as error:
        raise SettingsRefused(f"The settings of backend {backend!r} are refused: {error}", error.problems) from error
    except GenerationError as error:
        raise SettingsRefused(f"The settings of backend {backend!r} are refused: {error}") from error


def _texts(value: object) -> Iterator[str]:
    """Every text inside a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield key
            yield from _texts(entry)
    elif isinstance(value, Sequence):
        for entry in value:
            yield from _texts(entry)


def hold_for_import(arena_id: int) -> None:
    """Wait until no other import writes into this arena, so that each sees what the other has added.

    Until the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_IMPORT_LOCK_CLASS, arena_id])
