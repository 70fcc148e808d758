"""An arena's ballots as the arrays that engines are fitted on: the one reader behind every board."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from arena.ballots.models import Ballot
from arena.catalogue.models import Contestant
from ranking.engines.evidence import UNKNOWN, Evidence


@dataclass(frozen=True)
class BoardEvidence:
    """Evidence, the contestant ids in the order of `evidence.items`, and what was left out."""

    evidence: Evidence
    contestants: tuple[int, ...]
    watermark: int
    by_judges: int


def read_evidence(arena_id: int, watermark: int, category: str = "") -> BoardEvidence:
    """The countable ballots of humans up to `watermark`, in the order recorded.

    Contestants are numbered by first appearance, as the engines' own reader does, so that a board and
    `python -m ranking.engines fit` on the exported ballots agree to the last digit. `category` keeps its subtree.
    """
    ballots = Ballot.objects.filter(arena_id=arena_id).countable(watermark)
    if category:
        ballots = ballots.in_category(category)
    numbers: dict[int, int] = {}
    offsets, slots, ranks = array("q", [0]), array("i"), array("i")
    all_bad, strength, weight = array("b"), array("b"), array("d")
    voters: list[str | None] = []
    protocols: list[str] = []
    kinds: list[str] = []
    rows = (
        ballots.by_humans()
        .order_by("pk")
        .values_list("contestants", "ranks", "all_bad", "strength", "weight", "voter_id", "protocol", "voter_kind")
    )
    for row_contestants, row_ranks, row_all_bad, row_strength, row_weight, voter, protocol, kind in rows.iterator(
        chunk_size=10_000
    ):
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
    by_judges = ballots.count() - len(evidence)
    return BoardEvidence(evidence, tuple(numbers), watermark, by_judges)
