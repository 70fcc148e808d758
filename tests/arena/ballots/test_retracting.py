"""Taking a ballot back is writing a further row; what counted at an earlier watermark still does."""

from __future__ import annotations

from typing import Any

import pytest

from arena.ballots.actions import retract_ballot
from arena.ballots.models import Ballot
from arena.ballots.watermark import evidence_watermark
from arena.catalogue.models import Arena
from arena.refusals import NotAllowed
from arena.voters.models import Voter
from tests.threads import at_once
from tests.visitor import Visitor


@pytest.fixture
def ballot(ready_arena: Arena) -> Ballot:
    return Visitor().vote(ready_arena, 1, 2, 3, 4)


def test_a_retraction_is_a_further_row_that_says_nothing_about_the_contestants(ballot: Ballot) -> None:
    retraction = retract_ballot(voter=ballot.voter, ballot=ballot)

    assert retraction.pk > ballot.pk
    assert retraction.supersedes == ballot
    assert retraction.retracts
    assert (retraction.arena, retraction.battle, retraction.prompt) == (ballot.arena, ballot.battle, ballot.prompt)
    assert (retraction.voter, retraction.voter_kind) == (ballot.voter, ballot.voter_kind)
    assert retraction.protocol == ballot.protocol
    assert retraction.contestants == ballot.contestants
    assert retraction.ranks == [None] * 4
    ballot.refresh_from_db()
    assert ballot.ranks == [1, 2, 3, 4], "the first row is as it was"


def test_what_counts_is_a_function_of_the_watermark(ballot: Ballot, ready_arena: Arena) -> None:
    before = evidence_watermark(ready_arena.pk)
    later = Visitor().vote(ready_arena, 1, 2, 3, 4)
    between = evidence_watermark(ready_arena.pk)
    retract_ballot(voter=ballot.voter, ballot=ballot)
    after = evidence_watermark(ready_arena.pk)

    assert before < between < after
    assert set(Ballot.objects.countable(before - 1)) == set()
    assert set(Ballot.objects.countable(before)) == {ballot}
    assert set(Ballot.objects.countable(between)) == {ballot, later}
    assert set(Ballot.objects.countable(after)) == {later}


def test_retracting_twice_is_retracting_once(ballot: Ballot) -> None:
    first = retract_ballot(voter=ballot.voter, ballot=ballot)

    assert retract_ballot(voter=ballot.voter, ballot=ballot) == first
    assert Ballot.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_retracting_from_two_tabs_at_once_is_retracting_once(ballot: Ballot) -> None:
    retract = [lambda: retract_ballot(voter=ballot.voter, ballot=ballot)] * 2
    first, second = at_once(*retract)

    assert first == second
    assert Ballot.objects.count() == 2


def test_nobody_retracts_the_ballot_of_another(ballot: Ballot) -> None:
    with pytest.raises(NotAllowed):
        retract_ballot(voter=Voter.objects.create(), ballot=ballot)
    assert Ballot.objects.count() == 1


def test_a_retraction_is_announced_once(ballot: Ballot, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        retract_ballot(voter=ballot.voter, ballot=ballot)
        retract_ballot(voter=ballot.voter, ballot=ballot)

    assert len(callbacks) == 1


def test_after_a_retraction_the_same_token_casts_no_second_ballot(ready_arena: Arena) -> None:
    visitor = Visitor()
    page = visitor.open(ready_arena)
    visitor.submit(ready_arena, page, 1, 2, 3, 4)
    ballot = Ballot.objects.get()
    retract_ballot(voter=ballot.voter, ballot=ballot)

    assert visitor.submit(ready_arena, page, 4, 3, 2, 1).status_code == 303
    assert Ballot.objects.judgements().get() == ballot


def test_a_superseding_judgement_counts_in_place_of_the_first(ballot: Ballot) -> None:
    corrected = Ballot.objects.create(
        arena=ballot.arena,
        battle=ballot.battle,
        voter=ballot.voter,
        contestants=ballot.contestants,
        ranks=[4, 3, 2, 1],
        supersedes=ballot,
    )

    assert set(Ballot.objects.countable(ballot.pk)) == {ballot}
    assert set(Ballot.objects.countable(corrected.pk)) == {corrected}
