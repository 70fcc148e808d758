"""What every page tells the browser it may do, and that our own pages keep to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena
from arena.models import User
from ranking.leaderboards.actions import publish
from ranking.leaderboards.queries import leaderboard_of
from tests.visitor import Visitor

Page = Callable[[Visitor, Arena], str]


def reveal(visitor: Visitor, arena: Arena) -> str:
    return f"/ballots/{visitor.vote(arena).public_id}/"


def board(visitor: Visitor, arena: Arena) -> str:
    visitor.vote(arena)
    publish(leaderboard_of(arena.pk))
    return "/arenas/prints/leaderboard/"


PAGES: dict[str, Page] = {
    "arenas": lambda visitor, arena: "/",
    "an arena": lambda visitor, arena: "/arenas/prints/",
    "the vote page": lambda visitor, arena: "/arenas/prints/vote/",
    "the reveal": reveal,
    "a board": board,
    "an empty board": lambda visitor, arena: "/arenas/prints/leaderboard/",
    "a missing page": lambda visitor, arena: "/nowhere/",
    "a missing arena": lambda visitor, arena: "/arenas/nowhere/",
    "sign in": lambda visitor, arena: "/accounts/login/",
    "sign up": lambda visitor, arena: "/accounts/signup/",
    "a lost password": lambda visitor, arena: "/accounts/password/reset/",
}
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


class Inline(HTMLParser):
    """Finds what the policy forbids: scripts and styles inside the page, and handlers in attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [f"{tag} {name}={value}" for name, value in attributes if (value or "").startswith("javascript:")]
        self.sources += [given[name] or "" for name in ("src", "srcset") if name in given]
        if tag == "link":
            self.sources.append(given.get("href") or "")


@every_page
def test_a_page_is_under_a_strict_policy(ready_arena: Arena, page: Page) -> None:
    visitor = Visitor()
    headers = visitor.client.get(page(visitor, ready_arena)).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@every_page
def test_a_page_keeps_to_it(ready_arena: Arena, page: Page) -> None:
    visitor = Visitor()
    inline = Inline()
    inline.feed(visitor.client.get(page(visitor, ready_arena)).content.decode())

    assert inline.found == []
    assert inline.sources
    for source in inline.sources:
        assert re.match(r"/(?!/)", source), f"{source} is not ours"


def test_the_search_for_inline_code_would_find_it() -> None:
    inline = Inline()
    inline.feed('<p style="x" onclick="y"><script>z</script><a href="javascript:a"></a><style></style>')

    assert inline.found == ["p style", "p onclick", "<script>", "a href=javascript:a", "<style>"]


def test_fragments_keep_to_it_as_well(ready_arena: Arena) -> None:
    visitor = Visitor()
    page = visitor.open(ready_arena, **{"HX-Request": "true"})
    answer = visitor.submit(ready_arena, page, 1, headers={"HX-Request": "true"})
    for html in (page.html, answer.content.decode()):
        inline = Inline()
        inline.feed(html)
        assert inline.found == []
    assert Ballot.objects.count() == 1


@every_page
def test_a_page_is_well_formed(ready_arena: Arena, page: Page) -> None:
    """One h1, a title, a language, labels for what is filled in, and no id twice."""
    visitor = Visitor()
    html = visitor.client.get(page(visitor, ready_arena)).content.decode()

    assert html.startswith("<!doctype html>")
    assert '<html lang="en">' in html
    assert re.search(r"<title>[^<]+ · Podium</title>|<title>[^<]*Podium[^<]*</title>", html)
    assert len(re.findall(r"<h1[ >]", html)) == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    fields = re.findall(r"<(?:select|textarea|input)\b[^>]*>", html)
    for field in fields:
        if 'type="hidden"' in field:
            continue
        identity = re.search(r'\sid="([^"]+)"', field)
        assert identity is not None, field
        assert f'for="{identity[1]}"' in html, field


def test_the_admin_may_run_what_its_framework_needs_and_nobody_elses_scripts(db: None) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("grace"))
    policy: Any = staff.get("/admin/").headers["Content-Security-Policy"]

    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


def test_session_and_form_cookies_are_out_of_reach_of_scripts(ready_arena: Arena) -> None:
    visitor = Visitor()
    cookies = visitor.open(ready_arena).response.cookies
    assert set(cookies) == {"podium_voter", "csrftoken"}
    for cookie in cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
