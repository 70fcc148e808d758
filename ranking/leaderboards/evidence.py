"""An arena's ballots as the arrays that engines are fitted on: the one reader behind every board."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q
from numpy.typing import NDArray

from arena.ballots.models import Ballot, BallotQuerySet
from arena.catalogue.models import Contestant
from arena.voters.models import VoterKind
from ranking.engines.evidence import UNKNOWN, Evidence


@dataclass(frozen=True)
class BoardEvidence:
    """Evidence, the contestant ids in the order of `evidence.items`, and what was left out."""

    evidence: Evidence
    contestants: tuple[int, ...]
    watermark: int
    by_judges: int


@dataclass(frozen=True)
class BattleEvidence(BoardEvidence):
    """Evidence from battles alone, with the probability of each battle; B ballots.

    probability, uniform: float64[B], of prompt and set as they were chosen, and under a uniform choice at that moment;
    estimated: how many of them come from a simulation; without_battle: ballots of humans left out, having no battle.
    """

    probability: NDArray[np.float64]
    uniform: NDArray[np.float64]
    estimated: int
    without_battle: int


def read_evidence(arena_id: int, watermark: int, category: str = "") -> BoardEvidence:
    """The countable ballots of humans up to `watermark`, in the order recorded.

    Contestants are numbered by first appearance, as the engines' own reader does, so that a board and
    `python -m ranking.engines fit` on the exported ballots agree to the last digit. `category` keeps its subtree.
    """
    ballots = Ballot.objects.filter(arena_id=arena_id).countable(watermark)
    if category:
        ballots = ballots.in_category(category)
    evidence, contestants, _ = _arrays(arena_id, ballots.by_humans())
    return BoardEvidence(evidence, contestants, watermark, by_judges=ballots.count() - len(evidence))


def read_battles(arena_id: int, watermark: int) -> BattleEvidence:
    """The same of the ballots that answer a battle; imported ones have none, and so no probability."""
    ballots = Ballot.objects.filter(arena_id=arena_id).countable(watermark)
    evidence, contestants, (probability, uniform, exact) = _arrays(
        arena_id,
        ballots.by_humans().filter(battle__isnull=False),
        ("battle__probability", "battle__uniform_probability", "battle__probability_exact"),
    )
    judges = Q(voter_kind=VoterKind.JUDGE)
    left_out = ballots.aggregate(
        by_judges=Count("pk", filter=judges), without_battle=Count("pk", filter=~judges & Q(battle=None))
    )
    return BattleEvidence(
        evidence,
        contestants,
        watermark,
        by_judges=left_out["by_judges"],
        probability=probability,
        uniform=uniform,
        estimated=int(np.count_nonzero(exact == 0)),
        without_battle=left_out["without_battle"],
    )


def _arrays(
    arena_id: int, ballots: BallotQuerySet, more: tuple[str, ...] = ()
) -> tuple[Evidence, tuple[int, ...], list[NDArray[np.float64]]]:
    """Evidence, contestant ids in the order of its items, and further columns of the ballots as float64[B] each."""
    numbers: dict[int, int] = {}
    offsets, slots, ranks = array("q", [0]), array("i"), array("i")
    all_bad, strength, weight = array("b"), array("b"), array("d")
    voters: list[str | None] = []
    protocols: list[str] = []
    kinds: list[str] = []
    columns = [array("d") for _ in more]
    rows = ballots.order_by("pk").values_list(
        "contestants", "ranks", "all_bad", "strength", "weight", "voter_id", "protocol", "voter_kind", *more
    )
    for (
        row_contestants, row_ranks, row_all_bad, row_strength, row_weight, voter, protocol, kind, *values
    ) in rows.iterator(chunk_size=10_000):  # fmt: skip
        for contestant, rank in zip(row_contestants, row_ranks, strict=True):
            slots.append(numbers.setdefault(contestant, len(numbers)))
            ranks.append(UNKNOWN if rank is None else rank)
        offsets.append(len(slots))
        all_bad.append(row_all_bad)
        strength.append(row_strength or 0)
        weight.append(row_weight)
        voters.append(None if voter is None else str(voter))
        protocols.append(protocol)
        kinds.append(kind)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    names = dict(Contestant.objects.filter(arena_id=arena_id).values_list("pk", "name"))
    evidence = Evidence.from_arrays(
        [names[contestant] for contestant in numbers],
        np.array(slots, dtype=np.int32),
        np.array(ranks, dtype=np.int32),
        offsets=np.array(offsets, dtype=np.int64),
        all_bad=np.array(all_bad, dtype=np.bool_),
        strength=np.array(strength, dtype=np.int8),
        weight=np.array(weight, dtype=np.float64),
        voters=voters,
        protocols=protocols,
        voter_kinds=kinds,
    )
    return evidence, tuple(numbers), [np.array(column, dtype=np.float64) for column in columns]
