"""Every protocol asks its own question, and takes no answer to another one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from arena.ballots.judgements import BadJudgement, Judgement, answers, check_judgement
from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.protocols import ASKED, Protocol, drawn_by_lot, size_of_battle
from tests.visitor import Visitor, VotePage

ALL = [str(protocol) for protocol in ASKED]


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def asking(arena: Arena, protocol: str, **more: Any) -> Arena:
    Arena.objects.filter(pk=arena.pk).update(protocol=protocol, **more)
    return Arena.objects.get(pk=arena.pk)


def send(visitor: Visitor, arena: Arena, page: VotePage, **said: Any) -> Any:
    """Submit the form of a page with nothing but what is said."""
    hidden = {name: page.fields[name] for name in ("token", "protocol", "slots")}
    return visitor.client.post(f"/arenas/{arena.slug}/ballots/", hidden | {"verdict": "ranked"} | said)


@pytest.mark.parametrize(
    ("protocol", "said", "ranks", "strength"),
    [
        ("pair", {"verdict": "a"}, [1, 2], None),
        ("pair", {"verdict": "b"}, [2, 1], None),
        ("pair", {"verdict": "tie"}, [1, 1], None),
        ("graded-pair", {"step": "3"}, [1, 2], 3),
        ("graded-pair", {"step": "0"}, [1, 1], None),
        ("graded-pair", {"step": "-1"}, [2, 1], 1),
        ("best-of-k", {"best": "C"}, [None, None, 1, None], None),
        ("best-worst", {"best": "B", "worst": "D"}, [None, 1, None, -1], None),
        ("k-rank", {"rank_a": "2", "rank_b": "1", "rank_c": "", "rank_d": ""}, [2, 1, None, None], None),
        ("pick-many", {"pick": ["A", "D"]}, [1, 2, 2, 1], None),
        ("pick-many", {"pick": ["A", "B", "C", "D"]}, [1, 1, 1, 1], None),
    ],
)
def test_what_was_said_is_stored_with_the_protocol(
    ready_arena: Arena, visitor: Visitor, protocol: str, said: Any, ranks: Any, strength: Any
) -> None:
    arena = asking(ready_arena, protocol)

    response = send(visitor, arena, visitor.open(arena), **said)

    assert response.status_code == 303, response.content.decode()
    ballot = Ballot.objects.get()
    assert (ballot.protocol, ballot.ranks, ballot.strength, ballot.all_bad) == (protocol, ranks, strength, False)
    assert visitor.client.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("protocol", ALL)
def test_all_can_be_bad_whatever_was_asked(ready_arena: Arena, visitor: Visitor, protocol: str) -> None:
    arena = asking(ready_arena, protocol)
    page = visitor.open(arena)

    visitor.client.post(f"/arenas/{arena.slug}/ballots/", page.fields | {"verdict": "all_bad"})

    ballot = Ballot.objects.get()
    assert (ballot.protocol, ballot.all_bad) == (protocol, True)
    assert ballot.ranks == [None] * arena.size_of(protocol)


@pytest.mark.parametrize(
    ("protocol", "said", "words"),
    [
        ("pair", {"verdict": "ranked"}, "is neither 'a' nor 'b' nor 'tie' nor 'all_bad'"),
        ("graded-pair", {}, "Choose a step"),
        ("graded-pair", {"step": "4"}, "Step '4' is not 3 to -3"),
        ("best-of-k", {}, "Choose one candidate as the best"),
        ("best-of-k", {"best": "E"}, "must be one of the letters A, B, C, D"),
        ("best-worst", {"best": "A"}, "another one as the worst"),
        ("best-worst", {"worst": "A"}, "another one as the worst"),
        ("best-worst", {"best": "A", "worst": "A"}, "cannot be the best and the worst"),
        ("pick-many", {}, "Pick at least one good candidate"),
        ("best-of-k", {"best": "A", "slots": "3"}, "has 4 candidates, the ballot 3 ranks"),
        ("best-of-k", {"best": "A", "slots": "99"}, "number of its slots"),
        ("best-of-k", {"best": "A", "slots": "x"}, "number of its slots"),
        ("best-of-k", {"best": "A", "slots": "004" + "9" * 5000}, "number of its slots"),
        ("best-of-k", {"best": "A", "protocol": "stars"}, "is none that battles are judged by"),
    ],
)
def test_half_an_answer_is_refused_and_says_what_is_missing(
    ready_arena: Arena, visitor: Visitor, protocol: str, said: Any, words: str
) -> None:
    arena = asking(ready_arena, protocol)

    response = send(visitor, arena, visitor.open(arena), **said)

    assert response.status_code == 400
    assert words in response.content.decode().replace("&#x27;", "'")
    assert not Ballot.objects.exists()
    assert Battle.objects.get().state == BattleState.OPEN


def test_five_steps_know_no_step_in_the_middle(ready_arena: Arena, visitor: Visitor) -> None:
    arena = asking(ready_arena, "graded-pair", graded_steps=5)
    page = visitor.open(arena)

    assert [f'name="step" value="{step}"' in page.html for step in (3, 2, 1, 0, -1, -2, -3)] == [1, 0, 1, 1, 1, 0, 1]
    assert "strength 1 or 3" in send(visitor, arena, page, step="2").content.decode()
    assert send(visitor, arena, page, step="-3").status_code == 303


def test_an_answer_to_another_question_is_refused(ready_arena: Arena, visitor: Visitor) -> None:
    """The way of judging was changed in another tab: the old page must not be read as an answer to the new question."""
    arena = asking(ready_arena, "best-of-k", further_protocols=["pick-many"])
    page = visitor.open(arena)
    visitor.client.post(f"/arenas/{arena.slug}/way/", {"token": page.token, "way": "pick-many"})

    response = send(visitor, arena, page, best="A")

    assert response.status_code == 400
    assert "the way of judging was changed meanwhile" in response.content.decode()
    assert not Ballot.objects.exists()


@pytest.mark.parametrize(
    ("protocol", "judgement", "words"),
    [
        ("k-rank", Judgement((1, 2), strength=2), "has no strength"),
        ("graded-pair", Judgement((1, 1), strength=2), "A tie has no strength"),
        ("graded-pair", Judgement((1, 2)), "by how much"),
        ("graded-pair", Judgement((1, 2), strength=9), "is not 1 (slightly)"),
        ("pair", Judgement((None, None), strength=1, all_bad=True), "has no strength"),
        ("graded-pair", Judgement((None, None), strength=1, all_bad=True), "cannot both rank"),
        ("pair", Judgement((1, None)), "which of the two is better"),
        ("pick-many", Judgement((1, -1)), "Pick at least one"),
        ("pick-many", Judgement((2, 2)), "Pick at least one"),
        ("best-worst", Judgement((1, -1)), ""),
        ("k-rank", Judgement((1, 1)), ""),
        ("pair", Judgement((1, 2), protocol="k-rank"), "this ballot answers"),
    ],
)
def test_programs_are_held_to_the_question_too(protocol: str, judgement: Judgement, words: str) -> None:
    if not words:
        check_judgement(judgement, protocol, 2)
        return
    with pytest.raises(BadJudgement) as refused:
        check_judgement(judgement, protocol, 2)
    assert words in refused.value.message


def test_answers_tells_what_a_protocol_can_have_asked() -> None:
    assert answers([1, 2], "pair")
    assert not answers([1, None], "pair")
    assert answers([None, 1, -1], "best-worst")
    assert not answers([None, None], "k-rank")
    assert answers([3, -1], "a word of an import")


@pytest.mark.parametrize(
    ("protocol", "size", "candidates"),
    [("pair", 4, 2), ("graded-pair", 8, 2), ("best-worst", 2, 3), ("best-worst", 6, 6), ("k-rank", 2, 2)],
)
def test_a_battle_is_as_large_as_its_protocol_allows(protocol: str, size: int, candidates: int) -> None:
    assert size_of_battle(protocol, size) == candidates


@pytest.mark.parametrize(
    ("protocol", "said", "labels", "summary"),
    [
        ("pair", {"verdict": "b"}, ["worse", "better"], "You found B better."),
        ("pair", {"verdict": "tie"}, ["tie", "tie"], "You found them equal."),
        ("graded-pair", {"step": "3"}, ["better", "worse"], "You found A much better."),
        ("best-of-k", {"best": "D"}, ["not chosen"] * 3 + ["best"], "You chose D as the best;"),
        ("best-worst", {"best": "B", "worst": "A"}, ["worst", "best"] + ["in between"] * 2, "and A as the worst."),
        ("pick-many", {"pick": ["B"]}, ["not picked", "good"] + ["not picked"] * 2, "You picked 1 of 4 as good."),
    ],
)
def test_the_reveal_says_it_in_the_words_of_the_question(
    ready_arena: Arena, visitor: Visitor, protocol: str, said: Any, labels: list[str], summary: str
) -> None:
    arena = asking(ready_arena, protocol)
    response = send(visitor, arena, visitor.open(arena), **said)

    html = visitor.client.get(response["Location"]).content.decode()

    assert [part.split("<")[0] for part in html.split('<span class="badge">')[1:]] == labels
    assert summary in html


def test_a_reveal_of_ranks_that_the_protocol_never_asked_for_says_the_ranks(
    ready_arena: Arena, visitor: Visitor
) -> None:
    """Ballots of an arena that once asked otherwise under the same name."""
    ballot = visitor.vote(ready_arena, 1, 2, 3, 4)
    Battle.objects.update(protocol="best-of-k")
    stored = Ballot.objects.get(pk=ballot.pk)
    stored.protocol = "best-of-k"

    from arena.ballots.reveal import rank_label, summary

    assert [rank_label(stored, index) for index in range(4)] == ["1st", "2nd", "3rd", "4th"]
    assert summary(stored) == "You ranked all 4."


class TestSwitching:
    @pytest.fixture
    def arena(self, ready_arena: Arena) -> Arena:
        return asking(ready_arena, "k-rank", further_protocols=["best-of-k", "pair"])

    def switch(self, visitor: Visitor, arena: Arena, page: VotePage, way: str) -> Any:
        return visitor.client.post(f"/arenas/{arena.slug}/way/", {"token": page.token, "way": way})

    def test_the_same_battle_is_asked_in_another_way(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)
        assert self.switch(visitor, arena, page, "best-of-k").status_code == 303
        other = visitor.open(arena)

        assert other.battle == page.battle
        assert (page.fields["protocol"], other.fields["protocol"]) == ("k-rank", "best-of-k")
        assert Battle.objects.count() == 1

    def test_a_battle_of_another_size_takes_its_place(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)
        self.switch(visitor, arena, page, "pair")
        other = visitor.open(arena)

        former = Battle.objects.get(pk=page.battle.pk)
        assert (former.state, former.skip_reason, former.protocol) == (BattleState.SKIPPED, "protocol", "k-rank")
        assert (other.battle.protocol, other.battle.slots.count()) == ("pair", 2)
        assert other.battle.policy_parameters["size"] == 2

    def test_the_voter_is_asked_that_way_from_then_on(self, arena: Arena, visitor: Visitor) -> None:
        self.switch(visitor, arena, visitor.open(arena), "pair")
        send(visitor, arena, visitor.open(arena), verdict="a")

        assert visitor.open(arena).battle.protocol == "pair"
        assert Visitor().open(arena).battle.protocol == "k-rank"

    def test_a_way_that_is_offered_no_more_gives_way_to_the_usual_one(self, arena: Arena, visitor: Visitor) -> None:
        self.switch(visitor, arena, visitor.open(arena), "pair")
        send(visitor, arena, visitor.open(arena), verdict="a")
        arena = asking(arena, "best-of-k", further_protocols=[])

        assert visitor.open(arena).battle.protocol == "best-of-k"

    @pytest.mark.parametrize("way", ["pick-many", "rating", "", "x" * 5000])
    def test_what_the_arena_does_not_offer_is_refused(self, arena: Arena, visitor: Visitor, way: str) -> None:
        page = visitor.open(arena)
        response = self.switch(visitor, arena, page, way)

        assert response.status_code == 403
        assert "does not let you judge by" in response.content.decode()
        assert visitor.open(arena).battle == page.battle

    def test_after_the_ballot_the_next_battle_is_asked_that_way(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)
        visitor.submit(arena, page, 1, 2, 3, 4)
        self.switch(visitor, arena, page, "pair")

        assert Ballot.objects.get().protocol == "k-rank"
        assert visitor.open(arena).battle.protocol == "pair"

    def test_nobody_switches_the_battle_of_somebody_else(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)
        stranger = Visitor()
        stranger.open(arena)

        assert self.switch(stranger, arena, page, "pair").status_code == 403
        assert page.battle.protocol == "k-rank"

    def test_without_a_cookie_it_is_refused(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)

        assert Client().post(f"/arenas/{arena.slug}/way/", {"token": page.token, "way": "pair"}).status_code == 403


class TestByLot:
    @pytest.fixture
    def arena(self, ready_arena: Arena) -> Arena:
        return asking(ready_arena, "k-rank", further_protocols=["best-of-k", "best-worst"], protocol_choice="by-lot")

    def test_each_voter_keeps_the_protocol_of_the_lot(self, arena: Arena, visitor: Visitor) -> None:
        first = visitor.open(arena)
        visitor.skip(arena, first)

        assert visitor.open(arena).battle.protocol == first.battle.protocol
        assert "Judge another way" not in first.html

    def test_voters_cannot_change_it(self, arena: Arena, visitor: Visitor) -> None:
        page = visitor.open(arena)
        response = visitor.client.post(f"/arenas/{arena.slug}/way/", {"token": page.token, "way": "k-rank"})

        assert response.status_code == 403

    def test_different_voters_get_different_ones(self, arena: Arena) -> None:
        assert {Visitor().open(arena).battle.protocol for _ in range(40)} == {"k-rank", "best-of-k", "best-worst"}


def test_the_lot_is_fair_and_always_the_same() -> None:
    offered = [Protocol.PAIR, Protocol.BEST, Protocol.K_RANK]
    drawn = [drawn_by_lot(offered, f"7/{number}") for number in range(3000)]

    assert drawn == [drawn_by_lot(offered, f"7/{number}") for number in range(3000)]
    # Binomial with p = 1/3: 1000 +- 4 * 25.8
    assert all(897 < drawn.count(protocol) < 1103 for protocol in offered)
