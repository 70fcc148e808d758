"""A set is chosen with exactly the probability that is stored with it, whatever the policy, rules and constraints."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.engines.matchmaking import loops
from ranking.engines.matchmaking.choosing import NO_RULES, Choice, Rules, choose, probability_of
from ranking.engines.matchmaking.in_flight import expect
from ranking.engines.matchmaking.policies import Policy, PolicyError
from ranking.engines.matchmaking.registry import DEFAULT, POLICIES, parameters_of, policy_named
from ranking.engines.matchmaking.situation import Played, Situation, SituationError

SAMPLED = "thompson-window"
EXACT = [name for name in POLICIES if name != SAMPLED]


def situation(count: int = 6, size: int = 3, seed: int = 1) -> Situation:
    """Contestants that differ in everything a policy may look at."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(count, count))
    met = rng.integers(0, 3, (count, count))
    return Situation(
        mean=rng.normal(size=count),
        covariance=root @ root.T / count * 0.3,
        size=size,
        shown=rng.integers(0, 9, count),
        met=met + met.T,
        newcomers=np.arange(count) == 2,
        fatigue=rng.uniform(0.3, 1, count),
        forbidden=(frozenset(range(size)),),
        weights=rng.uniform(0.2, 2, count),
    )


def soft(name: str) -> Policy:
    """The policy with some chance for every set, where it has a parameter for that."""
    return policy_named(name, **({"sharpness": 1.0} if "sharpness" in parameters_of(name) else {}))


def allowed_sets(known: Situation) -> list[tuple[int, ...]]:
    return [
        group
        for group in combinations(range(known.count), known.size)
        if frozenset(group) not in known.forbidden and not any(known.blocked[a, b] for a, b in combinations(group, 2))
    ]


@pytest.mark.parametrize("rules", [NO_RULES, Rules()], ids=["alone", "with rules"])
@pytest.mark.parametrize("name", EXACT)
class TestProbabilities:
    def test_sum_to_one(self, name: str, rules: Rules) -> None:
        known, rng = situation(), np.random.default_rng(0)
        total = sum(probability_of(known, soft(name), rules, group, rng) for group in allowed_sets(known))
        assert total == pytest.approx(1, abs=1e-12)

    def test_are_those_with_which_sets_are_drawn(self, name: str, rules: Rules) -> None:
        known, rng, draws = situation(), np.random.default_rng(5), 3000
        counts: Counter[tuple[int, ...]] = Counter()
        stated: dict[tuple[int, ...], float] = {}
        for _ in range(draws):
            choice = choose(known, soft(name), rules, rng)
            assert choice is not None
            assert choice.exact
            members = tuple(sorted(choice.members))
            counts[members] += 1
            stated[members] = choice.probability
        for members in allowed_sets(known):
            chance = probability_of(known, soft(name), rules, members, rng)
            assert stated.get(members, chance) == pytest.approx(chance, abs=1e-12)
            spread = math.sqrt(chance * (1 - chance) / draws)
            assert abs(counts[members] / draws - chance) <= 4.5 * spread + 1e-12


class TestAPolicyThatDrawsItsPlan:
    def test_states_nearly_the_frequency(self) -> None:
        known, rng, draws = situation(), np.random.default_rng(2), 1500
        policy = policy_named(SAMPLED, draws=400)
        counts: Counter[tuple[int, ...]] = Counter()
        stated: dict[tuple[int, ...], list[float]] = {}
        for _ in range(draws):
            choice = choose(known, policy, NO_RULES, rng)
            assert choice is not None
            assert not choice.exact
            members = tuple(sorted(choice.members))
            counts[members] += 1
            stated.setdefault(members, []).append(choice.probability)
        for members, count in counts.items():
            if count >= 30:
                assert np.mean(stated[members]) == pytest.approx(count / draws, rel=4.5 / math.sqrt(count) + 0.03)


