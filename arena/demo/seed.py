"""Writing the demo into the database: an arena, its painters and its prompts. Its pictures come from the queue."""

from __future__ import annotations

from django.db import transaction

from arena.catalogue.actions import register_contestant
from arena.catalogue.models import Arena
from arena.generation.actions import plan_candidates
from arena.prompts.models import Prompt
from arena.protocols import ASKED, Protocol

from .catalogue import DEMO_ARENA, DEMO_CONTESTANTS, DEMO_PROMPTS


@transaction.atomic
def seed_demo() -> int:
    """Make what is missing of the demo and queue its pictures; returns how many were queued. Twice is once."""
    arena, _ = Arena.objects.get_or_create(
        slug=DEMO_ARENA.slug,
        defaults={
            "name": DEMO_ARENA.name,
            "description": DEMO_ARENA.description,
            "modality": DEMO_ARENA.modality,
            "live_prompts": True,
            "further_protocols": [protocol for protocol in ASKED if protocol != Protocol.K_RANK],
        },
    )
    for contestant in DEMO_CONTESTANTS:
        register_contestant(
            arena=arena,
            name=contestant.name,
            backend=contestant.backend,
            settings=contestant.settings,
            description=contestant.description,
            organisation=contestant.organisation,
            licence=contestant.licence,
        )
    Prompt.objects.bulk_create(
        (
            Prompt(
                arena=arena,
                external_id=prompt.id,
                text=prompt.text,
                categories=list(prompt.categories),
                language=prompt.language,
                licence=prompt.licence,
                split=prompt.split,
            )
            for prompt in DEMO_PROMPTS
        ),
        ignore_conflicts=True,
    )
    return plan_candidates(arena)
