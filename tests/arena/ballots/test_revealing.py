"""After the ballot: who was who, what the ballot changed, and that only its voter gets to see it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from arena.ballots.actions import retract_ballot
from arena.ballots.models import Ballot
from arena.ballots.reveal import ShownRating, ordinal, rank_label, reveal_context, signed, summary
from arena.catalogue.models import Arena, Contestant
from arena.matchmaking.beliefs import belief_source
from ranking.charts import figures
from ranking.leaderboards.actions import publish
from ranking.leaderboards.beliefs import pack_posterior
from ranking.leaderboards.presentation import show_board
from ranking.leaderboards.queries import leaderboard_of
from tests.visitor import FRAGMENT, Visitor


@pytest.fixture
def visitor(ready_arena: Arena) -> Visitor:
    return Visitor()


def rows(html: str) -> list[str]:
    """The text of each revealed slot."""
    slots = re.findall(r'<li class="slot.*?</li>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", slot).split()) for slot in slots]


def test_it_names_every_contestant_beside_its_slot(ready_arena: Arena, visitor: Visitor) -> None:
    page = visitor.open(ready_arena)
    html = visitor.submit(ready_arena, page, 2, 1, None, 2, headers=FRAGMENT).content.decode()

    contestants = Contestant.objects.in_bulk(Ballot.objects.get().contestants)
    for row, contestant, letter in zip(rows(html), Ballot.objects.get().contestants, "ABCD", strict=True):
        assert f"{letter} was {contestants[contestant].name}" in row
        assert contestants[contestant].description in row
    assert "tied 2nd" in rows(html)[0]
    assert "1st" in rows(html)[1]
    assert "not placed" in rows(html)[2]
    assert "You ranked 3 of 4; the order of the others stays open." in html
    assert re.findall(r'<img src="(/media/[^"]+)"', html) == page.media_urls, "the same pictures in the same order"


def test_nobody_else_sees_it(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    other = Visitor()
    other.open(ready_arena)

    assert visitor.client.get(f"/ballots/{ballot.public_id}/").status_code == 200
    assert other.client.get(f"/ballots/{ballot.public_id}/").status_code == 404
    assert Visitor().client.get(f"/ballots/{ballot.public_id}/").status_code in {403, 404}
    assert visitor.client.get(f"/ballots/{uuid.uuid4()}/").status_code == 404


def test_a_battle_that_is_open_reveals_nothing_under_its_own_number(ready_arena: Arena, visitor: Visitor) -> None:
    battle = visitor.open(ready_arena).battle

    assert visitor.client.get(f"/ballots/{battle.public_id}/").status_code == 404


def test_it_is_kept_by_no_cache_on_the_way(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    control = visitor.client.get(f"/ballots/{ballot.public_id}/")["Cache-Control"]

    assert {"no-store", "private"} <= set(control.split(", "))


def test_imported_ballots_and_retractions_have_no_reveal(ready_arena: Arena, visitor: Visitor) -> None:
    ballot = visitor.vote(ready_arena)
    retraction = retract_ballot(voter=ballot.voter, ballot=ballot)
    imported = Ballot.objects.create(
        arena=ready_arena, voter=ballot.voter, contestants=ballot.contestants, ranks=ballot.ranks
    )

    for hidden in (retraction, imported):
        assert visitor.client.get(f"/ballots/{hidden.public_id}/").status_code == 404


@pytest.fixture
def board_of_equals(ready_arena: Arena) -> None:
    """A board on which all are at 1000 with the same wide interval."""
    contestants = list(Contestant.objects.order_by("pk").values_list("pk", flat=True))
    leaderboard = leaderboard_of(ready_arena.pk)
    count = len(contestants)
    leaderboard.posterior = pack_posterior(contestants, np.zeros(count), np.eye(count), np.ones(count, np.int64), 1.0)
    leaderboard.save(update_fields=["posterior"])


class TestBeforeTheFirstBoard:
    """Its prior is learned from the ballots that are still to come: any number now would be contradicted by it."""

    def test_no_rating_is_claimed(self, ready_arena: Arena, visitor: Visitor) -> None:
        ballot = visitor.vote(ready_arena, 1, 2, 3, 4)
        html = visitor.client.get(f"/ballots/{ballot.public_id}/").content.decode()

        assert [row.count("not on the board yet") for row in rows(html)] == [1, 1, 1, 1]
        assert "±" not in html
        assert "Ratings with their 95 % interval" not in html

    def test_not_after_other_ballots_either(self, ready_arena: Arena, visitor: Visitor) -> None:
        Visitor().vote(ready_arena, 1, 2, 3, 4)
        Visitor().vote(ready_arena, 4, 3, 2, 1)
        ballot = visitor.vote(ready_arena, 1, 2, 3, 4)

        assert "±" not in visitor.client.get(f"/ballots/{ballot.public_id}/").content.decode()

    def test_who_is_not_on_the_board_is_shown_without_a_number_among_the_others(
        self, ready_arena: Arena, visitor: Visitor
    ) -> None:
        Arena.objects.update(battle_size=3)
        first = visitor.vote(ready_arena)
        publish(leaderboard_of(ready_arena.pk))
        Arena.objects.update(battle_size=6)
        second = visitor.vote(ready_arena)
        html = visitor.client.get(f"/ballots/{second.public_id}/").content.decode()

        for contestant, row in zip(second.contestants, rows(html), strict=True):
            assert ("changed by" in row, "not on the board yet" in row) == (
                contestant in first.contestants,
                contestant not in first.contestants,
            )
        assert "Ratings with their 95 % interval" in html


def test_the_ratings_before_the_ballot_are_those_of_the_board(ready_arena: Arena, visitor: Visitor) -> None:
    Arena.objects.update(battle_size=6)
    visitor.vote(ready_arena, 1, 2, 3, 4, 5, 6)
    snapshot = publish(leaderboard_of(ready_arena.pk))
    assert snapshot is not None
    on_the_board = {row["name"]: row["rating_text"] for row in show_board(ready_arena, snapshot)["rows"]}
    published = belief_source().beliefs(ready_arena.pk)
    means = dict(zip(published.contestants.tolist(), 1000 + 400 / np.log(10) * published.mean, strict=True))

    ballot = visitor.vote(ready_arena, 2, 1, 3, 4, 5, 6)

    results: list[dict[str, Any]] = reveal_context(ballot)["results"]
    assert len(set(on_the_board.values())) == 6
    for result, contestant in zip(results, ballot.contestants, strict=True):
        assert result["rating_before"].text == on_the_board[result["contestant_name"]]
        assert result["rating_before"].mean == pytest.approx(means[contestant])


@pytest.mark.parametrize(
    ("rating", "text"),
    [
        (ShownRating(1042.4, 18.2), "1042 ± 18"),
        (ShownRating(1042.44, 0.44), "1042.4 ± 0.4"),
        (ShownRating(-12.2, 300), "−12 ± 300"),
    ],
    ids=str,
)
def test_a_rating_is_written_as_on_the_board(rating: ShownRating, text: str) -> None:
    assert rating.text == text
    assert rating.text == figures.rating(rating.mean, rating.mean - rating.half, rating.mean + rating.half)


@pytest.mark.usefixtures("board_of_equals")
class TestWhatTheBallotChanged:
    def ratings(self, ballot: Ballot) -> list[tuple[float, float]]:
        """Mean before and after, in slot order."""
        results: list[dict[str, Any]] = reveal_context(ballot)["results"]
        return [(result["rating_before"].mean, result["rating_after"].mean) for result in results]

    def test_the_winner_rises_and_the_last_falls(self, ready_arena: Arena, visitor: Visitor) -> None:
        changes = [after - before for before, after in self.ratings(visitor.vote(ready_arena, 1, 2, 3, 4))]

        assert changes == sorted(changes, reverse=True)
        assert changes[0] > 0 > changes[-1]
        assert sum(changes) == pytest.approx(0, abs=1e-6), "of equals, nobody gains what nobody loses"

    def test_every_interval_becomes_narrower(self, ready_arena: Arena, visitor: Visitor) -> None:
        results = reveal_context(visitor.vote(ready_arena, 1, 2, 3, 4))["results"]

        assert all(result["rating_after"].half < result["rating_before"].half for result in results)

    def test_it_is_shown_in_the_same_form_as_on_the_board(self, ready_arena: Arena, visitor: Visitor) -> None:
        ballot = visitor.vote(ready_arena, 1, 2, 3, 4)
        html = visitor.client.get(f"/ballots/{ballot.public_id}/").content.decode()

        first, *_, last = rows(html)
        assert re.search(r"1st .* \d+ ± \d+ , changed by \+\d+ was 1000 ± \d+", first)
        assert re.search(r"4th .* \d+ ± \d+ , changed by −\d+ was 1000 ± \d+", last)

    def test_publishing_meanwhile_does_not_change_what_it_says(self, ready_arena: Arena, visitor: Visitor) -> None:
        ballot = visitor.vote(ready_arena, 1, 2, 3, 4)
        said = self.ratings(ballot)
        publish(leaderboard_of(ready_arena.pk))

        assert self.ratings(ballot) == said

    def test_all_bad_changes_nothing(self, ready_arena: Arena, visitor: Visitor) -> None:
        visitor.submit(ready_arena, visitor.open(ready_arena), verdict="all_bad")
        ballot = Ballot.objects.get()
        html = visitor.client.get(f"/ballots/{ballot.public_id}/").content.decode()

        assert "You found all of them bad" in html
        assert "changed by" not in html
        assert all("all bad" in row for row in rows(html))

    def test_when_it_is_forgotten_the_names_are_still_shown(self, ready_arena: Arena, visitor: Visitor) -> None:
        ballot = visitor.vote(ready_arena)
        cache.clear()
        response = visitor.client.get(f"/ballots/{ballot.public_id}/")

        assert response.status_code == 200
        assert "changed by" not in response.content.decode()
        assert len(rows(response.content.decode())) == 4

    def test_a_rated_contestant_is_never_called_unrated(self, ready_arena: Arena, visitor: Visitor) -> None:
        ballot = visitor.vote(ready_arena)
        publish(leaderboard_of(ready_arena.pk))
        cache.clear()

        assert "Not rated yet" not in visitor.client.get(f"/ballots/{ballot.public_id}/").content.decode()


@pytest.mark.parametrize(
    ("ranks", "labels"),
    [
        ([1, 2, 3, 4], ["1st", "2nd", "3rd", "4th"]),
        ([2, 1, 2, None], ["tied 2nd", "1st", "tied 2nd", "not placed"]),
        ([1, 1, 2, 4], ["tied 1st", "tied 1st", "3rd", "4th"]),
        ([3, 3, 4, 4], ["tied 1st", "tied 1st", "tied 3rd", "tied 3rd"]),
        ([1, None, -2, -1], ["1st", "not placed", "2nd from last", "last"]),
    ],
    ids=str,
)
def test_places_are_told_in_words(ranks: list[int | None], labels: list[str]) -> None:
    ballot = Ballot(ranks=ranks, contestants=[1, 2, 3, 4])

    assert [rank_label(ballot, index) for index in range(4)] == labels


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (112, "112th"),
    ],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


@pytest.mark.parametrize(("change", "text"), [(6.4, "+6"), (-2.6, "−3"), (0.4, "±0"), (-0.4, "±0"), (0, "±0")])
def test_changes_carry_a_real_sign(change: float, text: str) -> None:
    assert signed(change) == text


def test_a_full_order_is_summed_up() -> None:
    assert summary(Ballot(ranks=[1, 2, 3], contestants=[1, 2, 3])) == "You ranked all 3."