class TestUniform:
    def test_gives_each_set_the_same_chance_whatever_the_fatigue(self) -> None:
        known = replace(situation(), forbidden=())
        rng = np.random.default_rng(0)
        for group in combinations(range(6), 3):
            assert probability_of(known, policy_named("uniform"), NO_RULES, group, rng) == pytest.approx(1 / 20)

    def test_leaves_out_what_was_judged(self) -> None:
        choice = choose(situation(), policy_named("uniform"), NO_RULES, np.random.default_rng(0))
        assert choice is not None
        assert choice.probability == pytest.approx(1 / 19)
        assert choice.uniform == pytest.approx(1 / 19)


class TestConstraints:
    @settings(max_examples=60, deadline=None)
    @given(
        name=st.sampled_from(list(POLICIES)),
        count=st.integers(2, 9),
        size=st.integers(2, 5),
        seed=st.integers(0, 2**32 - 1),
        left=st.one_of(st.none(), st.integers(0, 2)),
        conflicts=st.integers(0, 4),
        groups=st.booleans(),
        others=st.integers(0, 9),
    )
    def test_hold_whatever_the_policy(
        self,
        name: str,
        count: int,
        size: int,
        seed: int,
        left: int | None,
        conflicts: int,
        groups: bool,
        others: int,
    ) -> None:
        """A set that is left is found: of all but so many that were judged, beside sets of other sizes."""
        rng = np.random.default_rng(seed)
        apart = np.zeros((count, count), np.bool_)
        for _ in range(conflicts):
            a, b = rng.integers(0, count, 2)
            apart[a, b] = apart[b, a] = True
        for middle in range(count if groups else 0):  # apart from the same one, so apart from each other
            apart |= apart[:, [middle]] & apart[[middle], :]
        np.fill_diagonal(apart, False)
        known = replace(situation(count, size, seed), conflicts=apart, forbidden=())
        sets = rng.permutation(allowed_sets(known)).tolist()
        judged = sets[: rng.integers(0, 13)] if left is None else sets[left:]
        smaller = [rng.permutation(count)[: size - 1].tolist() for _ in range(others)]
        known = replace(known, forbidden=tuple(frozenset(each) for each in judged + smaller))
        choice = choose(known, policy_named(name), Rules(), rng)
        possible = allowed_sets(known)
        if not possible:
            assert choice is None
        else:
            assert choice is not None
            assert tuple(sorted(choice.members)) in possible
            assert 0 < choice.probability <= 1
            assert choice.uniform == pytest.approx(1 / len(possible))
            assert choice.probability == pytest.approx(1) or len(possible) > 1

    @pytest.mark.parametrize("name", list(POLICIES))
    def test_a_set_is_found_when_only_one_is_left(self, name: str) -> None:
        sets = list(combinations(range(5), 2))
        for left in sets[:4]:
            known = replace(
                situation(5, 2), forbidden=tuple(frozenset(group) for group in sets if group != left), fatigue=None
            )
            choice = choose(known, policy_named(name), Rules(), np.random.default_rng(3))
            assert choice is not None
            assert tuple(sorted(choice.members)) == left
            assert choice.exact
            assert choice.probability == pytest.approx(1)

    @pytest.mark.parametrize(("count", "size"), [(50, 2), (12, 4)])
    def test_the_last_set_of_many_is_found_each_time(self, count: int, size: int) -> None:
        known = Situation(
            np.linspace(-1, 1, count),
            np.eye(count) * 0.3,
            size,
            np.full(count, 5),
            forbidden=tuple(frozenset(each) for each in combinations(range(count), size))[1:],
        )
        for seed in range(3):
            choice = choose(known, policy_named(DEFAULT), Rules(), np.random.default_rng(seed))
            assert choice is not None
            assert set(choice.members) == set(range(size))
            assert choice.probability == pytest.approx(1)

    def test_sets_of_another_size_leave_none_out(self) -> None:
        """The arena had battles of two before."""
        known = replace(situation(4, 4), forbidden=(frozenset({0, 1}), frozenset({0, 1, 2})))
        choice = choose(known, policy_named(DEFAULT), Rules(), np.random.default_rng(0))
        assert choice is not None
        assert choice.probability == pytest.approx(1)

    def test_none_is_left_is_said(self) -> None:
        known = situation(4, 4)  # its one set was judged
        assert choose(known, policy_named(DEFAULT), Rules(), np.random.default_rng(0)) is None

    def test_too_few_contestants_is_said(self) -> None:
        known = replace(situation(3, 3), size=4, forbidden=())
        assert choose(known, policy_named(DEFAULT), Rules(), np.random.default_rng(0)) is None


