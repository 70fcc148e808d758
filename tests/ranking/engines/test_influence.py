"""How few ballots decide first place: against trying every set, and always checked by a refit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ranking.engines import posterior
from ranking.engines.errors import FitError
from ranking.engines.evidence import Evidence
from ranking.engines.influence import influence
from ranking.engines.plackett_luce import fit
from ranking.engines.registry import engine_named
from tests.ranking.engines.ballots import evidence_of, names, simulated


def leader(evidence: Evidence, **options: float) -> str:
    found = fit(evidence, **options)
    return found.items[posterior.order(found)[0]]


def fewest(evidence: Evidence, most: int) -> int | None:
    """The least number of ballots to drop, by trying every set."""
    now = leader(evidence, prior_sd=1.0)
    for count in range(1, most + 1):
        for chosen in combinations(range(len(evidence)), count):
            if leader(evidence.take(np.delete(np.arange(len(evidence)), chosen)), prior_sd=1.0) != now:
                return count
    return None


def test_the_count_is_the_least_or_nearly_and_never_below_it() -> None:
    rng = np.random.default_rng(9)
    excess = []
    for _ in range(12):
        evidence = simulated(rng.normal(0, 0.5, 4), 14, 3, rng)
        found = influence(evidence, fit(evidence, prior_sd=1.0))
        least = fewest(evidence, 3)
        if least is None:
            assert found.count is None or found.count > 3
        else:
            excess.append(found.count - least)
    assert len(excess) >= 8
    assert min(excess) >= 0
    assert max(excess) <= 1
    assert np.mean(np.array(excess) == 0) >= 0.75


@pytest.mark.parametrize("how", ["drop", "reverse"])
def test_the_named_ballots_do_it(how) -> None:
    rng = np.random.default_rng(3)
    evidence = simulated(rng.normal(0, 0.4, 8), 1500, 4, rng)
    found = influence(evidence, how=how)
    assert found.verified
    assert found.leader == leader(evidence)
    mask = np.zeros(len(evidence), bool)
    mask[found.ballots] = True
    assert mask.sum() == found.count == found.weight
    if how == "drop":
        changed = evidence.take(~mask)
    else:
        inside = np.repeat(mask, np.diff(evidence.offsets))
        changed = Evidence.from_arrays(
            evidence.items, evidence.slots, np.where(inside, -evidence.ranks, evidence.ranks), offsets=evidence.offsets
        )
    assert leader(changed) == found.new_leader != found.leader
    assert found.count <= 1.5 * found.approximate + 2
    assert found.new_leader in found.sentence()
    assert str(found.count) in found.sentence()


def test_reversing_takes_fewer_than_dropping() -> None:
    rng = np.random.default_rng(12)
    evidence = simulated(rng.normal(0, 0.5, 6), 800, 3, rng)
    assert influence(evidence, how="reverse").count < influence(evidence, how="drop").count


def test_a_tight_race_hangs_on_one_ballot() -> None:
    ballots = [([0, 1], [1, 2])] * 51 + [([1, 0], [1, 2])] * 50 + [([0, 2], [1, 2]), ([1, 2], [1, 2])] * 5
    found = influence(evidence_of(ballots, 3))
    assert found.count in (1, 2)  # a drop that only draws level gives first place by name alone
    assert found.new_leader == "c1"
    assert set(found.ballots.tolist()) <= set(range(51)) | set(range(101, 111, 2))


def test_a_leader_nobody_ever_beat_cannot_be_dropped_below_the_others() -> None:
    ballots = [([0, 1], [1, 2]), ([0, 2], [1, 2])] * 4
    found = influence(evidence_of(ballots, 3), fit(evidence_of(ballots, 3), prior_sd=1.0))
    assert found.count is None  # without any ballot all are level and the first name leads
    assert not found.verified
    assert "does not take first place from c0" in found.sentence()


def test_weights_are_reported() -> None:
    ballots = [([0, 1], [1, 2]), ([0, 1], [1, 2]), ([1, 0], [1, 2])]
    found = influence(evidence_of(ballots, 2, weight=np.array([5.0, 1.0, 3.0])))
    assert found.ballots.tolist() == [0]
    assert (found.count, found.weight) == (1, 5.0)


def test_what_it_cannot_judge_is_refused() -> None:
    evidence = evidence_of([([0, 1], [1, 2])], 2)
    with pytest.raises(FitError, match="how must be drop or reverse"):
        influence(evidence, how="burn")
    with pytest.raises(FitError, match="needs a fit of plackett-luce, not of bradley-terry"):
        influence(evidence, engine_named("bradley-terry").fit(evidence))
    with pytest.raises(FitError, match="not have the same contestants"):
        influence(evidence, fit(evidence_of([([0, 1], [1, 2])], 3)))
    with pytest.raises(FitError, match="two contestants"):
        influence(Evidence.from_arrays(names(1), np.empty((0, 2), int), np.empty((0, 2), int)))
