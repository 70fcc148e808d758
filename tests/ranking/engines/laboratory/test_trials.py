"""Many trials: the same on one core as on several, and over at once when something ends them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranking.engines.laboratory import trials
from ranking.engines.laboratory.ballots import Form
from ranking.engines.laboratory.contestants import Field
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.naming import parsed
from ranking.engines.laboratory.trial import Setup
from ranking.engines.laboratory.voters import Electorate
from tests.ranking.engines.laboratory import endings

SMALL = Setup(Field("normal", 6, 1.0), Electorate(random=0.1), Form("rank", 3), ballots=30)
SETUPS = [SMALL, replace(SMALL, engine=parsed("elo"), policy=parsed("uniform"))]


def test_the_number_of_processes_does_not_change_the_result() -> None:
    one, two = (trials.run_all(SETUPS, [3, 1, 2], jobs=jobs) for jobs in (1, 2))
    assert [[trial.seed for trial in each] for each in one] == [[3, 1, 2], [3, 1, 2]]
    assert repr([[vars(trial) for trial in each] for each in one]) == repr(
        [[vars(trial) for trial in each] for each in two]
    )


def test_progress_hears_of_every_trial() -> None:
    heard: list[tuple[int, int]] = []
    trials.run_all(SETUPS, [0, 1], done=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_order_of_seeds_does_not_change_a_trial() -> None:
    (first,), (second,) = trials.run_all([SMALL], [1, 2]), trials.run_all([SMALL], [2, 1])
    np.testing.assert_array_equal(first[0].tau, second[1].tau)


def test_a_worker_that_is_killed_is_said_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_run", endings.killed)
    with pytest.raises(LaboratoryError, match="ended from outside"):
        trials.run_all([SMALL], [0, 1], jobs=2)


def test_what_a_worker_refuses_is_what_the_parent_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_run", endings.refused)
    with pytest.raises(LaboratoryError, match="seed 1 is not wanted"):
        trials.run_all([SMALL], [0, 1], jobs=2)