def exposure(name: str, battles: int, rules: Rules, spread: float) -> np.ndarray:
    """How often each of twelve contestants is shown while nothing is learned about them."""
    rng = np.random.default_rng(11)
    count = 12
    shown, met = np.zeros(count, np.int64), np.zeros((count, count), np.int64)
    for _ in range(battles):
        known = Situation(np.linspace(-spread, spread, count), np.eye(count) * 0.2, 4, shown, met=met)
        choice = choose(known, policy_named(name), rules, rng)
        assert choice is not None
        members = list(choice.members)
        shown = shown.copy()
        shown[members] += 1
        met = met.copy()
        met[np.ix_(members, members)] += 1
    return shown


class TestExposure:
    @pytest.mark.parametrize("name", list(POLICIES))
    def test_nobody_starves(self, name: str) -> None:
        """Even where the policy alone would show the same four for ever."""
        shown = exposure(name, 300, Rules(), 3.0)
        assert shown.min() >= 0.45 * shown.mean()

    def test_the_policy_alone_would_let_them_starve(self) -> None:
        shown = exposure(DEFAULT, 300, NO_RULES, 3.0)
        assert shown.min() == 0

    def test_nobody_is_shown_without_measure(self) -> None:
        shown = exposure(DEFAULT, 300, Rules(ceiling=1.5), 3.0)
        assert shown.max() <= 2 * shown.mean()


class TestBattlesInFlight:
    def test_are_not_all_the_same(self) -> None:
        rng = np.random.default_rng(4)
        known = Situation(rng.normal(size=20), np.eye(20), 4, np.zeros(20, np.int64))
        covariance, seen = known.covariance, Counter[frozenset[int]]()
        for _ in range(30):
            choice = choose(replace(known, covariance=covariance), policy_named(DEFAULT), NO_RULES, rng)
            assert choice is not None
            seen[frozenset(choice.members)] += 1
            covariance = expect(known.mean, covariance, choice.members)
            assert np.linalg.eigvalsh(covariance).min() > 0
        assert max(seen.values()) <= 10  # without expectations all thirty would be one set
        assert len(seen) >= 15
        assert len(frozenset[int]().union(*seen)) == 20
        assert np.trace(covariance) < np.trace(known.covariance)


class TestTheTournament:
    def playing(self, rounds: tuple[Played, ...]) -> Situation:
        return Situation(np.arange(8.0)[::-1].copy(), np.eye(8), 2, np.zeros(8, np.int64), rounds=rounds)

    def sets(self, rounds: tuple[Played, ...]) -> set[frozenset[int]]:
        rng = np.random.default_rng(0)
        found: set[frozenset[int]] = set()
        for _ in range(100):
            choice = choose(self.playing(rounds), policy_named("tournament"), NO_RULES, rng)
            assert isinstance(choice, Choice)
            found.add(frozenset(choice.members))
        return found

    def test_begins_with_the_strongest_apart(self) -> None:
        assert self.sets(()) == {frozenset({0, 7}), frozenset({1, 6}), frozenset({2, 5}), frozenset({3, 4})}

    def test_the_winners_go_on_and_the_losers_are_out(self) -> None:
        rounds = tuple(Played(frozenset({a, 7 - a}), a) for a in range(4))
        assert self.sets(rounds) == {frozenset({0, 3}), frozenset({1, 2})}

    def test_who_filled_a_group_after_losing_stays_out_even_as_a_winner(self) -> None:
        rounds = tuple(Played(frozenset({a, 7 - a}), a) for a in range(4))
        after = (*rounds, Played(frozenset({0, 7}), 7))
        assert self.sets(after) == {frozenset({2, 3}), frozenset({0, 1})}  # 1 is left over, so 0 fills its group

    def test_begins_anew_when_one_is_left(self) -> None:
        rounds = (
            *(Played(frozenset({a, 7 - a}), a) for a in range(4)),
            Played(frozenset({0, 3}), 0),
            Played(frozenset({1, 2}), 1),
            Played(frozenset({0, 1}), 1),
        )
        assert self.sets(rounds) == self.sets(())


