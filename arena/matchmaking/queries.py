"""Reading what matchmaking needs, seldom and all at once.

Two groups of columns can be read together with an arena, so that whoever loads the page pays no further query. Beliefs
and recent battles serve for `MATCHMAKING_SECONDS`, and the first visitor after `_RENEWED` of that reads them anew. The
stock, which is larger, serves for `_SPARING` times what it cost to read if that is longer: reading it never takes more
than a twentieth of the time. Each process keeps its own. What is stale by then does no harm: candidates are looked up
again when a battle is written, and the probability that is stored is the one that was used.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import JSONObject
from django.utils import timezone

from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleSlot, BattleState
from arena.catalogue.models import Arena, Contestant, ContestantState, PromptsShown
from arena.catalogue.queries import get_arena_for
from arena.generation.models import Candidate
from arena.prompts.models import Prompt, Split
from ranking.engines.matchmaking.policies import Tournament

from .beliefs import belief_source
from .knowledge import Ints, Knowledge, Recent, Stock, assemble
from .rules import goal_of

_SPARING = 20
_RENEWED = 0.4  # of the time that it serves
LATEST = 1000  # battles, of which exposure is counted: floor and ceiling look back no further
# A battle that was opened longer ago than this is taken to be abandoned: its ballot is not awaited any more.
_AWAITED = timedelta(minutes=5)


@dataclass
class _Kept:
    """What this process knows of an arena, when it was read and until when it serves (seconds of its own clock)."""

    stock: Stock
    stock_until: float
    knowledge: Knowledge
    read_at: float
    until: float
    goal_reached: bool
    claimed: bool = False  # somebody is reading it anew

    def claim(self, now: float) -> bool:
        """Whether the caller is to read anew: the first who asks after `_RENEWED` of its time, then everybody.

        So under load one thread reads while the others go on with what there is, and nobody waits for six readings.
        """
        if now >= self.until:
            return True
        if self.claimed or now < self.read_at + _RENEWED * (self.until - self.read_at):
            return False
        self.claimed = True
        return True


_KEPT: dict[int, _Kept] = {}  # by arena
_PLACE: dict[str, int] = {}  # arena by slug


class _Joined(Subquery):
    """The one column of a subquery as a single text with commas: numbers by the thousand, cheaper than an array."""

    template = "array_to_string(ARRAY(%(subquery)s), ',')"
    output_field = models.TextField()


def get_arena_to_vote_in(user: Any, slug: str) -> Arena:
    """The arena, with whatever matchmaking has to read anew. One query."""
    due = _due(_KEPT.get(_PLACE.get(slug, 0)))
    began = time.monotonic()
    arena = get_arena_for(user, slug, Arena.objects.annotate(**due))
    if due:
        arena.matchmaking_read = (began, time.monotonic() - began)  # type: ignore[attr-defined]  # when, and its cost
    return arena


def knowledge_of(arena: Arena) -> Knowledge:
    """What is known of an arena, at most a second old. No query for an arena read `get_arena_to_vote_in`, else one."""
    kept = _kept_of(arena)
    return kept.knowledge


def goal_reached(arena: Arena) -> bool:
    """Whether the arena knows what it wanted to know; it asks again if later ballots put that in doubt."""
    return goal_of(arena) is not None and _kept_of(arena).goal_reached


def note_battle(arena: Arena, prompt: int, members: Sequence[int]) -> None:
    """A battle was opened: the next voter of this process gets another, without waiting for the next reading."""
    kept = _KEPT.get(arena.pk)
    if kept is not None:
        kept.knowledge.note(prompt, members)


def forget(arena_id: int | None = None) -> None:
    """Read everything anew at the next choice, of one arena or of all."""
    if arena_id is None:
        _KEPT.clear()
        _PLACE.clear()
    else:
        _KEPT.pop(arena_id, None)


def _kept_of(arena: Arena) -> _Kept:
    kept = _KEPT.get(arena.pk)
    read: tuple[float, float] | None = vars(arena).pop("matchmaking_read", None)
    if read is None or (kept is None and "stock_outputs" not in vars(arena)):
        if kept is not None and time.monotonic() < kept.until:
            return kept
        began = time.monotonic()
        arena = Arena.objects.annotate(**_due(kept)).get(pk=arena.pk)
        read = (began, time.monotonic() - began)
    elif kept is not None and kept.read_at >= read[0]:  # another thread has read later
        _take_off(arena)
        return kept
    kept = _renewed(arena, kept, *read)
    _take_off(arena)
    latest = _KEPT.get(arena.pk)
    if latest is None or latest.read_at < kept.read_at:
        _KEPT[arena.pk] = kept
        _PLACE[arena.slug] = arena.pk
    return kept


def _due(kept: _Kept | None) -> Mapping[str, Any]:
    now = time.monotonic()
    if kept is not None and not kept.claim(now):
        return {}
    columns = _recent_columns() | dict(belief_source().columns())
    return columns if kept is not None and now < kept.stock_until else columns | _stock_columns()


def _renewed(arena: Any, kept: _Kept | None, read_at: float, cost: float) -> _Kept:
    seconds = settings.MATCHMAKING_SECONDS
    if "stock_outputs" in vars(arena):
        began = time.monotonic()
        stock = _stock(arena)
        cost += time.monotonic() - began
        stock_until = read_at + (max(seconds, _SPARING * cost) if seconds else 0)
    else:
        assert kept is not None  # noqa: S101  (the columns were left out because it was there)
        stock, stock_until = kept.stock, kept.stock_until
    beliefs = belief_source().read(arena).of(stock.contestants.tolist())
    newcomers = beliefs.ballots < arena.preliminary_below
    knowledge = assemble(stock, _recent(arena), beliefs.mean, beliefs.covariance, newcomers)
    goal = goal_of(arena)
    reached = goal is not None and len(stock.contestants) >= arena.battle_size
    if goal is not None and reached:
        reached = goal.progress(beliefs.mean, beliefs.covariance, np.random.default_rng(0)).reached
    return _Kept(stock, stock_until, knowledge, read_at, read_at + seconds, reached)


def _take_off(arena: Any) -> None:
    """The columns serve once: an arena object that lives on must not bring old ones back."""
    for name in [*_recent_columns(), *_stock_columns(), *belief_source().columns()]:
        vars(arena).pop(name, None)


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
    latest = Battle.objects.filter(arena=OuterRef(OuterRef("pk"))).order_by("-pk").values("pk")[:LATEST]
    slots = BattleSlot.objects.filter(battle__in=Subquery(latest)).order_by()
    awaited = Battle.objects.open().filter(arena=OuterRef("pk"), opened_at__gt=timezone.now() - _AWAITED).order_by()
    winner = models.expressions.RawSQL(
        "CASE WHEN cardinality(array_positions(ranks, 1)) = 1 THEN contestants[array_position(ranks, 1)] ELSE 0 END",
        (),
        models.BigIntegerField(),
    )
    voted = Battle.objects.filter(arena=OuterRef(OuterRef("pk")), state=BattleState.VOTED).order_by("-pk")
    won = Ballot.objects.filter(battle__in=Subquery(voted.values("pk")[:LATEST]), supersedes=None).order_by()
    return {
        "battles_latest": _Joined(
            slots.values_list(
                _commas("battle_id", "battle__prompt_id", "candidate__revision__contestant_id"), flat=True
            )
        ),
        "battles_awaited": _Joined(awaited.values_list("pk", flat=True)),
        "battles_won": Case(
            When(
                policy=Tournament.name,
                then=_Joined(won.annotate(winner=winner).values_list(_commas("battle_id", "winner"), flat=True)),
            ),
            default=Value(""),
            output_field=models.TextField(),
        ),
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
    prompts: dict[int, int] = {}
    members: dict[int, tuple[int, ...]] = {}
    for battle, prompt, contestant in _numbers(arena.battles_latest, 3).tolist():
        prompts[battle] = prompt
        members[battle] = (*members.get(battle, ()), contestant)
    winners = {battle: winner or None for battle, winner in _numbers(arena.battles_won, 2).tolist()}
    return Recent(prompts, members, winners, tuple(_numbers(arena.battles_awaited, 1)[:, 0].tolist()))


def _numbers(text: str, columns: int) -> Ints:
    if not text:
        return np.zeros((0, columns), np.int64)
    return np.fromstring(text, np.int64, sep=",").reshape(-1, columns)
