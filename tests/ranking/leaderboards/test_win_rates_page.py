"""The page of win rates: computed at most once for each snapshot, shown to everybody from the cache."""

from __future__ import annotations

import re
import threading
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from arena.catalogue.models import Arena, Contestant
from arena.models import User
from ranking.leaderboards import win_rate_page
from ranking.leaderboards.actions import publish
from ranking.leaderboards.boards import show_published
from ranking.leaderboards.queries import leaderboard_of
from ranking.leaderboards.win_rates import board_with_posterior, win_rates_of
from tests.ranking.leaderboards.battles import fight
from tests.ranking.leaderboards.conftest import Cast
from tests.threads import PATIENCE, at_once, meanwhile

PAGE = "/arenas/prints/win-rates/"
BOARD = "/arenas/prints/leaderboard/"


def publish_and_show(arena: Arena) -> None:
    board = leaderboard_of(arena.pk)
    publish(board)
    show_published(board)


@pytest.fixture
def fought(arena: Arena, contestants: list[Contestant], cast: Cast) -> Arena:
    """Thirty ballots on battles, two imported ones, one battle so rare that its weight is cut."""
    for ranks in [[1, 2, 3]] * 20 + [[2, 1, 3]] * 9:
        fight(contestants[:3], ranks)
    fight(contestants[:3], [3, 1, 2], probability=0.001)
    cast([0, 1], [1, 2])
    cast([2, 3], [1, 2])
    publish_and_show(arena)
    return arena


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A snapshot for each time that win rates were computed."""
    snapshots: list[str] = []

    def note(*arguments: Any, **options: Any) -> dict[str, Any]:
        found = win_rates_of(*arguments, **options)
        snapshots.append(found["snapshot"])
        return found

    monkeypatch.setattr(win_rate_page, "win_rates_of", note)
    return snapshots


def words(response: HttpResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def rows(response: HttpResponse) -> list[list[str]]:
    body = re.search(r"<tbody>(.*?)</tbody>", response.content.decode(), re.DOTALL)
    assert body is not None
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in body[1].split("</tr>")]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells if row]


class TestThePage:
    def test_shows_both_rates_with_their_intervals(self, client: Client, fought: Arena) -> None:
        shown = rows(client.get(PAGE))

        board = board_with_posterior(fought.pk)
        assert board is not None
        entries = win_rates_of(board)["win_rates"]
        assert len(shown) == len(entries) == 3
        for row, entry in zip(shown, entries, strict=True):
            weighted, name, model, as_shown, battles, effective = row
            assert name == entry["item"]
            assert battles == str(entry["battles"]) == "30"
            assert effective == f"{entry['effective']:.0f}"
            assert as_shown == f"{100 * entry['as_shown']:.0f} %"
            for cell, keys in ((weighted, ("rate", "low", "high")), (model, ("model", "model_low", "model_high"))):
                parts = re.fullmatch(r"(\d+) % (\d+)–(\d+) %", cell)
                assert parts is not None, cell
                rate, low, high = map(int, parts.groups())
                assert rate == round(100 * entry[keys[0]])
                assert low <= 100 * entry[keys[1]] <= low + 1
                assert high - 1 <= 100 * entry[keys[2]] <= high

    def test_says_what_it_rests_on(self, client: Client, fought: Arena) -> None:
        said = words(client.get(PAGE))

        assert "Ballots on battles 30" in said
        assert "Ballots without a battle 2" in said
        assert "Weights cut to 10 1" in said
        assert str(leaderboard_of(fought.pk).latest.public_id) in said  # type: ignore[union-attr]

    def test_says_what_weighting_does(self, client: Client, fought: Arena) -> None:
        assert "a battle counts the more, the less likely it was to be shown" in words(client.get(PAGE))

    def test_is_linked_from_the_board_and_back(self, client: Client, fought: Arena) -> None:
        assert f'href="{PAGE}"' in client.get(BOARD).content.decode()
        assert f'href="{BOARD}"' in client.get(PAGE).content.decode()

    def test_says_that_there_are_no_ballots_yet(self, client: Client, arena: Arena) -> None:
        assert "No ballots yet" in words(client.get(PAGE))

    def test_says_that_imported_ballots_cannot_be_weighted(self, client: Client, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        cast([0, 1], [1, 2])
        publish_and_show(arena)
        said = words(client.get(PAGE))

        assert "No battles yet The 2 ballots that count were imported" in said
        assert "<table" not in client.get(PAGE).content.decode()

    def test_shows_no_number_for_whom_no_pair_was_ranked(
        self, client: Client, arena: Arena, contestants: list[Contestant]
    ) -> None:
        fight(contestants[:2], [1, 2])
        fight(contestants[2:4], [None, None], all_bad=True)
        publish_and_show(arena)
        shown = rows(client.get(PAGE))

        assert shown[0][0] == "100 % 20–100 %"
        assert [row[0] for row in shown[2:]] == ["no pair ranked"] * 2
        assert [row[3] for row in shown[2:]] == [""] * 2
        assert "Note. 1 ballots rank nobody" in words(client.get(PAGE))

    def test_of_an_unknown_arena_is_a_404(self, client: Client, arena: Arena) -> None:
        assert client.get(PAGE.replace("prints", "nowhere")).status_code == 404

    def test_can_only_be_read(self, client: Client, fought: Arena) -> None:
        assert client.head(PAGE).status_code == 200
        assert client.post(PAGE).status_code == 405

    def test_escapes_names(self, client: Client, arena: Arena, contestants: list[Contestant]) -> None:
        Contestant.objects.filter(pk=contestants[0].pk).update(name="<script>alert(1)</script>")
        fight(contestants[:2], [1, 2])
        publish_and_show(arena)
        html = client.get(PAGE).content.decode()

        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


class TestThePageOfAPrivateArena:
    @pytest.fixture
    def private(self, fought: Arena) -> Arena:
        Client().get(PAGE)  # in the cache from its public days
        fought.visibility = "private"
        fought.save()
        return fought

    def test_is_not_there_for_strangers_and_members(self, private: Arena) -> None:
        stranger, member = Client(), Client()
        member.force_login(User.objects.create_user("ada"))

        for visitor in (stranger, member):
            response = visitor.get(PAGE)
            assert response.status_code == 404
            assert "Zephyrine" not in response.content.decode()

    def test_is_there_for_staff(self, private: Arena) -> None:
        staff = Client()
        staff.force_login(User.objects.create_user("grace", is_staff=True))

        assert "Zephyrine" in staff.get(PAGE).content.decode()


class TestTheCachedPage:
    def test_costs_a_visitor_no_query(self, client: Client, fought: Arena, django_assert_num_queries: Any) -> None:
        client.get(PAGE)
        with django_assert_num_queries(0):
            assert "Zephyrine" in client.get(PAGE).content.decode()

    def test_costs_no_query_either_while_there_are_no_ballots(
        self, client: Client, arena: Arena, django_assert_num_queries: Any
    ) -> None:
        client.get(PAGE)
        with django_assert_num_queries(0):
            client.get(PAGE)

    def test_is_computed_once_however_many_look(self, fought: Arena, computed: list[str]) -> None:
        for _ in range(5):
            assert Client().get(PAGE).status_code == 200

        assert len(computed) == 1

    def test_is_computed_when_it_is_asked_for_and_not_when_a_board_is_published(
        self, arena: Arena, contestants: list[Contestant], computed: list[str]
    ) -> None:
        fight(contestants[:2], [1, 2])
        publish_and_show(arena)
        Client().get(BOARD)

        assert computed == []

    def test_is_computed_again_for_the_next_snapshot(
        self, client: Client, fought: Arena, contestants: list[Contestant], computed: list[str]
    ) -> None:
        assert "Ballots on battles 30" in words(client.get(PAGE))
        fight(contestants[:3], [1, 2, 3])
        assert "Ballots on battles 30" in words(client.get(PAGE)), "until the board counts it"
        publish_and_show(fought)

        assert "Ballots on battles 31" in words(client.get(PAGE))
        assert len(computed) == len(set(computed)) == 2

    def test_is_not_computed_again_when_the_arena_was_edited(
        self, client: Client, fought: Arena, computed: list[str], django_assert_num_queries: Any
    ) -> None:
        client.get(PAGE)
        fought.name, fought.slug = "Etchings", "etchings"
        fought.save()

        assert client.get(PAGE).status_code == 404
        assert "Etchings: win rates" in words(client.get("/arenas/etchings/win-rates/"))
        assert len(computed) == 1

    def test_is_not_computed_twice_where_the_board_lags_behind(
        self, client: Client, fought: Arena, contestants: list[Contestant], computed: list[str]
    ) -> None:
        """Another process has published: the cached board is of the former snapshot, the win rates of the latest."""
        fight(contestants[:3], [1, 2, 3])
        publish(leaderboard_of(fought.pk))
        assert "Ballots on battles 31" in words(client.get(PAGE))
        show_published()

        assert "Ballots on battles 31" in words(client.get(PAGE))
        assert len(computed) == 1

    @pytest.mark.django_db(transaction=True)
    def test_is_computed_once_for_all_who_find_the_cache_empty(self, fought: Arena, computed: list[str]) -> None:
        answers = at_once(*[lambda: words(Client().get(PAGE))] * 6)

        assert len(computed) == 1
        assert all("Ballots on battles 30" in answer for answer in answers)

    @pytest.mark.django_db(transaction=True)
    def test_is_the_former_one_while_somebody_computes_the_next(
        self, fought: Arena, contestants: list[Contestant], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Client().get(PAGE)
        fight(contestants[:3], [1, 2, 3])
        publish_and_show(fought)
        computing, finish = threading.Event(), threading.Event()

        def slowly(*arguments: Any, **options: Any) -> dict[str, Any]:
            computing.set()
            assert finish.wait(PATIENCE)
            return win_rates_of(*arguments, **options)

        monkeypatch.setattr(win_rate_page, "win_rates_of", slowly)
        with meanwhile(lambda: words(Client().get(PAGE))) as first:
            assert computing.wait(PATIENCE)
            try:
                second = words(Client().get(PAGE))
            finally:
                finish.set()

        assert "Ballots on battles 30" in second
        assert "Ballots on battles 31" in first.result()
        assert "Ballots on battles 31" in words(Client().get(PAGE))
