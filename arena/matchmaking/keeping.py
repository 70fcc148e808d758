"""What each process knows of an arena for matchmaking, and for how long.

Beliefs and recent battles serve for `MATCHMAKING_SECONDS`. The first visitor after `_RENEWED` of that reads them anew
while the others go on with what there is; whoever comes when their time is over waits for the reading that is under
way instead of reading as well, since ten readings at once would each take ten times as long. So beliefs are older than
that only where one reading takes longer, and then as old as it took. The stock, which is larger, serves for `_SPARING`
times what it cost to read if that is longer: reading it never takes more than a twentieth of the time. What is stale
does no harm but to the choice: candidates are looked up again when a battle is written, and the probability that is
stored is the one that was used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.conf import settings

from arena.catalogue.models import Arena
from arena.catalogue.queries import get_arena_for

from . import queries
from .knowledge import Knowledge, Stock, why_no_battle
from .rules import goal_of
from .tournaments import NO_TOURNAMENTS, Tournaments

_RENEWED = 0.25  # of the time that beliefs serve
_SPARING = 20
_PATIENCE = 10.0  # seconds, after which a reading under way is given up and another one begun


@dataclass(frozen=True)
class _Noted:
    at: float
    prompt: int
    contestants: tuple[int, ...]


@dataclass
class _Kept:
    """What is known, when its reading began and until when it serves (seconds of this process's clock).

    noted: the battles opened here since, by id: when, on which prompt and with whom. tournaments: from which the next
    reading goes on.
    """

    arena_id: int
    knowledge: Knowledge
    goal_reached: bool
    read_at: float
    until: float
    stock_until: float
    tournaments: Tournaments = NO_TOURNAMENTS
    noted: dict[int, _Noted] = field(default_factory=dict)

    def note(self, battle: int, noted: _Noted) -> None:
        self.noted[battle] = noted
        stock = self.knowledge.stock
        if np.isin(noted.contestants, stock.contestants).all() and np.isin(noted.prompt, stock.prompts):
            members = np.searchsorted(stock.contestants, noted.contestants).tolist()
            self.knowledge.note(int(np.searchsorted(stock.prompts, noted.prompt)), members)


@dataclass
class _Turn:
    """A reading under way."""

    began: float
    done: threading.Event = field(default_factory=threading.Event)


_KEPT: dict[str, _Kept] = {}  # by the arena's slug
_TURNS: dict[str, _Turn] = {}  # likewise
_GUARD = threading.Lock()  # of both


def get_arena_to_vote_in(user: Any, slug: str) -> Arena:
    """The arena, with whatever matchmaking has to read anew. One query.

    Its `no_battle` says why no battle can be made whoever asks; it is empty where one can, or will be.
    """
    arena = _arena_to_vote_in(user, slug)
    kept = _KEPT.get(slug)
    known = kept is not None and kept.arena_id == arena.pk
    arena.no_battle = why_no_battle(kept.knowledge.stock, arena.size_of()) if known and kept else ""  # type: ignore[attr-defined]  # for the page
    return arena


def _arena_to_vote_in(user: Any, slug: str) -> Arena:
    with _turn(slug, early=True) as turn:
        if turn is None:
            return get_arena_for(user, slug)
        stock, tournaments = _stock_that_serves(slug), _tournaments(slug)
        needed = queries.columns(stock=stock is None, tournaments=tournaments)
        arena = get_arena_for(user, slug, Arena.objects.annotate(**needed))
        arena.matchmaking = _keep(arena, turn.began, stock, tournaments)  # type: ignore[attr-defined]  # for `_kept_of`
        return arena


def knowledge_of(arena: Arena) -> Knowledge:
    """What is known of an arena, at most a second old, or as old as a longer reading took.

    No query for an arena read by `get_arena_to_vote_in`, else one.
    """
    return _kept_of(arena).knowledge


def goal_reached(arena: Arena) -> bool:
    """Whether the arena knows what it wanted to know; it asks again if later ballots put that in doubt."""
    return goal_of(arena) is not None and _kept_of(arena).goal_reached


def age_of_knowledge(arena: Arena) -> float | None:
    """Seconds since the reading of what this process knows of the arena began; None while it knows nothing."""
    kept = _KEPT.get(arena.slug)
    return None if kept is None else time.monotonic() - kept.read_at


def note_battle(arena: Arena, battle: int, prompt: int, contestants: Sequence[int]) -> None:
    """A battle was opened: the next voter of this process gets another, without waiting for the next reading."""
    with _GUARD:
        kept = _KEPT.get(arena.slug)
        if kept is not None and kept.arena_id == arena.pk:
            kept.note(battle, _Noted(time.monotonic(), prompt, tuple(contestants)))


def forget(arena_id: int | None = None) -> None:
    """Read everything anew at the next choice, of one arena or of all."""
    with _GUARD:
        for slug in [slug for slug, kept in _KEPT.items() if arena_id in (None, kept.arena_id)]:
            del _KEPT[slug]


def _kept_of(arena: Arena) -> _Kept:
    read: _Kept | None = vars(arena).pop("matchmaking", None)  # with the arena; another may have read later
    kept = _KEPT.get(arena.slug)
    if read is not None and kept is not None and kept.arena_id == arena.pk and kept.read_at >= read.read_at:
        return kept
    while (kept := _KEPT.get(arena.slug)) is None or kept.arena_id != arena.pk or time.monotonic() >= kept.until:
        with _turn(arena.slug, early=False, arena_id=arena.pk) as turn:
            if turn is None:
                continue  # somebody has read it meanwhile
            stock = _stock_that_serves(arena.slug) if kept is not None and kept.arena_id == arena.pk else None
            tournaments = _tournaments(arena.slug)
            needed = queries.columns(stock=stock is None, tournaments=tournaments)
            return _keep(Arena.objects.annotate(**needed).get(pk=arena.pk), turn.began, stock, tournaments)
    return kept


@contextmanager
def _turn(slug: str, *, early: bool, arena_id: int | None = None) -> Iterator[_Turn | None]:
    """The caller's turn to read an arena; None where what there is serves on, or has just been read by another.

    early: also shortly before the time of what there is is over, if nobody else is reading. arena_id: what is known of
    another arena that had this address does not serve.
    """
    turn, other = _take_turn(slug, early, arena_id)
    if other is not None:
        other.done.wait(_PATIENCE)
    try:
        yield turn
    finally:
        if turn is not None:
            with _GUARD:
                if _TURNS.get(slug) is turn:
                    del _TURNS[slug]
            turn.done.set()


def _take_turn(slug: str, early: bool, arena_id: int | None) -> tuple[_Turn | None, _Turn | None]:
    """The caller's turn, or that of another for whose end the caller has to wait, or neither."""
    now = time.monotonic()
    with _GUARD:
        kept, other = _KEPT.get(slug), _TURNS.get(slug)
        serves = kept is not None and now < kept.until and arena_id in (None, kept.arena_id)
        if serves and not (early and kept is not None and now >= kept.read_at + _RENEWED * (kept.until - kept.read_at)):
            return None, None
        if settings.MATCHMAKING_SECONDS and other is not None and now < other.began + _PATIENCE:
            return None, None if serves else other
        turn = _TURNS[slug] = _Turn(now)
        return turn, None


def _stock_that_serves(slug: str) -> Stock | None:
    kept = _KEPT.get(slug)
    return kept.knowledge.stock if kept is not None and time.monotonic() < kept.stock_until else None


def _tournaments(slug: str) -> Tournaments:
    kept = _KEPT.get(slug)
    return NO_TOURNAMENTS if kept is None else kept.tournaments


def _keep(arena: Arena, began: float, stock: Stock | None, tournaments: Tournaments = NO_TOURNAMENTS) -> _Kept:
    """Keep what the columns of an arena say, unless a later reading is kept already; what is kept then."""
    reading = queries.read(arena, stock, tournaments)
    seconds = settings.MATCHMAKING_SECONDS
    with _GUARD:
        former = _KEPT.get(arena.slug)
        if former is not None and former.arena_id != arena.pk:
            former = None  # another arena had this address
        if former is not None and former.read_at > began:
            return former
        until = began + seconds
        if stock is None:
            stock_until = began + (max(seconds, _SPARING * (time.monotonic() - began)) if seconds else 0)
        elif former is not None:
            stock_until = former.stock_until
        else:
            stock_until = until = began  # the stock was found to be out of date meanwhile
        kept = _Kept(arena.pk, reading.knowledge, reading.goal_reached, began, until, stock_until, reading.tournaments)
        for battle, noted in former.noted.items() if former is not None else ():
            if noted.at >= began and battle not in reading.battles:
                kept.note(battle, noted)
        _KEPT[arena.slug] = kept
    return kept
