"""Held-out scores: against the sums written out, and against what is known of the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ranking.engines import posterior
from ranking.engines.errors import EngineError, FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.held_out import held_out
from ranking.engines.plackett_luce import fit
from tests.ranking.engines.ballots import evidence_of, names, simulated


def oracle(theta: np.ndarray):
    """An engine that knows the truth."""

    def known(evidence: Evidence) -> Fit:
        count = len(theta)
        return Fit("oracle", evidence.items, theta - theta.mean(), np.zeros((count, count)), evidence.shown(),
                   len(evidence), {}, True, 0)  # fmt: skip

    return known


def test_the_scores_are_the_sums_over_held_out_pairs() -> None:
    theta = np.array([0.7, 0.0, -0.7])
    evidence = evidence_of([([0, 1, 2], [1, 2, 2]), ([1, 0], [1, 2])] * 5, 3, weight=np.tile([2.0, 1.0], 5))
    found = held_out(evidence, oracle(theta), folds=2)
    p = 1 / (1 + math.exp(-0.7)), 1 / (1 + math.exp(-1.4))
    # weight 2: c0 over c1, c0 over c2, c1 and c2 tied; weight 1: c1 over c0
    brier = [2 * (1 - p[0]) ** 2, 2 * (1 - p[1]) ** 2, (1 - p[0]) ** 2 + p[0] ** 2, p[0] ** 2]
    logs = [-2 * math.log(p[0]), -2 * math.log(p[1]), -(math.log(p[0]) + math.log(1 - p[0])), -math.log(1 - p[0])]
    assert found.pairs == 35
    assert found.brier.value == pytest.approx(sum(brier) / 7)
    assert found.log_score.value == pytest.approx(sum(logs) / 7)
    assert found.accuracy.value == pytest.approx((2 + 2 + 1 + 0) / 7)
    assert [(row.low, row.pairs) for row in found.bins] == [(0.6, 25.0), (0.8, 10.0)]
    assert found.bins[0].observed == pytest.approx((2 + 1) / 5)
    assert found.bins[1].observed == 1.0


def test_what_is_predicted_was_not_fitted_on() -> None:
    rng = np.random.default_rng(0)
    evidence = simulated(np.zeros(5), 60, 2, rng)
    seen: list[int] = []

    def watched(train: Evidence) -> Fit:
        seen.append(len(train))
        return fit(train)

    found = held_out(evidence, watched, folds=4, rng=rng)
    assert seen == [45] * 4
    assert found.brier.value > 0.25 - 2 * found.brier.error  # nothing to learn: not better than a coin


def test_voters_stay_together() -> None:
    rng = np.random.default_rng(1)
    plain = simulated(np.zeros(4), 40, 2, rng)
    evidence = Evidence.from_arrays(plain.items, plain.slots, plain.ranks, offsets=plain.offsets,
                                    voters=[f"v{ballot % 8}" for ballot in range(40)])  # fmt: skip

    def watched(train: Evidence) -> Fit:
        assert len(np.unique(train.voters.index)) == 6
        assert len(train) == 30
        return fit(train)

    assert held_out(evidence, watched, folds=4).unit == "voter"
    with pytest.raises(FitError, match="folds must lie between 2 and the 8 voters"):
        held_out(evidence, folds=9)
    assert held_out(evidence, folds=9, unit="ballot").folds == 9


def test_a_true_model_is_calibrated_and_an_overconfident_one_is_caught() -> None:
    rng = np.random.default_rng(2)
    theta = rng.normal(0, 1, 12)
    evidence = simulated(theta, 3000, 4, rng)
    honest = held_out(evidence)
    assert honest.engine == "plackett-luce"
    assert sum(row.off for row in honest.bins) <= 1
    assert honest.brier.value < 0.25
    truth = held_out(evidence, oracle(theta))
    assert honest.brier.value - truth.brier.value < 0.005
    loud = held_out(evidence, oracle(2 * theta))
    assert sum(row.off for row in loud.bins) >= 4
    assert loud.log_score.value > truth.log_score.value + 3 * truth.log_score.error


def test_engines_and_options_by_name() -> None:
    rng = np.random.default_rng(3)
    evidence = simulated(rng.normal(0, 1, 5), 80, 2, rng)
    first = held_out(evidence, "bradley-terry", 3, options={"prior_sd": 1.0})
    second = held_out(evidence, "plackett-luce", 3, options={"prior_sd": 1.0})
    assert first.brier.value == pytest.approx(second.brier.value, abs=1e-9)  # the same model on pairs
    with pytest.raises(EngineError, match="no option colour"):
        held_out(evidence, options={"colour": "red"})


def test_errors_over_clusters_are_wider_when_ballots_repeat() -> None:
    rng = np.random.default_rng(4)
    once = simulated(rng.normal(0, 1, 5), 60, 2, rng)
    slots, ranks = np.tile(once.slots.reshape(-1, 2), (9, 1)), np.tile(once.ranks.reshape(-1, 2), (9, 1))
    voters = [f"v{ballot % 60}" for ballot in range(540)]
    repeated = Evidence.from_arrays(names(5), slots, ranks, voters=voters)
    theta = fit(once).mean
    grouped, apart = (held_out(repeated, oracle(theta), unit=unit) for unit in ("voter", "ballot"))
    assert grouped.brier.value == pytest.approx(apart.brier.value)
    assert grouped.brier.error == pytest.approx(3 * apart.brier.error, rel=0.02)


def test_nothing_to_predict_is_refused() -> None:
    with pytest.raises(FitError, match="nothing to predict"):
        held_out(evidence_of([([0, 1], [None, None])] * 3, 2))
    with pytest.raises(FitError, match="unit must be"):
        held_out(evidence_of([([0, 1], [1, 2])] * 3, 2), unit="day")
    assert posterior.wins(fit(evidence_of([([0, 1], [1, 2])], 2)))[0, 1] > 0.5
