"""Reading what matchmaking needs of an arena, all at once: as annotations of the arena's own row.

Whoever loads the page reads them together with it and pays no further query. `keeping` says how long they serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone

from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleSlot, BattleState
from arena.catalogue.models import Contestant, ContestantState, PromptsShown
from arena.generation.models import Candidate
from arena.prompts.models import Prompt, Split
from ranking.engines.matchmaking.policies import Tournament

from .beliefs import belief_source
from .knowledge import Ints, Knowledge, Recent, Stock, assemble, covered
from .rules import goal_of
from .tournaments import NO_TOURNAMENTS, Decided, Tournaments

LATEST = 1000  # battles, of which exposure is counted: floor and ceiling look back no further
# A battle that was opened longer ago than this is taken to be abandoned: its ballot is not awaited any more.
_AWAITED = timedelta(minutes=5)


class _Joined(Subquery):
    """The one column of a subquery as a single text with commas: numbers by the thousand, cheaper than an array."""

    template = "array_to_string(ARRAY(%(subquery)s), ',')"
    output_field = models.TextField()


@dataclass(frozen=True)
class Reading:
    """What was read of an arena."""

    knowledge: Knowledge
    battles: frozenset[int]  # those whose exposure is in it
    goal_reached: bool
    tournaments: Tournaments


def columns(*, stock: bool, tournaments: Tournaments = NO_TOURNAMENTS) -> dict[str, Any]:
    """Annotations of a queryset of arenas that `read` needs, with the stock or without, and the tournaments since."""
    recent = _recent_columns() | _decided_columns(tournaments.since) | dict(belief_source().columns())
    return recent | _stock_columns() if stock else recent


def read(arena: Any, stock: Stock | None = None, tournaments: Tournaments = NO_TOURNAMENTS) -> Reading:
    """What an arena with the `columns` says, which are taken off it: they serve once.

    `stock` is what is kept of it, `tournaments` what the columns go on from.
    """
    if stock is None:
        stock = _stock(arena)
    recent = _recent(arena)
    beliefs = belief_source().read(arena).of(stock.contestants.tolist())
    tournaments = tournaments.after(arena.pk, _decided(arena), stock.ready_on)
    for name in columns(stock=True):
        vars(arena).pop(name, None)
    newcomers = beliefs.ballots < arena.preliminary_below
    rounds = {prompt: tuple(played.values()) for prompt, played in tournaments.by_prompt.items()}
    knowledge = assemble(stock, recent, beliefs.mean, beliefs.covariance, newcomers, rounds)
    goal = goal_of(arena)
    reached = goal is not None and len(stock.contestants) >= arena.size_of()
    if goal is not None and reached:
        reached = goal.progress(beliefs.mean, beliefs.covariance, np.random.default_rng(0)).reached
    return Reading(knowledge, frozenset(recent.members), reached, tournaments)


def _stock_columns() -> dict[str, Any]:
    active = Q(state=ContestantState.ACTIVE)
    contestants = Contestant.objects.filter(active, arena=OuterRef("pk")).order_by()
    ready = (
        Candidate.objects.ready()
        .filter(
            prompt__arena=OuterRef("pk"),
            prompt__is_active=True,
            revision__contestant__state=ContestantState.ACTIVE,
        )
        .order_by()
    )
    judged = (
        Ballot.objects.filter(arena=OuterRef("pk"), prompt__isnull=False, supersedes=None)
        .order_by()
        .values("prompt_id")
        .annotate(ballots=models.Count("pk"))
    )
    prompts = Prompt.objects.filter(arena=OuterRef("pk"), is_active=True).order_by()
    return {
        "stock_contestants": ArraySubquery(
            contestants.values(row=JSONObject(id="pk", apart="kept_apart", weight="battle_weight"))
        ),
        "stock_outputs": _Joined(ready.values_list(_commas("prompt_id", "revision__contestant_id"), flat=True)),
        "stock_judged": _Joined(judged.values_list(_commas("prompt_id", "ballots"), flat=True)),
        "stock_prompts": ArraySubquery(prompts.values(row=JSONObject(id="pk", paths="categories", split="split"))),
    }


def _recent_columns() -> dict[str, Any]:
    latest = (
        Battle.objects.filter(arena=OuterRef(OuterRef("pk")))
        .exclude(state=BattleState.VOID)
        .order_by("-pk")
        .values("pk")[:LATEST]
    )
    slots = BattleSlot.objects.filter(battle__in=Subquery(latest)).order_by()
    awaited = Battle.objects.open().filter(arena=OuterRef("pk"), opened_at__gt=timezone.now() - _AWAITED).order_by()
    return {
        "battles_latest": _Joined(
            slots.values_list(_commas("battle_id", "candidate__revision__contestant_id"), flat=True)
        ),
        "battles_awaited": _Joined(awaited.values_list("pk", flat=True)),
    }


def _decided_columns(since: int) -> dict[str, Any]:
    """The ballots on battles of an arena with tournaments; the index `ballot_evidence` serves it."""
    winner = models.expressions.RawSQL(
        "CASE WHEN cardinality(array_positions(ranks, 1)) = 1 THEN contestants[array_position(ranks, 1)] ELSE 0 END",
        (),
        models.BigIntegerField(),
    )
    members = models.expressions.RawSQL("array_to_string(contestants, ',')", (), models.TextField())
    told = Ballot.objects.filter(arena=OuterRef("pk"), pk__gt=since, battle__isnull=False, prompt__isnull=False)
    told = told.order_by().annotate(
        winner=winner, members=members, before=Coalesce("supersedes_id", Value(0)), size=F("contestants__len")
    )
    row = _commas("pk", "prompt_id", "before", "winner", "size", "members")
    return {
        "battles_decided": Case(
            When(policy=Tournament.name, then=_Joined(told.values_list(row, flat=True))),
            default=Value(""),
            output_field=models.TextField(),
        )
    }


def _commas(*names: str) -> models.Func:
    return models.Func(Value(","), *(F(name) for name in names), function="concat_ws", output_field=models.TextField())


def _stock(arena: Any) -> Stock:
    contestants = sorted(arena.stock_contestants, key=lambda row: row["id"])
    wanted = {PromptsShown.OPEN: {Split.OPEN}, PromptsShown.HELD_OUT: {Split.HELD_OUT}}.get(arena.prompts_shown)
    prompts = sorted(
        (row for row in arena.stock_prompts if wanted is None or row["split"] in wanted), key=lambda row: row["id"]
    )
    contestant_ids = np.array([row["id"] for row in contestants], np.int64)
    prompt_ids = np.array([row["id"] for row in prompts], np.int64)
    judged = dict(_numbers(arena.stock_judged, 2).tolist())
    outputs = _numbers(arena.stock_outputs, 2)
    ready = np.zeros((len(prompts), len(contestants)), np.bool_)
    outputs = outputs[np.isin(outputs[:, 0], prompt_ids) & np.isin(outputs[:, 1], contestant_ids)]
    ready[np.searchsorted(prompt_ids, outputs[:, 0]), np.searchsorted(contestant_ids, outputs[:, 1])] = True
    ready[:, ~covered(ready, arena.least_coverage)] = False
    return Stock(
        contestants=contestant_ids,
        apart=tuple(row["apart"] for row in contestants),
        weights=np.array([row["weight"] for row in contestants], np.float64),
        prompts=prompt_ids,
        categories=tuple(tuple(row["paths"]) for row in prompts),
        judged=np.array([judged.get(row["id"], 0) for row in prompts], np.int64),
        ready=ready,
    )


def _recent(arena: Any) -> Recent:
    members: dict[int, tuple[int, ...]] = {}
    for battle, contestant in _numbers(arena.battles_latest, 2).tolist():
        members[battle] = (*members.get(battle, ()), contestant)
    return Recent(members, tuple(_numbers(arena.battles_awaited, 1)[:, 0].tolist()))


def _decided(arena: Any) -> Iterator[Decided]:
    numbers = _numbers(arena.battles_decided, 1)[:, 0].tolist()
    at = 0
    while at < len(numbers):
        ballot, prompt, before, winner, size = numbers[at : at + 5]
        yield Decided(ballot, prompt, tuple(numbers[at + 5 : at + 5 + size]), winner or None, before or None)
        at += 5 + size


def _numbers(text: str, columns: int) -> Ints:
    if not text:
        return np.zeros((0, columns), np.int64)
    return np.fromstring(text, np.int64, sep=",").reshape(-1, columns)
