"""Registering arenas' contestants and their revisions."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from arena.generation.backends.protocol import GenerationError, SettingsError
from arena.generation.backends.registry import get_backend
from arena.refusals import Invalid

from .models import Arena, Contestant, ContestantRevision

IMPORTED = "imported"  # outputs or ballots made elsewhere: nothing to generate


class SettingsRefused(Invalid):
    code = "settings_refused"


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
    if backend == IMPORTED:
        return
    try:
        get_backend(backend).validate(settings)
    except (SettingsError, GenerationError) as error:
        raise SettingsRefused(f"The settings of backend {backend!r} are refused: {error}") from error
