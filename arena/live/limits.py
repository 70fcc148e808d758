"""How many prompts somebody may ask."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Min
from django.utils import timezone

from arena.catalogue.models import Arena
from arena.prompts.models import Origin, Prompt
from arena.voters.addresses import network_of
from arena.voters.models import Voter

from .models import Review
from .refusals import TooManyPrompts

HOUR = timedelta(hours=1)
# A browser without cookies is a new voter each time, its network stays; but several people share one.
VOTERS_AT_ONE_ADDRESS = 3
TRIES_OF_AN_ACCOUNT = 3  # for each prompt that it may ask


def check_rate(arena: Arena, voter: Voter, address: str) -> None:
    """Refuse who has asked too much in the last hour; prompts that were refused count too.

    Tries that came to nothing, such as pictures that cannot be read, are counted more generously: of an account, or by
    network for anonymous voters.
    """
    since = timezone.now() - HOUR
    asked = Prompt.objects.filter(asked_by=voter, origin=Origin.LIVE, arena=arena, created_at__gt=since)
    refused = Review.objects.filter(voter=voter, candidate=None, arena=arena, created_at__gt=since)
    count = asked.count() + refused.count()
    if count >= arena.live_prompts_per_hour:
        first = min(filter(None, (rows.aggregate(at=Min("created_at"))["at"] for rows in (asked, refused))))
        minutes = max(1, round((first + HOUR - timezone.now()).total_seconds() / 60))
        raise TooManyPrompts(
            f"You have asked {count} prompts within an hour, and no more are taken. The next one is in "
            f"{minutes} minute{'' if minutes == 1 else 's'}; until then you can vote on the arena's own prompts."
        )
    if voter.user_id is not None:
        if _tries(arena, f"account {voter.user_id}") > arena.live_prompts_per_hour * TRIES_OF_AN_ACCOUNT:
            raise TooManyPrompts("You have tried too often within an hour. Come back later.")
    elif address and _tries(arena, network_of(address)) > arena.live_prompts_per_hour * VOTERS_AT_ONE_ADDRESS:
        raise TooManyPrompts(
            "Too many prompts have come from your network within an hour. Sign in to be counted for yourself alone, or "
            "come back later."
        )


def _tries(arena: Arena, whose: str) -> int:
    """How many there were within an hour, with this one."""
    key = f"live-tries:{arena.pk}:{hashlib.sha256(whose.encode()).hexdigest()[:32]}"
    cache.add(key, 0, HOUR.total_seconds())
    try:
        return cache.incr(key)
    except ValueError:  # it was forgotten between the two lines
        return 1
