"""Learners believe what the engine they stand for says."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.engines.errors import EngineError
from ranking.engines.evidence import Evidence
from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.fitted import Fitted
from ranking.engines.laboratory.learners import Learner, PlackettLuce
from ranking.engines.laboratory.naming import LIVE, Named, learner, parsed, policy
from ranking.engines.registry import engine_named

COUNT = 6


def ballots(number: int, size: int = 3, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    theta = np.linspace(-1, 1, COUNT)
    found = []
    for _ in range(number):
        members = rng.choice(COUNT, size, replace=False).astype(np.int32)
        order = np.argsort(-(theta[members] + rng.gumbel(size=size)))
        ranks = np.empty(size, np.int32)
        ranks[order] = np.arange(1, size + 1)
        found.append((members, ranks))
    return found


def taught(made: Learner, given: list[tuple[np.ndarray, np.ndarray]]) -> Learner:
    for number, (members, ranks) in enumerate(given):
        made.update(members, ranks, number // 10)
    return made


def evidence(given: list[tuple[np.ndarray, np.ndarray]]) -> Evidence:
    slots, ranks = (np.stack(part) for part in zip(*given, strict=True))
    return Evidence.from_arrays([f"c{number}" for number in range(COUNT)], slots, ranks)


@pytest.mark.parametrize("name", ["elo", "ksort", "trueskill"])
def test_an_update_is_that_of_the_engine_of_the_same_name(name: str) -> None:
    given = ballots(60)
    made = taught(learner(Named(name), COUNT), given)
    np.testing.assert_allclose(made.mean(), engine_named(name).fit(evidence(given)).mean, atol=1e-9)


def test_the_deployed_k_sort_is_the_variant_of_the_engine() -> None:
    given = ballots(60)
    made = taught(learner(Named("ksort-deployed"), COUNT), given)
    fit = engine_named("ksort").fit(evidence(given), variant="deployed")
    np.testing.assert_allclose(made.mean(), fit.mean, atol=1e-9)
    np.testing.assert_allclose(made.covariance(), fit.covariance, atol=1e-9)


def test_the_default_engine_settles_on_the_batch_fit() -> None:
    given = ballots(50)
    made = taught(PlackettLuce(COUNT), given)
    live = made.mean().copy()
    made.settle()
    fit = engine_named("plackett-luce").fit(evidence(given))
    np.testing.assert_allclose(made.mean(), fit.mean, atol=1e-6)
    assert 0 < np.abs(live - fit.mean).max() < 0.3


def test_the_default_engine_refits_at_its_ratio_and_never_where_told_so() -> None:
    class Counted(PlackettLuce):
        fits = 0

        def settle(self) -> None:
            self.fits += 1
            super().settle()

    counts = []
    for refit in (0.0, 1.5, 3.0):
        made = Counted(COUNT, refit=refit)
        taught(made, ballots(100))
        counts.append(made.fits)
    assert counts == [0, 4, 2]  # at 20, 30, 45, 68 and at 20, 60


def test_a_learner_that_judges_voters_believes_a_random_one_less() -> None:
    rng = np.random.default_rng(3)
    made, members = PlackettLuce(COUNT, voters=True), np.arange(4, dtype=np.int32)
    for number in range(240):
        ranks = np.array([4, 3, 2, 1], np.int32) if number % 6 else rng.permutation(4).astype(np.int32) + 1
        made.update(members, ranks, number % 6)
    made.settle()
    honest, random = (made._opinion.of(members, np.array([1, 2, 3, 4], np.int32), voter)[2] for voter in (1, 0))
    assert random < 0.2 < 0.9 < honest


@pytest.mark.parametrize("name", ["bradley-terry", "borda", "rank-centrality"])
def test_a_registered_engine_fits_all_ballots(name: str) -> None:
    given = ballots(80)
    made = taught(Fitted(name, COUNT), given)
    fit = engine_named(name).fit(evidence(given))
    np.testing.assert_allclose(made.mean(), fit.mean, atol=1e-6)
    assert made.unit == fit.unit
    assert not made.cheap


def test_draws_become_a_covariance() -> None:
    made = taught(Fitted("copeland", COUNT), ballots(80))
    covariance = made.covariance()
    assert covariance is not None
    assert covariance.shape == (COUNT, COUNT)
    assert np.linalg.eigvalsh(covariance).max() > 0


def test_an_engine_that_refuses_the_first_ballots_has_said_nothing() -> None:
    made = Fitted("rank-centrality", COUNT)
    made.update(np.array([0, 1], np.int32), np.array([1, 2], np.int32), 0)
    with pytest.raises(EngineError):
        engine_named("rank-centrality").fit(evidence([(np.array([0, 1]), np.array([1, 2]))]))
    assert made.mean().tolist() == [0.0] * COUNT


def test_probits_are_not_compared_with_logits() -> None:
    assert taught(Fitted("thurstone", COUNT), ballots(30)).unit == "score"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("abacus", "there is no engine 'abacus' to simulate; there are: plackett-luce, elo"),
        ("elo:speed=3", "elo has no option 'speed'; there are: k_factor"),
        ("ksort-deployed:count=3", "ksort-deployed has no option 'count'; there are: none"),
        ("elo:k_factor=high", "k_factor of elo must be a number, not high"),
        ("elo:k_factor=true", "k_factor of elo must be a number, not True"),
        ("elo:k_factor=0", "k_factor of elo must be 1e-06 to 1e"),
        ("plackett-luce:prior_sd=-1", "prior_sd of plackett-luce must be 0 or 1e-06"),
        ("plackett-luce:start_sd=nan", "start_sd of plackett-luce"),
        ("plackett-luce:refit=0.5", "refit of plackett-luce must be above 1, or 0"),
        ("plackett-luce:voters=3", "voters of plackett-luce must be true or false"),
        ("trueskill:draw_probability=1", "draw_probability must be at least 0 and below 1"),
        ("trueskill:tau=-1", "tau of trueskill"),
        ("copeland:samples=1.5", "samples of copeland must be a whole number, not 1.5"),
        ("bradley-terry:prior_sd=wide", "prior_sd of bradley-terry must be a number, not wide"),
        ("bradley-terry:prior_sd=-1", "prior standard deviation"),
        ("borda:start=1", "borda has no option 'start'; there are: intervals"),
    ],
)
def test_an_engine_or_option_that_makes_no_sense_is_refused(written: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        learner(parsed(written), COUNT)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("fixed-weights", "there is no policy 'fixed-weights' to simulate"),
        ("misorder:variant=1", "variant of misorder must be a word"),
        ("misorder:top_weight=much", "top_weight of misorder must be a number"),
        ("misorder:width=1", "misorder has no parameter 'width'"),
        ("ksort:pivot=best", "pivot must be least-shown or random"),
    ],
)
def test_a_policy_or_parameter_that_makes_no_sense_is_refused(written: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        policy(parsed(written))


@pytest.mark.parametrize("written", ["elo:", "elo:k_factor", "elo:=3", "elo:k_factor=", "elo:k_factor=1,k_factor=2"])
def test_what_is_not_a_name_with_options_is_refused(written: str) -> None:
    if written == "elo:":
        assert parsed(written) == Named("elo")
        return
    with pytest.raises(LaboratoryError):
        parsed(written)


def test_a_name_is_written_as_it_is_read() -> None:
    for text in ("elo", "elo:k_factor=16", "plackett-luce:voters=true,prior_sd=0.5", "misorder:variant=row"):
        assert str(parsed(text)) == text


@pytest.mark.parametrize(("name", "module"), [("openskill-package", "openskill"), ("trueskill-package", "trueskill")])
class TestPackages:
    def test_learn_the_order(self, name: str, module: str) -> None:
        made = taught(learner(Named(name), COUNT), ballots(300))
        assert np.corrcoef(made.mean(), np.arange(COUNT))[0, 1] > 0.8
        covariance = made.covariance()
        assert covariance is not None
        assert (np.diag(covariance) < np.diag(learner(Named(name), COUNT).covariance())).all()

    def test_know_no_places_left_open(self, name: str, module: str) -> None:
        with pytest.raises(LaboratoryError, match="places left open"):
            LIVE[name](COUNT).update(np.arange(3, dtype=np.int32), np.array([1, 0, 0], np.int32), 0)

    def test_are_named_where_they_are_missing(self, name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ranking.engines.laboratory.packages.import_module", _missing)
        with pytest.raises(LaboratoryError, match=f"{name} needs the package {module}: pip install {module}"):
            learner(Named(name), COUNT)


def _missing(name: str) -> None:
    raise ImportError(name)
