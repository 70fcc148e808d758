"""Refusals and errors become answers in one place: a page, a fragment, or problem+json."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import Client

from arena.catalogue.models import Arena
from arena.refusals import Conflict, Gone, Invalid, NotAllowed, NotFound, Refusal
from tests import shell

JSON = {"Accept": "application/json"}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, arena: Arena) -> Any:
    """Makes the front page fail with an error and returns a client that answers as a server would."""

    def fail_with(error: Exception) -> Client:
        def fail(user: Any) -> None:
            raise error

        monkeypatch.setattr("arena.catalogue.views.listed_arenas", fail)
        return Client(raise_request_exception=False)

    return fail_with


@pytest.mark.parametrize("kind", [Refusal, Invalid, NotAllowed, NotFound, Conflict, Gone])
def test_a_refusal_says_what_happened_and_what_to_do(failing: Any, kind: type[Refusal]) -> None:
    client = failing(kind("The tea is cold. Make another."))
    page, problem = client.get("/"), client.get("/", headers=JSON)

    assert page.status_code == problem.status_code == kind.status
    assert "The tea is cold. Make another." in page.content.decode()
    assert kind.title in page.content.decode()
    assert problem.json() == {
        "type": "about:blank",
        "status": kind.status,
        "title": kind.title,
        "detail": "The tea is cold. Make another.",
        "code": kind.code,
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "not_allowed"),
        (SuspiciousOperation(), 400, "bad_request"),
        (RuntimeError("secret inner detail"), 500, "server_error"),
    ],
    ids=["404", "403", "400", "500"],
)
def test_an_error_of_the_framework_takes_the_same_form(failing: Any, error: Exception, status: int, code: str) -> None:
    client = failing(error)
    page, fragment, problem = (client.get("/", headers=headers) for headers in ({}, {"HX-Request": "true"}, JSON))

    assert {page.status_code, fragment.status_code, problem.status_code} == {status}
    assert page.content.decode().startswith("<!doctype html>")
    assert fragment.content.decode().startswith("<section")
    assert problem["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == code
    for answer in (page, fragment, problem):
        assert "secret inner detail" not in answer.content.decode()
        assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize(
    "accept",
    ["text/html", "*/*", "", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image/png"],
)
def test_a_browser_gets_a_page(db: None, client: Client, accept: str) -> None:
    assert client.get("/nowhere/", headers={"Accept": accept})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "accept", ["application/json", "application/problem+json", "application/json, text/html;q=0.5"]
)
def test_a_program_gets_a_problem(db: None, client: Client, accept: str) -> None:
    assert client.get("/nowhere/", headers={"Accept": accept})["Content-Type"] == "application/problem+json"


def test_what_was_asked_for_is_shown_as_text(db: None, client: Client) -> None:
    html = client.get("/<script>alert(1)</script>/").content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


class TestAnUnknownHost:
    """`Host: evil`: a name that the site does not answer to."""

    @pytest.mark.parametrize("path", ["/", "/arenas/prints/vote/", "/nowhere/"])
    @pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "ev il", "<script>"])
    def test_gets_the_designed_page_and_a_program_the_problem(self, arena: Arena, path: str, host: str) -> None:
        page, problem = (
            Client(raise_request_exception=False).get(path, headers=said | {"Host": host}) for said in ({}, JSON)
        )

        assert page.status_code == problem.status_code == 400
        html = page.content.decode()
        assert html.startswith("<!doctype html>")
        assert "Unknown host" in html
        assert f"This site does not answer to the name {host!r}" in unescape(html)
        assert "<script>" not in html
        assert "ALLOWED_HOSTS" in html
        assert problem["Content-Type"] == "application/problem+json"
        assert (problem.json()["code"], problem.json()["status"]) == ("unknown_host", 400)

    def test_is_one_line_in_the_log(self, var: Path) -> None:
        """As a program of its own: the log as it is configured, not as the tests catch it."""
        asked = "from django.test import Client; print(Client().get('/', headers={'Host': 'evil.example'}).status_code)"
        shell.run("manage.py", "collectstatic", "--no-input", PODIUM_VAR=str(var)).check_returncode()
        done = shell.run("manage.py", "shell", "--no-imports", "-c", asked, PODIUM_VAR=str(var))

        assert done.stdout.strip() == "400"
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        assert "django.security.DisallowedHost: Invalid HTTP_HOST header: 'evil.example'" in lines[0]


@pytest.mark.parametrize("path", ["/arenas/%00/", "/arenas/prints%0a/", "/ballots/1/", "/media/../settings.py"])
def test_an_address_that_makes_no_sense_is_a_404(arena: Arena, client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