class TestRefusals:
    def test_an_unknown_policy_is_named(self) -> None:
        with pytest.raises(PolicyError, match="no policy 'random'; there are: misorder"):
            policy_named("random")

    def test_an_unknown_parameter_is_named(self) -> None:
        with pytest.raises(PolicyError, match="misorder has no parameter 'width'"):
            policy_named("misorder", width=2)

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("misorder", {"top_weight": -1.0}),
            ("misorder", {"top_count": math.inf}),
            ("misorder", {"sharpness": 0.0}),
            ("misorder", {"variant": "column"}),
            ("ksort", {"sign": 0.5}),
            ("ksort", {"alpha": math.nan}),
            ("ksort", {"pivot": "strongest"}),
            ("thompson-window", {"draws": 0}),
        ],
    )
    def test_senseless_parameters_are_refused(self, name: str, parameters: dict[str, float]) -> None:
        with pytest.raises(PolicyError):
            policy_named(name, **parameters)

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [("misorder", {"sharpness": 10**20}), ("ksort", {"alpha": 10**20}), ("expected-information", {"sharpness": 9})],
    )
    def test_whole_numbers_are_numbers(self, name: str, parameters: dict[str, int]) -> None:
        """Larger than a machine word, too."""
        choice = choose(situation(), policy_named(name, **parameters), Rules(), np.random.default_rng(0))
        assert choice is not None

    @pytest.mark.parametrize("name", ["audit", "floor", "rescue"])
    def test_rules_outside_their_range_are_refused(self, name: str) -> None:
        with pytest.raises(PolicyError, match=name):
            Rules(**{name: 1.5})

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(SituationError, match=r"shown has shape \(3,\) for 6 contestants"):
            replace(situation(), shown=np.zeros(3, np.int64))

    def test_numbers_that_are_not_finite_are_refused(self) -> None:
        with pytest.raises(SituationError, match="mean holds a number that is not finite"):
            replace(situation(), mean=np.full(6, np.nan))

    @pytest.mark.parametrize("name", ["ksort", "swiss"])
    def test_a_policy_without_what_it_needs_says_so(self, name: str) -> None:
        with pytest.raises(PolicyError, match="who has met whom"):
            choose(replace(situation(), met=None), policy_named(name), NO_RULES, np.random.default_rng(0))


class TestKSort:
    def firsts(self, pivot: str) -> set[int]:
        """Who was a pivot in sixty battles, where only the first was shown less than the others."""
        shown = np.array([0, 3, 3, 3, 3, 3])
        known = replace(situation(6, 2), shown=shown, forbidden=())
        plan = policy_named("ksort", pivot=pivot).plan(known, np.random.default_rng(0))
        rng = np.random.default_rng(1)
        return {plan.draw(known, rng)[0] for _ in range(60)}

    def test_begins_with_whoever_was_shown_least(self) -> None:
        assert self.firsts("least-shown") == {0}

    def test_begins_with_anybody_where_the_pivot_is_random(self) -> None:
        assert self.firsts("random") == set(range(6))


