"""What a voter has been shown in one arena, read in one query together with the voter.

The vote page may ask the database eight times in all, whoever comes and whatever has become of their last battle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Exists, Func, OuterRef, Subquery

from arena.catalogue.models import Arena
from arena.voters.models import Voter, VoterQuerySet

from .models import Battle, BattleSlot, BattleState

LATELY = 12  # battles; what came before has faded from the voter's eyes


@dataclass(frozen=True)
class History:
    """The battles of one voter in one arena.

    has_open: one awaits its ballot. has_overdue: one was left open too long and is not yet marked as expired.
    seen: for each prompt the sets of contestants that were shown with it; lately: the contestants of the latest
    battles, oldest first; protocol: of the latest one, empty before it.
    """

    has_open: bool = False
    has_overdue: bool = False
    seen: Mapping[int, list[frozenset[int]]] = field(default_factory=dict)
    lately: Sequence[frozenset[int]] = ()
    protocol: str = ""


def with_history(voters: VoterQuerySet, arena: Arena) -> VoterQuerySet:
    """Voters with what `history_of` reads.

    The slots come as one array of numbers, (prompt, battle, contestant) each: less than half the cost of JSON objects.
    """
    battles = Battle.objects.filter(voter=OuterRef("pk"), arena=arena)
    shown = BattleSlot.objects.exclude(battle__state=BattleState.VOID)
    slots = shown.filter(battle__voter=OuterRef("pk"), battle__arena=arena).order_by()
    numbers = Func(
        "battle__prompt_id",
        "battle_id",
        "candidate__revision__contestant_id",
        template="ARRAY[%(expressions)s]",
        output_field=ArrayField(BigIntegerField()),
    )
    return voters.annotate(
        has_open=Exists(battles.open()),
        has_overdue=Exists(battles.overdue()),
        latest_protocol=Subquery(battles.order_by("-id").values("protocol")[:1]),
        slots_shown=ArraySubquery(slots.values_list(numbers)),
    )


def history_of(voter: Voter) -> History:
    """The history of a voter who was read `with_history`; one who was made just now has none."""
    if not hasattr(voter, "slots_shown"):
        return History()
    members: dict[tuple[int, int], set[int]] = defaultdict(set)
    for prompt, battle, contestant in voter.slots_shown:
        members[prompt, battle].add(contestant)
    seen: dict[int, list[frozenset[int]]] = defaultdict(list)
    for (prompt, _), contestants in members.items():
        seen[prompt].append(frozenset(contestants))
    latest = nlargest(LATELY, ((battle, prompt) for prompt, battle in members))
    lately = tuple(frozenset(members[prompt, battle]) for battle, prompt in reversed(latest))
    said: Any = voter  # annotated, see above
    return History(said.has_open, said.has_overdue, seen, lately, said.latest_protocol or "")
