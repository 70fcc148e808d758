"""Published leaderboards and other people's solvers, on the same ballots.

A prior a thousand logits wide changes no printed digit, so the posterior mode is then the maximum-likelihood estimate.
"""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from ranking.engines.evidence import Evidence
from ranking.engines.interchange import read_ballots
from ranking.engines.plackett_luce import fit
from tests.ranking.engines.ballots import names, shared_data, simulated
from tests.ranking.engines.nascar import CAMERON, LOG_WORTH, PRINTED, nascar

choix = pytest.importorskip("choix")
FLAT = 1000.0


def shares(evidence: Evidence) -> dict[str, float]:
    """Worth that sums to one, the scale on which Bradley-Terry scores are usually printed."""
    worth = np.exp(fit(evidence, prior_sd=FLAT).mean)
    return dict(zip(evidence.items, (worth / worth.sum()).tolist(), strict=True))


def test_llmfao_has_the_published_order_and_scores() -> None:
    """59 contestants, 8,931 crowd pairs, ties as half a win each way; dustalov/llmfao, data CC BY 4.0."""
    with shared_data("ballots/llmfao.jsonl").open("rb") as file:
        found = read_ballots(file)
    assert (len(found.ballots), found.problems, found.oddities) == (8931, (), ())
    score = shares(Evidence.from_ballots(found.ballots))
    published = json.loads(shared_data("llmfao/published_leaderboard.json").read_text())["humans"]
    assert [row[0] for row in published] == sorted(score, key=lambda item: -score[item])
    assert max(abs(score[item] - value) for item, value, *_ in published) < 1e-5
    golden = golden_scores("llmfao/evalica-llmfao-golden.csv")
    assert max(abs(score[item] - value) for item, value in golden.items()) < 1e-8


def test_a_season_of_races_has_its_printed_worths() -> None:
    score = shares(nascar())
    log_worth = {driver: math.log(score[driver] / score[CAMERON]) for driver in LOG_WORTH}

    assert {driver: round(score[driver], 4) for driver in PRINTED} == PRINTED
    assert {driver: round(value, 2) for driver, value in log_worth.items()} == LOG_WORTH


def golden_scores(name: str) -> dict[str, float]:
    with shared_data(name).open() as file:
        return {row["item"]: float(row["score"]) for row in csv.DictReader(file) if row["algorithm"] == "bradley_terry"}


@pytest.mark.parametrize("name", ["food", "simple"])
def test_toy_ballots_have_their_golden_scores(name) -> None:
    with shared_data(f"evalica_toy/{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    items = sorted({row[side] for row in rows for side in ("left", "right")})
    outcome = [{"left": 1, "right": -1, "tie": 0}[row["winner"]] for row in rows]
    first, second = ([items.index(row[side]) for row in rows] for side in ("left", "right"))
    score = shares(Evidence.from_pairs(items, first, second, outcome))
    golden = golden_scores(f"evalica_toy/{name}-golden.csv")
    assert score == pytest.approx(golden, abs=1e-6)


@pytest.mark.parametrize("known", [None, 1])
def test_rankings_and_best_of_four_agree_with_choix(known) -> None:
    rng = np.random.default_rng(0)
    evidence = simulated(rng.normal(0, 1, 10), 500, 4, rng, known=known)
    ballots = list(zip(evidence.slots.reshape(-1, 4), evidence.ranks.reshape(-1, 4), strict=True))
    if known is None:
        expected = choix.opt_rankings(10, [slots[np.argsort(ranks)] for slots, ranks in ballots])
    else:
        expected = choix.opt_top1(10, [(slots[ranks == 1][0], slots[ranks != 1]) for slots, ranks in ballots])
    np.testing.assert_allclose(fit(evidence, prior_sd=FLAT).mean, expected - expected.mean(), atol=1e-5)


def test_a_gaussian_prior_agrees_with_the_penalty_of_choix() -> None:
    rng = np.random.default_rng(1)
    first, second = np.array([rng.choice(6, 2, replace=False) for _ in range(80)]).T
    expected = choix.opt_pairwise(6, list(zip(first, second, strict=True)), alpha=1 / 0.7**2 / 2)
    found = fit(Evidence.from_pairs(names(6), first, second, np.ones(80, int)), prior_sd=0.7)
    np.testing.assert_allclose(found.mean, expected - expected.mean(), atol=1e-5)