class TestMisorder:
    def weights(self, mean: np.ndarray, covariance: np.ndarray, top_weight: float, top_count: float) -> np.ndarray:
        """As the policy's equation is printed, slowly."""
        count = len(mean)
        normal = NormalDist()
        found = np.zeros((count, count))
        above = np.zeros((count, count))  # that j is above i
        for i, j in permutations(range(count), 2):
            variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
            above[i, j] = normal.cdf((mean[j] - mean[i]) / math.sqrt(variance))
        rank = 1 + above.sum(axis=1)
        spread = np.sqrt((above * (1 - above)).sum(axis=1))
        inside = [normal.cdf((top_count + 0.5 - rank[i]) / spread[i]) for i in range(count)]
        for i, j in permutations(range(count), 2):
            variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
            top = 1 / rank[i] + 1 / rank[j]
            if top_count:
                top = inside[i] * (1 - inside[j]) + inside[j] * (1 - inside[i])
            found[i, j] = min(above[i, j], above[j, i]) * variance * (1 + top_weight * top)
        return found

    @pytest.mark.parametrize(("top_weight", "top_count"), [(0.0, 0.0), (5.0, 0.0), (20.0, 1.0), (20.0, 3.0)])
    def test_weighs_pairs_as_its_equation_says(self, top_weight: float, top_count: float) -> None:
        known = situation(7)
        np.testing.assert_allclose(
            loops.misorder(known.mean, known.covariance, top_weight, top_count),
            self.weights(known.mean, known.covariance, top_weight, top_count),
            rtol=1e-9,
        )

    def test_of_the_first_few_asks_about_the_line_below_them(self) -> None:
        known = Situation(np.linspace(2, -2, 21), np.eye(21) * 0.05, 2, np.zeros(21, np.int64))
        rng = np.random.default_rng(0)
        for count in (1, 4, 10):
            choice = choose(known, policy_named("misorder", top_weight=20.0, top_count=count), NO_RULES, rng)
            assert choice is not None
            assert sorted(choice.members) == [count - 1, count]


def _apart(count: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    found = np.zeros((count, count), np.bool_)
    for one, other in pairs:
        found[one, other] = found[other, one] = True
    return found


def test_probabilities_sum_to_one_where_conflicts_end_draws() -> None:
    """Whoever begins with 5 finds nobody but 4: a uniform choice takes the place of such a draw."""
    conflicts = _apart(6, [(5, 0), (5, 1), (5, 2), (5, 3), (4, 0), (4, 1)])
    situation = Situation(
        mean=np.linspace(-1, 1, 6), covariance=np.eye(6) * 0.3, size=3, shown=np.full(6, 5), conflicts=conflicts
    )
    policy, rng = policy_named("misorder"), np.random.default_rng(4)
    sets = [each for each in combinations(range(6), 3) if not conflicts[np.ix_(each, each)].any()]
    said = {frozenset(each): probability_of(situation, policy, Rules(), each, rng) for each in sets}
    draws = 2000
    counts = Counter(frozenset(choose(situation, policy, Rules(), rng).members) for _ in range(draws))  # type: ignore[union-attr]

    assert sum(said.values()) == pytest.approx(1, abs=0.05)
    for members, probability in said.items():
        assert counts[members] / draws == pytest.approx(probability, abs=0.06)


def test_groups_that_are_kept_apart_cost_no_exactness() -> None:
    """Two in five are of one lab: every draw can be completed, so nothing has to be estimated."""
    conflicts = _apart(6, [(0, 1), (0, 2), (1, 2), (3, 4)])
    situation = Situation(
        mean=np.linspace(-1, 1, 6), covariance=np.eye(6) * 0.3, size=3, shown=np.full(6, 5), conflicts=conflicts
    )
    sets = [each for each in combinations(range(6), 3) if not conflicts[np.ix_(each, each)].any()]
    rng = np.random.default_rng(4)
    for name in ("misorder", "ksort", "uniform"):
        policy = policy_named(name)
        known = replace(situation, met=np.zeros((6, 6), np.int64))
        assert choose(known, policy, Rules(), rng).exact  # type: ignore[union-attr]
        assert sum(probability_of(known, policy, Rules(), each, rng) for each in sets) == pytest.approx(1)


def test_a_newcomer_that_was_shown_enough_rests_under_placement() -> None:
    shown = np.full(20, 10)
    shown[0] = 40  # above three times the mean
    new = np.zeros(20, np.bool_)
    new[0] = True
    situation = Situation(mean=np.zeros(20), covariance=np.eye(20) * 0.3, size=4, shown=shown, newcomers=new)
    rng, rules = np.random.default_rng(4), replace(Rules(), audit=0.0)
    assert not any(0 in choose(situation, policy_named("placement"), rules, rng).members for _ in range(30))  # type: ignore[union-attr]
