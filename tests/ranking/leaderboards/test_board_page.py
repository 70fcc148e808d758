"""The board as people see it: rendered once for each snapshot, shown to everybody from the cache."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.test.signals import template_rendered

from arena.catalogue.models import Arena, Contestant
from arena.models import User
from ranking.leaderboards import boards
from ranking.leaderboards.actions import publish
from ranking.leaderboards.boards import show_published
from ranking.leaderboards.models import Snapshot
from ranking.leaderboards.presentation import percent
from ranking.leaderboards.queries import leaderboard_of
from tests.ranking.leaderboards.conftest import Cast
from tests.threads import at_once

PAGE = "/arenas/prints/leaderboard/"
STANDINGS = "/arenas/prints/leaderboard/standings/"


@pytest.fixture
def rendered() -> Iterator[list[str]]:
    """The templates that were rendered, in order."""
    names: list[str] = []

    def note(sender: Any, template: Any, **kwargs: Any) -> None:
        names.append(str(template.name))

    template_rendered.connect(note)
    yield names
    template_rendered.disconnect(note)


@pytest.fixture
def snapshot(arena: Arena, cast: Cast) -> Snapshot:
    for _ in range(30):
        cast([0, 1, 2], [1, 2, 3])
    cast([1, 3], [1, 2])
    return publish_and_show(arena)


def publish_and_show(arena: Arena) -> Snapshot:
    board = leaderboard_of(arena.pk)
    snapshot = publish(board)
    assert snapshot is not None
    show_published(board)
    return snapshot


def text(response: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def rows(response: HttpResponse) -> list[list[str]]:
    """The cells of the table, as text."""
    body = re.search(r"<tbody>(.*?)</tbody>", response.content.decode(), re.DOTALL)
    assert body is not None
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in body[1].split("</tr>")]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells if row]


class TestThePage:
    def test_shows_the_snapshot_row_by_row(self, client: Client, snapshot: Snapshot) -> None:
        shown = rows(client.get(PAGE))

        entries = snapshot.standings["standings"]
        assert len(shown) == len(entries) == 4
        for row, entry in zip(shown, entries, strict=True):
            rank, name, rating, interval, p_best, ballots = row
            assert rank.startswith(str(entry["rank"]))
            assert name.startswith(entry["item"])
            assert f"{entry['item']} paints" in name
            mean, low, high = (1000 + 400 / 2.302585092994046 * entry[key] for key in ("mean", "low", "high"))
            assert rating == f"{mean:.0f} ± {(high - low) / 2:.0f}"
            assert interval == f"{low:.0f} to {high:.0f}"
            assert p_best == percent(entry["p_best"])
            assert ballots == str(entry["ballots"])

    def test_says_how_much_it_rests_on(self, client: Client, snapshot: Snapshot) -> None:
        words = text(client.get(PAGE))

        assert "Ballots 31" in words
        assert "Voters 31" in words
        assert str(snapshot.public_id) in words

    def test_marks_contestants_with_few_ballots_as_preliminary(self, client: Client, snapshot: Snapshot) -> None:
        marked = {row[1].split()[0] for row in rows(client.get(PAGE)) if "preliminary" in row[1]}

        assert marked == {"Malachite"}
        assert "1 of 4 contestants have fewer than 30 ballots" in text(client.get(PAGE))

    def test_has_a_plot_with_words_for_those_who_do_not_see_it(self, client: Client, snapshot: Snapshot) -> None:
        html = client.get(PAGE).content.decode()

        for theme in ("light", "dark"):
            plot = re.search(rf'<div class="plot-{theme}">\s*(<svg.*?</svg>)', html, re.DOTALL)
            assert plot is not None
            assert "aria-label" in plot[1]
            assert "Zephyrine" in plot[1]

    def test_says_that_there_are_no_ballots_yet(self, client: Client, arena: Arena) -> None:
        assert "No ballots yet" in text(client.get(PAGE))

    def test_of_an_unknown_arena_is_a_404(self, client: Client, arena: Arena) -> None:
        for path in (PAGE, STANDINGS):
            assert client.get(path.replace("prints", "nowhere")).status_code == 404

    def test_escapes_what_people_wrote(self, client: Client, arena: Arena, cast: Cast) -> None:
        Contestant.objects.filter(name="Zephyrine").update(
            name="<script>alert(1)</script>", description="<img src=x onerror=alert(2)>"
        )
        cast([0, 1], [1, 2])
        publish_and_show(arena)
        html = client.get(PAGE).content.decode()

        assert "<script>alert" not in html
        assert "<img" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html

    def test_connects_to_where_changes_are_announced(self, client: Client, arena: Arena) -> None:
        assert '"/ws/arenas/prints/leaderboard/"' in client.get(PAGE).content.decode()


class TestTheCachedBoard:
    def test_costs_a_visitor_no_query(self, client: Client, snapshot: Snapshot, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert client.get(PAGE).status_code == 200
            assert client.get(STANDINGS).status_code == 200

    def test_costs_no_query_either_while_there_are_no_ballots(
        self, client: Client, arena: Arena, django_assert_num_queries: Any
    ) -> None:
        client.get(PAGE)
        with django_assert_num_queries(0):
            client.get(PAGE)

    def test_is_rendered_once_however_many_look(self, snapshot: Snapshot, rendered: list[str]) -> None:
        cache.clear()
        for _ in range(20):
            assert "Zephyrine" in Client().get(STANDINGS).content.decode()

        assert rendered.count("leaderboards/_standings.html") == 1

    @pytest.mark.django_db(transaction=True)
    def test_is_rendered_once_for_all_who_find_the_cache_empty(
        self, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renderings: list[str] = []
        real = boards.render_to_string

        def slow(name: str, context: dict[str, Any]) -> str:
            renderings.append(name)
            time.sleep(0.1)  # long enough for all the others to arrive
            return str(real(name, context))

        monkeypatch.setattr(boards, "render_to_string", slow)
        cache.clear()
        answers = at_once(*[lambda: Client().get(STANDINGS).content] * 8)

        assert len(renderings) == 1
        assert len(set(answers)) == 1

    def test_is_rendered_when_it_is_published_and_not_when_it_is_asked_for(
        self, arena: Arena, cast: Cast, rendered: list[str]
    ) -> None:
        cast([0, 1], [1, 2])
        publish_and_show(arena)
        assert rendered.count("leaderboards/_standings.html") == 1
        Client().get(STANDINGS)
        show_published()
        assert rendered.count("leaderboards/_standings.html") == 1

    def test_is_replaced_by_the_next_snapshot(
        self, client: Client, arena: Arena, snapshot: Snapshot, cast: Cast
    ) -> None:
        assert "Ballots 31" in text(client.get(STANDINGS))
        cast([0, 1], [2, 1])
        publish_and_show(arena)

        assert "Ballots 32" in text(client.get(STANDINGS))

    def test_is_drawn_again_when_the_cache_lost_it(self, client: Client, snapshot: Snapshot) -> None:
        before = client.get(STANDINGS).content
        cache.clear()

        assert client.get(STANDINGS).content == before

    def test_catches_up_with_what_another_process_published(
        self, client: Client, arena: Arena, snapshot: Snapshot, cast: Cast
    ) -> None:
        client.get(STANDINGS)
        cast([0, 1], [2, 1])
        publish(leaderboard_of(arena.pk))  # elsewhere: this process was not told
        show_published()

        assert "Ballots 32" in text(client.get(STANDINGS))


class TestTheStandingsAlone:
    def test_are_a_fragment(self, client: Client, snapshot: Snapshot) -> None:
        html = client.get(STANDINGS).content.decode()

        assert html.startswith('<section id="standings"')
        assert "<html" not in html

    def test_are_not_sent_again_to_a_browser_that_has_them(self, client: Client, snapshot: Snapshot) -> None:
        tag = client.get(STANDINGS)["ETag"]
        again = client.get(STANDINGS, headers={"If-None-Match": tag})

        assert tag == f'"{snapshot.public_id}"'
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == tag

    def test_are_sent_when_they_changed(self, client: Client, arena: Arena, snapshot: Snapshot, cast: Cast) -> None:
        tag = client.get(STANDINGS)["ETag"]
        cast([0, 1], [2, 1])
        publish_and_show(arena)

        assert client.get(STANDINGS, headers={"If-None-Match": tag}).status_code == 200

    def test_are_asked_for_again_each_time(self, client: Client, snapshot: Snapshot) -> None:
        assert client.get(STANDINGS)["Cache-Control"] == "no-cache"


class TestAPrivateArena:
    @pytest.fixture
    def private(self, arena: Arena, cast: Cast) -> Arena:
        Arena.objects.filter(pk=arena.pk).update(visibility="private")
        cast([0, 1], [1, 2])
        publish_and_show(arena)
        return arena

    @pytest.mark.parametrize("path", [PAGE, STANDINGS, "/arenas/prints/", "/arenas/prints/supply/"])
    def test_is_not_there_for_strangers_and_members(self, private: Arena, path: str) -> None:
        stranger, member = Client(), Client()
        member.force_login(User.objects.create_user("ada"))

        for visitor in (stranger, member):
            response = visitor.get(path)
            assert response.status_code == 404
            assert "Zephyrine" not in response.content.decode()

    @pytest.mark.parametrize("path", [PAGE, STANDINGS])
    def test_is_there_for_staff(self, private: Arena, path: str) -> None:
        staff = Client()
        staff.force_login(User.objects.create_user("grace", is_staff=True))

        assert "Zephyrine" in staff.get(path).content.decode()

    def test_is_on_no_list(self, private: Arena, client: Client) -> None:
        assert "Prints" not in client.get("/").content.decode()


class TestAnArenaThatIsEdited:
    def edit(self, arena: Arena, **changes: str) -> None:
        staff = Client()
        staff.force_login(User.objects.create_superuser("grace"))
        form = {
            "slug": "prints", "name": "Prints", "modality": "image", "protocol": "k-rank", "battle_size": "4",
            "protocol_choice": "voter", "graded_steps": "7",
            "candidates_per_prompt": "1", "preliminary_below": "30", "visibility": "public", "is_open": "on",
            "anonymous_voting": "on", "data_licence": "CC-BY-4.0", "description": "",
            "policy": "misorder", "policy_parameters": "{}", "audit_share": "0.1", "prompt_choice": "least-judged",
            "prompts_shown": "any", "category_quota": "{}", "goal": "", "goal_top": "5", "goal_confidence": "0.95",
            "goal_points": "30", "least_coverage": "0.25", "live_prompt_length": "2000", "live_prompts_per_hour": "20",
        }  # fmt: skip
        assert staff.post(f"/admin/arena/arena/{arena.pk}/change/", form | changes).status_code == 302

    def test_is_hidden_at_once_when_it_becomes_private(self, arena: Arena, snapshot: Snapshot) -> None:
        assert Client().get(PAGE).status_code == 200
        self.edit(arena, visibility="private")

        assert Client().get(PAGE).status_code == 404

    def test_has_its_new_name_at_once(self, arena: Arena, snapshot: Snapshot) -> None:
        Client().get(PAGE)
        self.edit(arena, name="Etchings")

        assert "<h1>Etchings</h1>" in Client().get(PAGE).content.decode()

    def test_is_no_longer_found_under_its_old_address(self, arena: Arena, snapshot: Snapshot) -> None:
        Client().get(PAGE)
        self.edit(arena, slug="etchings")

        assert Client().get("/arenas/etchings/leaderboard/").status_code == 200
        assert Client().get(PAGE).status_code == 404


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.005, "< 1 %"), (0.5, "50 %"), (0.994, "99 %"), (0.995, "> 99 %"), (1, "100 %")],
)
def test_shares_never_round_to_certainty(share: float, words: str) -> None:
    assert percent(share) == words
