"""A snapshot is a pure function of the ballots up to its watermark, and is never changed afterwards."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import transaction

from arena.ballots.actions import retract_ballot
from arena.ballots.models import Ballot
from arena.ballots.watermark import BallotsBeingWritten, hold_for_writing
from arena.catalogue.models import Arena, Contestant
from arena.matchmaking.beliefs import belief_source
from arena.voters.models import Voter, VoterKind
from ranking.engines.online import assimilate
from ranking.leaderboards import actions, beliefs
from ranking.leaderboards.actions import checksum, publish
from ranking.leaderboards.beliefs import pack_posterior, unpack_posterior
from ranking.leaderboards.evidence import read_evidence
from ranking.leaderboards.models import Leaderboard, Snapshot
from ranking.leaderboards.queries import boards_behind, latest_snapshot, leaderboard_of
from tests.ranking.leaderboards.conftest import Cast
from tests.threads import PATIENCE, at_once, meanwhile


def board(arena: Arena, category: str = "") -> Leaderboard:
    return leaderboard_of(arena.pk, category)


def published(arena: Arena, category: str = "") -> Snapshot:
    snapshot = publish(board(arena, category))
    assert snapshot is not None
    return snapshot


def means(snapshot: Snapshot) -> dict[str, float]:
    return {entry["item"]: entry["mean"] for entry in snapshot.standings["standings"]}


class TestASnapshot:
    def test_says_what_it_was_computed_from(self, arena: Arena, cast: Cast) -> None:
        voter = Voter.objects.create()
        cast([0, 1, 2, 3], [1, 2, 3, 4], voter=voter)
        cast([0, 1, 2, 3], [None] * 4, all_bad=True, voter=voter)
        last = cast([2, 3], [1, 1])

        snapshot = published(arena)

        assert snapshot.watermark == last.pk
        assert (snapshot.ballots, snapshot.voters, snapshot.all_bad) == (3, 2, 1)
        assert snapshot.engine == board(arena).engine == snapshot.standings["engine"]
        assert snapshot.parameters == snapshot.standings["parameters"]
        assert snapshot.code_version == settings.PODIUM_VERSION
        assert snapshot.checksum == checksum(snapshot.standings)
        assert snapshot.standings["ballots"] == 3
        assert board(arena).latest == snapshot == latest_snapshot(arena.pk)

    def test_names_those_who_were_in_a_ballot_best_first(self, arena: Arena, cast: Cast) -> None:
        for _ in range(5):
            cast([3, 1, 0], [1, 2, 3])
        entries = published(arena).standings["standings"]

        assert [entry["item"] for entry in entries] == ["Malachite", "Quorndon", "Zephyrine"]
        assert [entry["rank"] for entry in entries] == [1, 2, 3]
        assert {entry["ballots"] for entry in entries} == {5}

    def test_there_is_none_before_the_first_ballot(self, arena: Arena) -> None:
        assert publish(board(arena)) is None
        assert not Snapshot.objects.exists()

    def test_is_the_same_one_while_nothing_was_added(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])

        assert published(arena) == published(arena)
        assert Snapshot.objects.count() == 1

    def test_is_left_as_it_was_by_the_next_one(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        first = published(arena)
        before = Snapshot.objects.filter(pk=first.pk).values().get()
        cast([0, 1], [2, 1])

        second = published(arena)

        assert second != first
        assert Snapshot.objects.filter(pk=first.pk).values().get() == before
        assert second.watermark > first.watermark

    def test_can_be_computed_again_to_the_last_digit(self, arena: Arena, cast: Cast) -> None:
        rng = np.random.default_rng(5)
        for _ in range(40):
            cast(rng.permutation(6)[:4].tolist(), [1, 2, 2, None])
        first = published(arena)
        Leaderboard.objects.update(latest=None)
        Snapshot.objects.all().delete()

        assert published(arena).checksum == first.checksum

    def test_survives_the_database_to_the_last_digit(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1, 2], [1, 2, 3])
        snapshot = published(arena)
        stored = Snapshot.objects.get(pk=snapshot.pk)

        assert stored.standings == json.loads(json.dumps(snapshot.standings))
        assert checksum(stored.standings) == stored.checksum

    def test_of_one_arena_ignores_the_others(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        other = Arena.objects.create(slug="other", name="Other")
        Ballot.objects.create(arena=other, contestants=[1, 2], ranks=[2, 1])

        assert published(arena).ballots == 1


class TestARetraction:
    def test_takes_a_ballot_out_of_the_next_snapshot(self, arena: Arena, cast: Cast) -> None:
        kept = [cast([0, 1, 2], [1, 2, 3]) for _ in range(3)]
        before = means(published(arena))
        wrong = cast([0, 1, 2], [3, 2, 1])
        assert means(published(arena)) != before
        assert wrong.voter is not None

        retract_ballot(voter=wrong.voter, ballot=wrong)
        after = published(arena)

        assert after.ballots == len(kept)
        assert means(after) == before
        assert after.watermark > wrong.pk

    def test_of_every_ballot_leaves_a_board_without_any(self, arena: Arena, cast: Cast) -> None:
        only = cast([0, 1], [1, 2])
        published(arena)
        assert only.voter is not None
        retract_ballot(voter=only.voter, ballot=only)

        snapshot = published(arena)
        assert (snapshot.ballots, snapshot.standings["standings"]) == (0, [])


class TestWhatCounts:
    def test_machine_judges_are_left_out_and_it_is_said(self, arena: Arena, cast: Cast) -> None:
        for _ in range(3):
            cast([0, 1], [1, 2])
        without = means(published(arena))
        for _ in range(4):
            cast([0, 1], [2, 1], voter=Voter.objects.create(kind=VoterKind.JUDGE))

        snapshot = published(arena)

        assert means(snapshot) == without
        assert snapshot.ballots == 3
        assert "4 ballots by machine judges are left out" in snapshot.standings["warnings"]

    def test_a_board_that_only_judges_voted_on_is_empty_and_says_why(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [2, 1], voter=Voter.objects.create(kind=VoterKind.JUDGE))

        snapshot = published(arena)
        assert (snapshot.ballots, snapshot.standings["standings"]) == (0, [])
        assert "1 ballots by machine judges are left out" in snapshot.standings["warnings"]

    def test_a_ballot_in_which_all_are_bad_is_counted_and_moves_nothing_much(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        cast([0, 1], [None, None], all_bad=True)

        snapshot = published(arena)
        assert (snapshot.ballots, snapshot.all_bad) == (2, 1)

    def test_weights_and_unknowns_reach_the_engine(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1, 2], [1, None, -1], weight=2.5, strength=None)
        evidence = read_evidence(arena.pk, published(arena).watermark).evidence

        assert evidence.weight.tolist() == [2.5]
        assert len(evidence) == 1

    def test_two_ballots_of_weight_one_say_what_one_of_weight_two_says(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1, 2], [1, 2, 3])
        cast([0, 1, 2], [1, 2, 3])
        twice = published(arena)
        for ballot in list(Ballot.objects.all()):
            assert ballot.voter is not None
            retract_ballot(voter=ballot.voter, ballot=ballot)
        cast([0, 1, 2], [1, 2, 3], weight=2.0)

        assert means(published(arena)) == pytest.approx(means(twice), abs=1e-9)


class TestACategory:
    def test_has_a_board_of_its_own_with_what_is_below_it(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2], categories=["nature/sea"])
        cast([0, 1], [1, 2], categories=["nature"])
        cast([0, 1], [2, 1], categories=["people"])

        assert published(arena, "nature").ballots == 2
        assert published(arena, "nature/sea").ballots == 1
        assert published(arena).ballots == 3
        assert published(arena, "nature").standings["standings"][0]["item"] == "Zephyrine"

    def test_does_not_change_what_matchmaking_believes(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2], categories=["nature"])
        before = belief_source().beliefs(arena.pk)
        published(arena, "nature")

        after = belief_source().beliefs(arena.pk)
        assert after.mean.tolist() == before.mean.tolist()
        assert after.contestants.size == 2


class TestWritersAndPublishers:
    @pytest.mark.django_db(transaction=True)
    def test_nothing_is_published_while_a_lower_number_is_on_its_way(self, arena: Arena, cast: Cast) -> None:
        written, finish = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                hold_for_writing(arena.pk)
                cast([0, 1], [2, 1])
                written.set()
                assert finish.wait(PATIENCE)

        with meanwhile(slow) as writing:
            assert written.wait(PATIENCE)
            with transaction.atomic():
                hold_for_writing(arena.pk)
                cast([0, 1], [1, 2])
            with pytest.raises(BallotsBeingWritten):
                publish(board(arena))
            finish.set()
        writing.result()

        assert published(arena).ballots == 2

    @pytest.mark.django_db(transaction=True)
    def test_two_publishers_at_once_publish_once(
        self, arena: Arena, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cast([0, 1, 2], [1, 2, 3])
        real, both_have_read = actions.read_evidence, threading.Barrier(2)

        def read_together(*arguments: Any) -> Any:
            evidence = real(*arguments)
            both_have_read.wait(PATIENCE)
            return evidence

        monkeypatch.setattr(actions, "read_evidence", read_together)
        boards = [board(arena), board(arena)]
        first, second = at_once(*[lambda one=one: publish(one) for one in boards])

        assert first == second
        assert Snapshot.objects.count() == 1

    def test_the_older_evidence_gives_way(self, arena: Arena, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        """A publisher that was slow to fit finds that a later snapshot is there."""
        cast([0, 1, 2], [1, 2, 3])
        slow = board(arena)
        real = actions.read_evidence

        def overtaken(*arguments: Any) -> Any:
            evidence = real(*arguments)
            monkeypatch.setattr(actions, "read_evidence", real)
            cast([0, 1, 2], [3, 2, 1])
            published(arena)
            return evidence

        monkeypatch.setattr(actions, "read_evidence", overtaken)
        newest = publish(slow)

        assert newest is not None
        assert newest.ballots == 2
        assert Snapshot.objects.count() == 1


class TestBoardsBehind:
    def test_are_those_with_ballots_that_no_snapshot_has_seen(self, arena: Arena, cast: Cast) -> None:
        Arena.objects.create(slug="empty", name="Empty")
        assert boards_behind() == []
        ballot = cast([0, 1], [1, 2])
        assert boards_behind() == [arena.pk]
        published(arena)
        assert boards_behind() == []
        assert ballot.voter is not None
        retract_ballot(voter=ballot.voter, ballot=ballot)
        assert boards_behind() == [arena.pk]

    def test_a_category_that_is_up_to_date_does_not_hide_the_whole_board(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2], categories=["nature"])
        published(arena, "nature")

        assert boards_behind() == [arena.pk]


class TestWhatMatchmakingBelieves:
    def test_is_the_posterior_behind_the_latest_snapshot(
        self, arena: Arena, contestants: list[Contestant], cast: Cast
    ) -> None:
        for _ in range(4):
            cast([0, 1, 2], [1, 2, 3])
        snapshot = published(arena)
        known = belief_source().beliefs(arena.pk).of([contestant.pk for contestant in contestants[:3]])

        entries = {entry["item"]: entry for entry in snapshot.standings["standings"]}
        for index, contestant in enumerate(contestants[:3]):
            assert known.mean[index] == pytest.approx(entries[contestant.name]["mean"], abs=1e-12)
            assert known.covariance[index, index] ** 0.5 == pytest.approx(entries[contestant.name]["sd"], rel=1e-9)
        assert np.allclose(known.covariance, known.covariance.T)

    def test_is_nothing_before_the_first_ballot(self, arena: Arena) -> None:
        assert belief_source().beliefs(arena.pk).contestants.size == 0

    def test_takes_in_every_ballot_since_one_by_one(
        self, arena: Arena, contestants: list[Contestant], cast: Cast
    ) -> None:
        """The online update of the posterior that was published, and of the prior where nothing was."""
        ids = [contestant.pk for contestant in contestants[:4]]
        cast([0, 1, 2], [1, 2, 3])
        published(arena)
        before = belief_source().beliefs(arena.pk).of(ids)
        cast([2, 1, 3], [1, None, None])
        cast([0, 3], [1, 1])

        after = belief_source().beliefs(arena.pk).of(ids)

        mean, covariance = assimilate(before.mean, before.covariance, [2, 1, 3], [1, None, None])
        mean, covariance = assimilate(mean, covariance, [0, 3], [1, 1])
        assert np.allclose(after.mean, mean - mean.mean(), atol=1e-12)
        assert np.allclose(after.covariance, covariance, atol=1e-12)
        assert before.ballots.tolist() == [1, 1, 1, 0]
        assert after.ballots.tolist() == [2, 2, 2, 2]
        assert after.prior_sd == before.prior_sd != 1.0

    def test_moves_on_with_the_newest_ballots_where_a_board_lags_far_behind(
        self, arena: Arena, contestants: list[Contestant], cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(beliefs, "SINCE", 2)
        ids = [contestant.pk for contestant in contestants[:4]]
        cast([0, 1, 2, 3], [1, 2, 3, 4])
        published(arena)
        before = belief_source().beliefs(arena.pk).of(ids)
        for _ in range(3):
            cast([0, 1], [1, 2])
        cast([2, 3], [1, 2])
        cast([3, 0], [1, 2])

        after = belief_source().beliefs(arena.pk).of(ids)

        mean, covariance = assimilate(before.mean, before.covariance, [2, 3], [1, 2])
        mean, covariance = assimilate(mean, covariance, [3, 0], [1, 2])
        assert np.allclose(after.mean, mean - mean.mean(), atol=1e-12)
        assert np.allclose(after.covariance, covariance, atol=1e-12)

    def test_leaves_out_what_does_not_count(self, arena: Arena, cast: Cast) -> None:
        """A retracted ballot, its retraction, one that finds all bad and one by a machine."""
        cast([0, 1], [1, 2])
        published(arena)
        before = belief_source().beliefs(arena.pk)
        battle_less = cast([0, 1], [2, 1])
        Ballot.objects.create(
            arena=arena, contestants=battle_less.contestants, ranks=[None, None], supersedes=battle_less, retracts=True
        )
        cast([0, 1], [None, None], all_bad=True)
        cast([0, 1], [2, 1], voter_kind="judge")

        after = belief_source().beliefs(arena.pk)

        assert after.mean.tolist() == before.mean.tolist()
        assert after.ballots.tolist() == before.ballots.tolist()

    def test_can_be_asked_as_of_before_a_ballot(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        last = cast([0, 1], [1, 2])

        beliefs = belief_source().beliefs(arena.pk, before=last.pk)

        assert beliefs.ballots.tolist() == [1, 1]

    def test_is_nothing_under_an_engine_that_has_no_posterior(self, arena: Arena, cast: Cast) -> None:
        """Not what another engine once said."""
        cast([0, 1], [1, 2])
        published(arena)
        Leaderboard.objects.update(engine="borda", parameters={})
        cast([0, 1], [1, 2])
        published(arena)

        assert Leaderboard.objects.get().posterior is None
        assert belief_source().beliefs(arena.pk).prior_sd is None

    @pytest.mark.parametrize("count", [0, 1, 2, 17])
    def test_is_stored_without_loss(self, count: int) -> None:
        rng = np.random.default_rng(count)
        contestants = (rng.permutation(count) + 2**40).tolist()
        mean, covariance = rng.normal(size=count), rng.normal(size=(count, count))

        ballots = rng.integers(1, 99, size=count)

        beliefs = unpack_posterior(pack_posterior(contestants, mean, covariance, ballots, 0.75))

        assert beliefs.contestants.tolist() == contestants
        assert beliefs.ballots.tolist() == ballots.tolist()
        assert beliefs.prior_sd == 0.75
        assert np.array_equal(beliefs.mean, mean)
        assert np.array_equal(beliefs.covariance, covariance)

    @pytest.mark.parametrize("packed", [b"", b"Podium.1", b"Podium.0" + bytes(8), b"Podium.1" + bytes(16)])
    def test_refuses_what_it_did_not_write(self, packed: bytes) -> None:
        with pytest.raises(ValueError, match="no posterior"):
            unpack_posterior(packed)


def test_a_board_is_made_once_for_each_slice(arena: Arena) -> None:
    assert board(arena) == board(arena)
    assert board(arena, "nature") != board(arena)
    assert Leaderboard.objects.count() == 2


def test_what_is_pooled_is_said(arena: Arena, cast: Cast) -> None:
    cast([0, 1], [1, 2], protocol="pair")
    cast([0, 1, 2], [1, 2, 3], protocol="k-rank", voter_kind="annotator")

    warnings = published(arena).standings["warnings"]
    assert "ballots of 2 protocols are pooled: pair 1, k-rank 1" in warnings
    assert any("2 kinds of voter are pooled" in warning for warning in warnings)
