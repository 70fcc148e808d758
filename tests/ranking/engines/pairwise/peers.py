"""Golden files and peers in the form of our evidence."""

from __future__ import annotations

import csv

from ranking.engines.evidence import Evidence
from ranking.engines.interchange import BallotReader
from tests.ranking.engines.ballots import shared_data

OUTCOME = {"left": 1, "right": -1, "tie": 0}


def toy(name: str) -> tuple[Evidence, dict[str, dict[str, float]]]:
    """One of evalica's two toy files, and its golden scores by method and item."""
    with shared_data(f"evalica_toy/{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    items = sorted({row[side] for row in rows for side in ("left", "right")})
    evidence = Evidence.from_pairs(
        items,
        [items.index(row["left"]) for row in rows],
        [items.index(row["right"]) for row in rows],
        [OUTCOME[row["winner"]] for row in rows],
    )
    return evidence, _golden(f"evalica_toy/{name}-golden.csv")


def llmfao() -> Evidence:
    with shared_data("ballots/llmfao.jsonl").open("rb") as file:
        return Evidence.from_ballots(BallotReader(file))


def llmfao_golden() -> dict[str, dict[str, float]]:
    return _golden("llmfao/evalica-llmfao-golden.csv")


def _golden(path: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    with shared_data(path).open() as file:
        for row in csv.DictReader(file):
            found.setdefault(row["algorithm"], {})[row["item"]] = float(row["score"])
    return found
