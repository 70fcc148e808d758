"""After the ballot: who was who, and what the ballot changed."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.core.cache import cache
from django.urls import reverse

from arena.battles import tokens
from arena.battles.models import LETTERS, Battle
from arena.battles.presentation import ShownSlot, show_battle, show_slot
from arena.catalogue.models import Contestant
from arena.matchmaking.beliefs import belief_source
from arena.protocols import Protocol
from ranking.engines.online import assimilate
from ranking.engines.standings import ELO_OFFSET, ELO_PER_LOGIT

from .judgements import answers
from .models import Ballot

log = logging.getLogger(__name__)
_Z95 = 1.959963984540054  # standard normal quantile of .975
_EFFECT_KEPT_SECONDS = 3600
_PAIRS = {Protocol.PAIR, Protocol.GRADED_PAIR}
_BETTER = {None: "better", 1: "slightly better", 2: "better", 3: "much better"}  # by strength
_MARKS: dict[str, dict[int | None, str]] = {  # by rank
    Protocol.PAIR: {1: "better", 2: "worse"},
    Protocol.GRADED_PAIR: {1: "better", 2: "worse"},
    Protocol.BEST: {1: "best", None: "not chosen"},
    Protocol.BEST_WORST: {1: "best", -1: "worst", None: "in between"},
    Protocol.PICK_MANY: {1: "good", 2: "not picked"},
}


@dataclass(frozen=True)
class ShownRating:
    """A rating on the Elo scale with half the width of its 95 % interval, written as on the board."""

    mean: float
    half: float

    @property
    def text(self) -> str:
        decimals = 1 if 0 < self.half < 1 else 0
        return f"{self.mean:.{decimals}f} ± {self.half:.{decimals}f}".replace("-", "−")


@dataclass(frozen=True)
class Effect:
    """What one ballot did to the ratings of its contestants, in slot order; None for who is on no board yet."""

    before: list[ShownRating | None]
    after: list[ShownRating | None]


def watch_effect(ballot: Ballot) -> None:
    """Work out what the ballot changes and keep it for the reveal; called right after the ballot was cast.

    The board that includes the ballot appears a moment later and includes other people's ballots as well, so the effect
    of this one is computed by itself: one update of what was believed before it. Before the first board, and for a
    contestant that no ballot had shown, no number is given: the prior is learned with the board, and a guess at it
    would contradict the board a moment later.
    """
    if ballot.all_bad:
        return
    try:
        _keep_effect(ballot)
    except Exception:  # the ballot is recorded whatever becomes of the numbers beside the names
        log.warning("could not work out the effect of ballot %s", ballot.public_id, exc_info=True)


def _keep_effect(ballot: Ballot) -> None:
    key = _effect_key(ballot)
    if cache.get(key) is not None:
        return
    published = belief_source().beliefs(ballot.arena_id, before=ballot.pk)
    rated = np.isin(ballot.contestants, published.contestants) & (published.prior_sd is not None)
    beliefs = published.of(ballot.contestants)
    mean, covariance = assimilate(
        beliefs.mean, beliefs.covariance, np.arange(len(ballot.contestants)), ballot.ranks, ballot.weight
    )
    effect = Effect(_ratings(beliefs.mean, beliefs.covariance, rated), _ratings(mean, covariance, rated))
    cache.set(key, asdict(effect), _EFFECT_KEPT_SECONDS)


def reveal_context(ballot: Ballot) -> dict[str, Any]:
    battle = Battle.objects.with_slots().select_related("arena", "prompt", "voter").get(ballots=ballot.pk)
    contestants = Contestant.objects.in_bulk(ballot.contestants)
    effect = _effect_of(ballot)
    results = [
        _result(show_slot(slot), contestants[contestant], effect, index)
        | {"rank_label": rank_label(ballot, index), "is_first": ballot.ranks[index] == 1}
        for index, (slot, contestant) in enumerate(zip(battle.slots.all(), ballot.contestants, strict=True))
    ]
    return {
        "arena": battle.arena,
        "token": tokens.issue(battle, battle.voter.public_id),
        "battle": show_battle(battle),
        "ballot": {
            "id": ballot.public_id,
            "summary": summary(ballot),
            "is_retracted": Ballot.objects.filter(supersedes=ballot, retracts=True).exists(),
        },
        "results": results,
        "any_rated": any(result["rating_after"] for result in results),
        "next_url": reverse("arena:vote", args=[battle.arena.slug]),
    }


def rank_label(ballot: Ballot, index: int) -> str:
    """Where the voter put one slot, in the words of its protocol."""
    rank = ballot.ranks[index]
    if ballot.all_bad:
        return "all bad"
    marks = _MARKS.get(ballot.protocol)
    if marks is not None and answers(ballot.ranks, ballot.protocol):
        return "tie" if ballot.ranks == [1, 1] and ballot.protocol in _PAIRS else marks[rank]
    if rank is None:
        return "not placed"
    tied = "tied " if ballot.ranks.count(rank) > 1 else ""
    if rank < 0:
        return tied + ("last" if rank == -1 else f"{ordinal(-rank)} from last")
    above = sum(1 for other in ballot.ranks if other is not None and 0 < other < rank)
    return tied + ordinal(above + 1)


def ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def summary(ballot: Ballot) -> str:
    if ballot.all_bad:
        which = "both" if len(ballot.ranks) == 2 else "all"
        return f"You found {which} of them bad. That moves no rating; it counts towards the all-bad rate."
    if ballot.protocol in _MARKS and answers(ballot.ranks, ballot.protocol):
        return _chosen(ballot)
    placed = sum(rank is not None for rank in ballot.ranks)
    if placed == len(ballot.ranks):
        return f"You ranked all {placed}."
    return f"You ranked {placed} of {len(ballot.ranks)}; the order of the others stays open."


def _chosen(ballot: Ballot) -> str:
    letters = {rank: LETTERS[index] for index, rank in enumerate(ballot.ranks)}
    if ballot.protocol == Protocol.BEST:
        return f"You chose {letters[1]} as the best; the order of the others stays open."
    if ballot.protocol == Protocol.BEST_WORST:
        return f"You chose {letters[1]} as the best and {letters[-1]} as the worst."
    if ballot.protocol == Protocol.PICK_MANY:
        return f"You picked {ballot.ranks.count(1)} of {len(ballot.ranks)} as good."
    return "You found them equal." if 2 not in letters else f"You found {letters[1]} {_BETTER[ballot.strength]}."


def _ratings(mean: np.ndarray, covariance: np.ndarray, rated: np.ndarray) -> list[ShownRating | None]:
    return [
        ShownRating(float(ELO_OFFSET + ELO_PER_LOGIT * centre), float(ELO_PER_LOGIT * _Z95 * np.sqrt(variance)))
        if is_rated
        else None
        for centre, variance, is_rated in zip(mean, np.diag(covariance), rated, strict=True)
    ]


def _effect_key(ballot: Ballot) -> str:
    return f"ballot-effect:{ballot.public_id}"


def _effect_of(ballot: Ballot) -> Effect | None:
    stored = cache.get(_effect_key(ballot))
    if stored is None:
        return None
    before, after = (
        [None if rating is None else ShownRating(**rating) for rating in stored[side]] for side in ("before", "after")
    )
    return Effect(before, after)


def _result(slot: ShownSlot, contestant: Contestant, effect: Effect | None, index: int) -> dict[str, Any]:
    before = effect.before[index] if effect else None
    after = effect.after[index] if effect else None
    delta = after.mean - before.mean if before and after else None
    return asdict(slot) | {
        "contestant_name": contestant.name,
        "contestant_description": contestant.description,
        "rating_before": before,
        "rating_after": after,
        "delta": delta,
        "delta_text": None if delta is None else signed(delta),
        "unrated": effect is not None and before is None,
    }


def signed(number: float) -> str:
    """+6, −3, ±0: with a real minus sign."""
    rounded = round(number)
    return f"+{rounded}" if rounded > 0 else f"−{-rounded}" if rounded < 0 else "±0"
