"""What is known of an arena, assembled from its parts and kept up to date between two readings."""

from __future__ import annotations

import numpy as np
import pytest

from arena.matchmaking.knowledge import FADING, Recent, assemble, covered
from ranking.engines.matchmaking.in_flight import expect
from ranking.engines.matchmaking.situation import Played
from tests.arena.matchmaking.stages import knowledge, stock

READY = [[1, 1, 1, 1], [1, 1, 0, 1]]
MEAN = np.array([-0.5, 0.0, 0.1, 0.4])
COVARIANCE = np.diag([0.4, 0.3, 0.2, 0.1])
NOBODY_NEW = np.zeros(4, np.bool_)


def recent(**fields: object) -> Recent:
    values = {
        "members": {1: (10, 11), 2: (11, 13), 3: (12, 99, 10)},  # 99 is paused by now
        "in_flight": (),
    }
    return Recent(**values | fields)  # type: ignore[arg-type]


def test_exposure_counts_the_recent_battles_of_those_who_are_still_there() -> None:
    known = assemble(stock(READY), recent(), MEAN, COVARIANCE, NOBODY_NEW)

    assert known.shown.tolist() == [2, 2, 1, 1]
    assert known.met[0].tolist() == [2, 1, 1, 0]
    assert (known.met == known.met.T).all()
    assert known.covariance is COVARIANCE


def test_what_open_battles_will_tell_is_taken_off_already() -> None:
    known = assemble(stock(READY), recent(in_flight=(1, 77)), MEAN, COVARIANCE, NOBODY_NEW)

    assert np.allclose(known.covariance, expect(MEAN, COVARIANCE, [0, 1]))
    assert known.mean is MEAN


def test_a_battle_that_is_noted_counts_like_one_that_is_read() -> None:
    known = assemble(stock(READY), recent(), MEAN, COVARIANCE, NOBODY_NEW)
    read = assemble(
        stock(READY),
        recent(members=recent().members | {4: (10, 13)}, in_flight=(4,)),
        MEAN,
        COVARIANCE,
        NOBODY_NEW,
    )

    known.note(1, [0, 3])

    assert np.allclose(known.covariance, read.covariance)
    assert (known.shown == read.shown).all()
    assert known.busy.tolist() == read.busy.tolist() == [1, 0, 0, 1]
    assert (known.met == read.met).all()
    assert known.stock.judged.tolist() == [0, 1]


def test_a_situation_has_those_alone_who_are_ready_on_the_prompt() -> None:
    known = knowledge(READY)
    situation, here = known.situation(1, 2, forbidden=[frozenset({10, 13}), frozenset({10, 12})])

    assert here.tolist() == [0, 1, 3]
    assert situation.mean.tolist() == known.mean[[0, 1, 3]].tolist()
    assert situation.forbidden == (frozenset({0, 2}),), "a set with somebody who is not there cannot come again"


def test_a_voter_is_tired_of_whom_it_has_just_seen() -> None:
    lately = [frozenset({10, 11}), frozenset({11, 12})]
    situation, _ = knowledge(READY).situation(0, 2, lately=lately)

    assert situation.fatigue is not None
    assert situation.fatigue.tolist() == pytest.approx([1 / (1 + FADING), 1 / (2 + FADING), 1 / 2, 1])


def test_equal_words_are_conflicts_and_no_word_is_none() -> None:
    situation, _ = knowledge(READY, apart=("a", "", "a", "")).situation(0, 2)

    assert situation.conflicts is not None
    assert np.argwhere(situation.conflicts).tolist() == [[0, 2], [2, 0]]
    assert knowledge(READY).situation(0, 2)[0].conflicts is None


def test_rounds_are_those_of_the_prompt_with_their_winners() -> None:
    rounds = {100: (Played(frozenset({10, 11}), 11), Played(frozenset({12, 99, 10}), 99))}
    known = assemble(stock(READY), recent(), MEAN, COVARIANCE, NOBODY_NEW, rounds)
    situation, _ = known.situation(0, 2)

    assert [(sorted(played.members), played.winner) for played in situation.rounds] == [([0, 1], 1), ([0, 2], None)]
    assert known.situation(1, 2)[0].rounds == ()


def test_the_worth_of_a_prompt_is_that_of_its_least_known_contestants() -> None:
    known = knowledge([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    known.covariance = np.diag([0.01, 0.01, 2.0, 2.0])
    worth = known.worth(2)

    assert worth[0] < worth[1] == pytest.approx(worth[2])


class TestCoverage:
    def test_a_newcomer_waits_for_its_share_of_what_the_median_has(self) -> None:
        ready = np.zeros((8, 4), np.bool_)
        ready[:, :3] = True
        ready[:1, 3] = True
        assert covered(ready, 0.25).tolist() == [True, True, True, False]
        ready[:2, 3] = True
        assert covered(ready, 0.25).all()

    def test_nobody_waits_while_all_are_made_side_by_side(self) -> None:
        ready = np.zeros((500, 4), np.bool_)
        ready[0] = True
        assert covered(ready, 1.0).all()

    def test_those_without_any_output_do_not_count(self) -> None:
        """Contestants of imported ballots have none and never will."""
        ready = np.zeros((8, 9), np.bool_)
        ready[:, :2] = True
        ready[0, 2] = True
        assert covered(ready, 0.25).tolist() == [True, True, False] + [False] * 6

    def test_nothing_is_asked_where_nothing_is_there(self) -> None:
        assert covered(np.zeros((8, 0), np.bool_), 0.5).tolist() == []
        assert covered(np.zeros((0, 3), np.bool_), 0.5).all()
