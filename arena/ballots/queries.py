"""Reading ballots: each voter's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db.models import Exists, OuterRef, QuerySet

from arena.catalogue.models import Visibility
from arena.refusals import NotFound
from arena.voters.models import Voter

from .models import Ballot


def own_ballots(voter: Voter) -> QuerySet[Ballot]:
    """What this voter said of battles, the latest first, with arena and prompt, and whether it was taken back.

    Arenas that have become private are left out. Served by the index ballot_of_voter.
    """
    return (
        Ballot.objects.judgements()
        .filter(voter=voter, battle__isnull=False)
        .exclude(arena__visibility=Visibility.PRIVATE)
        .annotate(is_retracted=Exists(Ballot.objects.filter(supersedes=OuterRef("pk"), retracts=True)))
        .select_related("arena", "prompt")
        .order_by("-pk")
    )


def own_ballot(ballot_id: uuid.UUID, voter: Callable[[], Voter]) -> Ballot:
    """One of them by its public number, in any arena. Who asks is asked only where there is such a ballot.

    `NotFound` for somebody else's, which is not told apart from one that never was.
    """
    ballot = Ballot.objects.judgements().filter(public_id=ballot_id, battle__isnull=False).first()
    if ballot is None or ballot.voter_id != voter().pk:
        raise NotFound("There is no ballot of yours under this address.")
    return ballot
