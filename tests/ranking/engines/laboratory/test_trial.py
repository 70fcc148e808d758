"""A trial: seeds, curves and marks, who is eligible when, and what it reports at the end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ranking.engines.laboratory import trial
from ranking.engines.laboratory.ballots import Form
from ranking.engines.laboratory.contestants import Field
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.naming import CHOICES, ENGINES_TO_SIMULATE, parsed
from ranking.engines.laboratory.trial import Setup, Trial, checkpoints, run
from ranking.engines.laboratory.voters import Electorate
from ranking.engines.matchmaking.choosing import NO_RULES

SMALL = Setup(Field("equal", 8, 1.5), Electorate("true"), Form("rank", 3), ballots=60, step=1.2)


def same(one: Trial, two: Trial) -> bool:
    return repr(vars(one)) == repr(vars(two))


def test_the_same_seed_gives_the_same_trial_and_another_seed_another() -> None:
    noisy = replace(SMALL, electorate=Electorate(random=0.1))
    assert same(run(noisy, 3), run(noisy, 3))
    assert not same(run(noisy, 3), run(noisy, 4))


def test_contestants_and_electorate_are_those_of_the_seed_whatever_rates_and_chooses() -> None:
    one, two = (
        trial._Course(replace(SMALL, engine=parsed(engine), policy=parsed(policy)), 5)
        for engine, policy in (("plackett-luce", "misorder"), ("elo", "uniform"))
    )
    np.testing.assert_array_equal(one.theta, two.theta)
    np.testing.assert_array_equal(one.voters.of, two.voters.of)
    assert one.voters.target == two.voters.target


def test_voters_who_are_always_right_lead_to_the_order() -> None:
    found = run(SMALL, 0)
    assert found.tau[-1] == 1
    assert found.top_1[-1] == found.top_5[-1] == 1
    assert found.exact is not None
    assert found.exact_once is not None
    assert found.exact_once <= found.exact < 60
    after = found.tau[found.marks >= found.exact]
    assert (after == 1).all()
    assert found.tau[np.searchsorted(found.marks, found.exact_once) - 1] < 1


def test_random_voters_lead_nowhere_and_exact_is_never() -> None:
    found = [run(replace(SMALL, electorate=Electorate(random=1.0), ballots=100), seed) for seed in range(8)]
    assert abs(np.mean([each.tau[-1] for each in found])) < 0.35
    assert [each.exact for each in found] == [None] * 8


def test_the_order_is_right_from_the_ballot_after_which_it_was_never_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True, False, True, True])
    monkeypatch.setattr(trial.measures, "is_exact", lambda found, order: next(answers))
    found = run(replace(SMALL, ballots=5), 0)
    assert (found.exact, found.exact_once) == (4, 2)


def test_an_engine_that_fits_again_is_asked_at_the_marks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(trial.measures, "is_exact", lambda found, order: bool(asked.append(True)) or len(asked) > 2)
    found = run(replace(SMALL, engine=parsed("borda"), policy=parsed("uniform"), rules=NO_RULES), 0)
    assert len(asked) == len(found.marks)
    assert found.exact == found.exact_once == found.marks[2]


@pytest.mark.parametrize("engine", [name for name in ENGINES_TO_SIMULATE if not name.endswith("-package")])
def test_every_engine_can_be_simulated_and_learns(engine: str) -> None:
    setup = replace(SMALL, engine=parsed(engine), policy=parsed("uniform"), rules=NO_RULES, step=3.0)
    found = run(setup, 1)
    assert found.tau[-1] > 0.5
    assert 0 <= found.least_shown <= 1
    assert (found.rmse is None) == (found.covered_strengths is None) or engine == "elo"


@pytest.mark.parametrize("policy", CHOICES)
def test_every_policy_can_be_simulated(policy: str) -> None:
    found = run(replace(SMALL, policy=parsed(policy), ballots=40), 2)
    assert found.tau[-1] > 0.4
    assert found.least_shown > 0


@pytest.mark.parametrize("form", [Form("pair", 2), Form("best", 4), Form("best-worst", 4), Form("ties", 4)])
def test_every_form_of_ballot_can_be_simulated(form: Form) -> None:
    found = run(replace(SMALL, form=form, ballots=120), 0)
    assert found.tau[-1] > 0.6


class TestNewcomers:
    FIELD = Field("equal", 8, 1.5, newcomers=2, joins=30)
    SETUP = replace(SMALL, contestants=FIELD, ballots=100)

    def test_are_shown_after_they_joined_and_not_before(self) -> None:
        course = trial._Course(self.SETUP, 0)
        seen: list[int] = []
        chosen = course._chosen

        def noted() -> np.ndarray:
            members = chosen()
            seen.append(int(members.max()))
            return members

        course._chosen = noted  # type: ignore[method-assign]
        course.run()
        assert max(seen[:30]) < 6
        assert max(seen[30:]) == 7

    def test_their_rank_error_is_taken_after_so_many_ballots_with_them(self) -> None:
        found = run(self.SETUP, 0)
        assert set(found.placed) <= set(trial.PLACED_AT)
        assert 10 in found.placed
        assert found.placed[10] <= 2

    def test_an_order_that_was_right_without_them_does_not_count(self) -> None:
        found = run(self.SETUP, 0)
        assert found.exact_once is not None
        assert found.exact_once > 30


def test_a_tournament_goes_on_until_one_is_left_and_then_begins_anew() -> None:
    course = trial._Course(replace(SMALL, policy=parsed("tournament"), rules=NO_RULES, form=Form("rank", 2)), 0)
    lengths: list[int] = []
    play = course._play

    def noted(members: np.ndarray, ranks: np.ndarray) -> None:
        play(members, ranks)
        lengths.append(len(course.rounds))

    course._play = noted  # type: ignore[method-assign]
    course.run()
    assert lengths[:15] == [1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1]  # eight contestants, seven battles


def test_a_tied_battle_of_a_tournament_is_played_again() -> None:
    course = trial._Course(replace(SMALL, policy=parsed("tournament")), 0)
    course._play(np.array([0, 1, 2]), np.array([1, 1, 2], np.int32))
    assert (course.rounds, course.out) == ([], set())


def test_what_a_bloc_favours_rises() -> None:
    setup = replace(SMALL, electorate=Electorate(each=5), ballots=150)
    fair, bought = run(setup, 6), run(replace(setup, electorate=Electorate(each=5, bloc=0.6)), 6)
    assert bought.target_place < fair.target_place


def test_checkpoints_are_a_ratio_apart_and_end_with_the_last_ballot() -> None:
    assert checkpoints(10, 1.5).tolist() == [1, 2, 3, 4, 6, 9, 10]
    assert checkpoints(5, 1.0001).tolist() == [1, 2, 3, 4, 5]
    assert checkpoints(1, 2).tolist() == [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ballots": 0}, "ballots must be 1 to 1000000, not 0"),
        ({"step": 1.0}, "factor above 1"),
        ({"step": math.inf}, "at most 1000 apart"),
        ({"step": math.nan}, "factor above 1"),
        ({"form": Form("rank", 8), "contestants": Field(count=7)}, "battles of 8 need as many contestants"),
        ({"contestants": Field(count=8, newcomers=6)}, "at the start there are 2"),
        ({"contestants": Field(count=8, newcomers=1, joins=60)}, "join after 60 ballots, but there are only 60"),
    ],
)
def test_a_setup_that_makes_no_sense_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(LaboratoryError, match=message):
        replace(SMALL, **wrong)
