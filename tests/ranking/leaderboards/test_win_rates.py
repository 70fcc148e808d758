"""Win rates by weighting and by the model: what they estimate, what they rest on, what they say of themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from arena.battles.models import Battle
from arena.catalogue.models import Arena, Contestant
from arena.voters.models import VoterKind
from ranking.engines.fit import Fit
from ranking.engines.matchmaking.policies import PolicyError
from ranking.engines.matchmaking.propensity import win_rates as weighted
from ranking.engines.posterior import wins
from ranking.leaderboards.actions import publish
from ranking.leaderboards.beliefs import unpack_posterior
from ranking.leaderboards.evidence import read_battles
from ranking.leaderboards.models import Leaderboard
from ranking.leaderboards.queries import leaderboard_of
from ranking.leaderboards.win_rates import board_with_posterior, interval, win_rates_of
from tests.ranking.engines.matchmaking.test_propensity import simulated_log, true_rates
from tests.ranking.leaderboards.battles import fight, vote_by_taste
from tests.ranking.leaderboards.conftest import Cast

STRENGTHS = np.array([1.6, 0.9, 0.3, -0.3, -0.9, -1.6])
EVERYTHING = 2**62


def published(arena: Arena) -> Leaderboard:
    publish(leaderboard_of(arena.pk))
    board = board_with_posterior(arena.pk)
    assert board is not None
    return board


def found(arena: Arena, **options: Any) -> dict[str, Any]:
    return win_rates_of(published(arena), **options)


def by_name(rates: dict[str, Any], key: str) -> dict[str, Any]:
    return {row["item"]: row[key] for row in rates["win_rates"]}


@pytest.mark.slow
class TestOnBattlesThatThePolicyChose:
    """300 battles of two by the default policy, a tenth of them for audit; what voters like is known."""

    @pytest.fixture
    def rates(
        self, ready_arena: Arena, contestants: list[Contestant], monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> dict[str, Any]:
        Arena.objects.update(battle_size=2, policy="misorder", audit_share=0.1)
        ready_arena.refresh_from_db()
        likings = {contestant.pk: float(liked) for contestant, liked in zip(contestants, STRENGTHS, strict=True)}
        vote_by_taste(ready_arena, likings, 300, 3, monkeypatch, settings)
        return found(ready_arena)

    def test_weighted_rates_agree_with_the_truth_and_plain_ones_do_not(
        self, rates: dict[str, Any], contestants: list[Contestant]
    ) -> None:
        beats = 1 / (1 + np.exp(STRENGTHS[None, :] - STRENGTHS[:, None]))
        truth = np.array([np.delete(beats[item], item).mean() for item in range(6)])

        def column(key: str) -> np.ndarray:
            return np.array([by_name(rates, key)[contestant.name] for contestant in contestants])

        assert rates["ballots"] == int(column("battles").sum() / 2) == 300
        assert set(Battle.objects.values_list("policy", flat=True)) == {"misorder"}
        # Plain: the strong meet the strong and lose more, the weak win more, both by far more than chance.
        plain = (column("as_shown") - truth) / np.sqrt(truth * (1 - truth) / column("battles"))
        assert (plain**2).sum() > 25, "chi-square with 6 degrees of freedom: 22.5 is one in a thousand"
        assert (plain * np.sign(STRENGTHS)).sum() / math.sqrt(6) < -3
        # Weighted: deviations as large as chance makes them, and intervals that know it.
        assert (((column("rate") - truth) / column("error")) ** 2).sum() < 22.5
        assert ((column("low") < truth) & (truth < column("high"))).all()
        # The model is right here, and far more precise.
        assert ((column("model_low") < truth) & (truth < column("model_high"))).sum() >= 5
        assert (column("model_high") - column("model_low")).max() < (column("high") - column("low")).min()
        # The stored probabilities are those that the battles were drawn with: weights are 1 on average.
        weights = np.array([row.uniform_probability / row.probability for row in Battle.objects.all()])
        assert abs(weights.mean() - 1) < 3.5 * weights.std() / math.sqrt(len(weights))
        assert weights.max() <= 10 * (1 + 1e-9)


@pytest.mark.slow
def test_intervals_hold_what_they_promise_and_standard_errors_alone_do_not() -> None:
    """100 logs of 60 battles of three among six, a fifth for audit: about six effective battles a contestant."""
    logs = [weighted(*simulated_log(seed, 60)) for seed in range(100)]
    ends = [interval(rates) for rates in logs]
    held = np.mean([(low <= true_rates()) & (true_rates() <= high) for low, high in ends])
    by_errors = np.mean([np.abs(rates.rate - true_rates()) <= 1.96 * rates.error for rates in logs])

    assert np.mean([rates.effective for rates in logs]) < 10
    assert held >= 0.95
    assert by_errors < 0.9


class TestTheWeightedRate:
    def test_counts_a_rare_battle_for_more(self, contestants: list[Contestant]) -> None:
        pair = contestants[:2]
        fight(pair, [1, 2], probability=0.2, uniform=0.1)
        fight(pair, [2, 1], probability=0.05, uniform=0.1)
        rates = found(contestants[0].arena)

        assert by_name(rates, "rate") == pytest.approx({"Quorndon": 0.8, "Zephyrine": 0.2})  # weights .5 and 2
        assert by_name(rates, "as_shown") == {"Quorndon": 0.5, "Zephyrine": 0.5}
        assert by_name(rates, "effective") == pytest.approx(dict.fromkeys(("Quorndon", "Zephyrine"), 2.5**2 / 4.25))
        assert [row["item"] for row in rates["win_rates"]] == ["Quorndon", "Zephyrine"], "best first"

    def test_is_cut_at_the_clip_and_says_how_often(self, contestants: list[Contestant]) -> None:
        pair = contestants[:2]
        fight(pair, [1, 2], probability=0.001, uniform=0.1)  # a weight of 100
        fight(pair, [2, 1])
        arena = contestants[0].arena

        def of_first(**options: Any) -> float:
            return float(by_name(found(arena, **options), "rate")["Zephyrine"])

        assert found(arena)["clipped"] == 1
        assert of_first() == pytest.approx(10 / 11)
        assert of_first(clip=3) == pytest.approx(3 / 4)
        assert of_first(clip=math.inf) == pytest.approx(100 / 101)
        assert (found(arena, clip=math.inf)["clipped"], found(arena, clip=math.inf)["clip"]) == (0, None)

    def test_has_wilsons_interval_of_its_effective_battles(self, contestants: list[Contestant]) -> None:
        """Ten equal weights are ten coin tosses: 8 of 10 gives .490 to .943 (Wilson 1927)."""
        for ranks in [[1, 2]] * 8 + [[2, 1]] * 2:
            fight(contestants[:2], ranks, probability=0.3, uniform=0.1)
        rates = found(contestants[0].arena)

        assert by_name(rates, "low")["Zephyrine"] == pytest.approx(0.4902, abs=5e-5)
        assert by_name(rates, "high")["Zephyrine"] == pytest.approx(0.9433, abs=5e-5)

    def test_stays_unsure_after_nothing_but_wins(self, contestants: list[Contestant]) -> None:
        for _ in range(4):
            fight(contestants[:2], [1, 2])
        rates = found(contestants[0].arena)

        assert by_name(rates, "rate")["Zephyrine"] == by_name(rates, "high")["Zephyrine"] == 1
        assert by_name(rates, "low")["Zephyrine"] == pytest.approx(4 / (4 + 1.959964**2))

    def test_can_be_horvitz_thompsons_with_a_normal_interval(self, contestants: list[Contestant]) -> None:
        pair = contestants[:2]
        fight(pair, [1, 2], probability=0.2, uniform=0.1)
        fight(pair, [2, 1], probability=0.05, uniform=0.1)
        rates = found(contestants[0].arena, estimator="horvitz-thompson")

        assert rates["estimator"] == "horvitz-thompson"
        assert by_name(rates, "rate") == pytest.approx({"Quorndon": 1.0, "Zephyrine": 0.25})
        for row in rates["win_rates"]:
            assert row["high"] - row["rate"] == pytest.approx(1.959964 * row["error"])
            assert row["rate"] - row["low"] == pytest.approx(1.959964 * row["error"])

    @pytest.mark.parametrize("options", [{"clip": 0.5}, {"clip": math.nan}, {"estimator": "guess"}], ids=str)
    def test_refuses_options_without_sense(self, contestants: list[Contestant], options: dict[str, Any]) -> None:
        fight(contestants[:2], [1, 2])
        with pytest.raises(PolicyError):
            found(contestants[0].arena, **options)


class TestTheModelsRate:
    def test_is_the_mean_chance_against_the_others(self, contestants: list[Contestant]) -> None:
        """Against the exact integral that `posterior.wins` computes."""
        for winner, loser in [(0, 1), (0, 2), (1, 2), (1, 2), (3, 2), (0, 3), (2, 0)] * 3:
            fight([contestants[winner], contestants[loser]], [1, 2])
        board = published(contestants[0].arena)
        rates = win_rates_of(board)

        assert board.posterior is not None
        beliefs = unpack_posterior(bytes(board.posterior))
        names = {contestant.pk: contestant.name for contestant in contestants}
        items = tuple(names[int(pk)] for pk in beliefs.contestants)
        exact = wins(Fit("any", items, beliefs.mean, beliefs.covariance, beliefs.ballots, 0, {}, True, 0))
        for place, item in enumerate(items):
            assert by_name(rates, "model")[item] == pytest.approx(np.delete(exact[place], place).mean(), abs=0.005)
            assert by_name(rates, "model_low")[item] < by_name(rates, "model")[item]
            assert by_name(rates, "model")[item] < by_name(rates, "model_high")[item]
        assert sum(by_name(rates, "model").values()) == pytest.approx(len(items) / 2)

    def test_knows_imported_ballots_but_averages_over_those_who_battle(
        self, contestants: list[Contestant], cast: Cast
    ) -> None:
        for _ in range(20):
            cast([0, 1], [1, 2])
            cast([4, 5], [1, 2])
        fight(contestants[:2], [2, 1])
        rates = found(contestants[0].arena)

        assert [row["item"] for row in rates["win_rates"]] == ["Quorndon", "Zephyrine"]
        assert by_name(rates, "model")["Zephyrine"] > 0.75
        assert by_name(rates, "rate")["Zephyrine"] == 0

    def test_is_missing_where_the_engine_has_none(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2])
        arena = contestants[0].arena
        Leaderboard.objects.update_or_create(arena=arena, category="", defaults={"engine": "borda"})
        rates = found(arena)

        assert set(by_name(rates, "model").values()) == {None}
        assert set(by_name(rates, "model_low").values()) == {None}
        assert by_name(rates, "rate")["Zephyrine"] == 1
        assert any("the engine borda does not say" in warning for warning in rates["warnings"])


class TestWhatCounts:
    def test_is_what_answers_a_battle_and_the_rest_is_counted(self, contestants: list[Contestant], cast: Cast) -> None:
        fight(contestants[:2], [1, 2])
        fight(contestants[:2], [1, 2], kind=VoterKind.JUDGE)
        fight(contestants[:4], [None] * 4, all_bad=True)
        fight(contestants[:4], [1, None, None, None], exact=False)
        fight(contestants[:4], [1, 2, None, -1])  # one in between: everything is known
        cast([0, 1], [1, 2])
        cast([2, 3], [1, 2])
        rates = found(contestants[0].arena)

        counts = {"ballots": 4, "without_battle": 2, "by_judges": 1, "unranked": 1, "partly_ranked": 1, "estimated": 1}
        assert {key: rates[key] for key in counts} == counts
        assert by_name(rates, "battles") == {"Zephyrine": 3, "Quorndon": 3, "Ultravox": 2, "Malachite": 2}
        assert [warning.split()[0] for warning in rates["warnings"]] == ["1", "1", "1", "1"]

    def test_is_what_the_snapshot_has_seen(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2])
        board = published(contestants[0].arena)
        fight(contestants[:2], [2, 1])

        assert win_rates_of(board)["ballots"] == 1
        assert found(contestants[0].arena)["ballots"] == 2

    def test_a_contestant_without_a_decided_pair_comes_last_and_has_no_number(
        self, contestants: list[Contestant]
    ) -> None:
        fight(contestants[:2], [1, 2])
        fight(contestants[2:4], [None, None], all_bad=True)
        rows = found(contestants[0].arena)["win_rates"]

        assert [row["item"] for row in rows] == ["Zephyrine", "Quorndon", "Malachite", "Ultravox"]
        for row in rows[2:]:
            nothing = ("rate", "error", "low", "high", "as_shown")
            assert [row[key] for key in nothing] == [None] * 5
            assert (row["battles"], row["effective"]) == (0, 0)
            assert 0.3 < row["model"] < 0.7

    def test_an_arena_with_imported_ballots_alone_has_no_rows(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        rates = found(arena)

        assert (rates["win_rates"], rates["ballots"], rates["without_battle"]) == ([], 0, 1)

    def test_an_arena_without_ballots_has_no_board(self, arena: Arena) -> None:
        leaderboard_of(arena.pk)

        assert board_with_posterior(arena.pk) is None

    def test_any_number_is_read_in_a_fixed_number_of_queries(
        self, contestants: list[Contestant], django_assert_num_queries: Any
    ) -> None:
        for _ in range(20):
            fight(contestants[:2], [1, 2])
        board = published(contestants[0].arena)
        with django_assert_num_queries(1):
            board_with_posterior(contestants[0].arena.pk)
        with django_assert_num_queries(3):
            win_rates_of(board)


def test_probabilities_are_read_beside_their_ballots(contestants: list[Contestant]) -> None:
    arena = contestants[0].arena
    first = fight(contestants[:3], [1, 2, 3], probability=0.25, uniform=0.125)
    fight(contestants[2:5], [3, 2, 1], probability=0.5, uniform=0.0625, exact=False)

    battles = read_battles(arena.pk, EVERYTHING)
    assert battles.probability.tolist() == [0.25, 0.5]
    assert battles.uniform.tolist() == [0.125, 0.0625]
    assert battles.evidence.ranks.tolist() == [1, 2, 3, 3, 2, 1]
    assert battles.contestants == tuple(contestant.pk for contestant in contestants[:5])
    assert battles.estimated == 1
    assert read_battles(arena.pk, first.pk).probability.tolist() == [0.25]
    assert read_battles(arena.pk, 0).probability.shape == (0,)
