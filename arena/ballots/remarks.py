"""What a voter adds to a ballot: who is best in an aspect, how sure they are, why, and a line of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from arena.catalogue.models import Arena

from .judgements import BadJudgement, Ranks
from .models import AspectRanks, Ballot, Remark

MOST_COMMENT = 500  # characters


@dataclass(frozen=True)
class Remarks:
    """aspects: the slots that are best in each, by number; several tie. confidence: 1 to 3, None if not said."""

    aspects: Mapping[str, Collection[int]] = field(default_factory=dict)
    confidence: int | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""


NO_REMARKS = Remarks()


def check_remarks(remarks: Remarks, arena: Arena, slots: int) -> None:
    """Refuse what the arena does not ask; the message says what to do."""
    for aspect, best in remarks.aspects.items():
        if aspect not in arena.aspects:
            raise BadJudgement(f"{arena.name} does not ask about {aspect[:60]!r} any more. Load the page again.")
        if not best or not set(best) <= set(range(slots)):
            raise BadJudgement(f"The best in {aspect!r} must be one of the {slots} candidates.")
    if remarks.confidence is not None and remarks.confidence not in (1, 2, 3):
        raise BadJudgement(f"Confidence {remarks.confidence} is not 1 (a guess), 2 (fairly sure) or 3 (sure).")
    for reason in remarks.reasons:
        if reason not in arena.reasons:
            raise BadJudgement(f"{arena.name} does not offer the reason {reason[:60]!r} any more. Load the page again.")
    if len(remarks.comment) > MOST_COMMENT:
        raise BadJudgement(
            f"The comment has {len(remarks.comment)} characters; {MOST_COMMENT} are allowed. Shorten it."
        )


def keep_remarks(ballot: Ballot, remarks: Remarks) -> None:
    """Store them with a ballot that was just made. Nothing is written where nothing was said."""
    slots = len(ballot.contestants)
    AspectRanks.objects.bulk_create(
        AspectRanks(ballot=ballot, aspect=aspect, ranks=list(ranks_of_best(best, slots)))
        for aspect, best in remarks.aspects.items()
    )
    if remarks.confidence is not None or remarks.reasons or remarks.comment:
        Remark.objects.create(
            ballot=ballot, confidence=remarks.confidence, reasons=list(remarks.reasons), comment=remarks.comment
        )


def ranks_of_best(best: Collection[int], slots: int) -> Ranks:
    """Of who is best in an aspect: the others' order was not asked, but of two the other one is second."""
    other = 2 if slots == 2 else None
    return tuple(1 if at in best else other for at in range(slots))
