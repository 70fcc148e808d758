"""The port through which the arena learns what is believed about strengths."""

from __future__ import annotations

import numpy as np

from arena.matchmaking.beliefs import Beliefs, UniformBeliefs

KNOWN = Beliefs(
    contestants=np.array([7, 3, 9]),
    mean=np.array([0.5, -0.25, -0.25]),
    covariance=np.array([[0.4, 0.1, 0.0], [0.1, 0.3, 0.2], [0.0, 0.2, 0.6]]),
    ballots=np.array([11, 12, 13]),
    prior_sd=2.0,
)


def test_the_default_knows_nothing() -> None:
    beliefs = UniformBeliefs().beliefs(1).of([5, 3])

    assert beliefs.mean.tolist() == [0, 0]
    assert beliefs.covariance.tolist() == [[1, 0], [0, 1]]


def test_beliefs_about_some_come_in_the_order_asked_for() -> None:
    some = KNOWN.of([9, 7])

    assert some.contestants.tolist() == [9, 7]
    assert some.mean.tolist() == [-0.25, 0.5]
    assert some.covariance.tolist() == [[0.6, 0.0], [0.0, 0.4]]


def test_a_newcomer_has_the_prior_and_goes_with_nobody() -> None:
    some = KNOWN.of([3, 100, 9])

    assert some.mean.tolist() == [-0.25, 0, -0.25]
    assert some.covariance.tolist() == [[0.3, 0, 0.2], [0, 4, 0], [0.2, 0, 0.6]]
    assert some.ballots.tolist() == [12, 0, 13]


def test_asking_changes_nothing() -> None:
    before = KNOWN.covariance.copy()
    KNOWN.of([3]).covariance[0, 0] = 99

    assert np.array_equal(KNOWN.covariance, before)
