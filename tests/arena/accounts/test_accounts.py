"""Signing up, in and out with our own pages around allauth's."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from arena.catalogue.models import Arena
from arena.models import User
from tests.visitor import Visitor

PASSWORD = "a heron in the reeds"


def test_signing_up_takes_a_name_and_a_password_and_no_mail_address(db: None) -> None:
    client = Client()
    form = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD, "email": ""}

    assert client.post("/accounts/signup/", form).status_code == 302
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("ada", False, False)
    assert user.check_password(PASSWORD)
    assert "ada" in client.get("/").content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"password1": "12345678", "password2": "12345678"}, {"password2": "something else"}, {"username": ""}],
    ids=["weak", "unlike", "nameless"],
)
def test_a_form_that_cannot_be_used_is_shown_again_with_the_reason(db: None, changes: dict[str, str]) -> None:
    form = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD} | changes
    response = Client().post("/accounts/signup/", form)

    assert response.status_code == 200
    assert not User.objects.exists()
    html = response.content.decode()
    assert 'aria-invalid="true"' in html or 'role="alert"' in html or "error" in html


def test_signing_in_and_out(db: None) -> None:
    User.objects.create_user("ada", email="ada@example.org", password=PASSWORD)
    for login in ("ada", "ada@example.org"):
        client = Client()
        assert client.post("/accounts/login/", {"login": login, "password": PASSWORD}).status_code == 302
        assert "Sign out" in client.get("/").content.decode()
        client.post("/accounts/logout/")
        assert "Sign in" in client.get("/").content.decode()


def test_a_wrong_password_does_not_say_whether_the_name_exists(db: None) -> None:
    User.objects.create_user("ada", password=PASSWORD)

    def answer(login: str) -> str:
        html = Client().post("/accounts/login/", {"login": login, "password": "wrong"}).content.decode()
        return re.sub(r'value="[^"]*"', "", html)

    assert answer("ada") == answer("nobody")


def test_a_lost_password_is_replaced_by_mail(db: None) -> None:
    User.objects.create_user("ada", email="ada@example.org", password=PASSWORD)
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})

    assert mail.outbox[0].to == ["ada@example.org"]
    assert "/accounts/password/reset/key/" in mail.outbox[0].body


def test_votes_of_an_account_are_of_one_voter_before_and_after_signing_out(ready_arena: Arena) -> None:
    User.objects.create_user("ada", password=PASSWORD)
    visitor = Visitor()
    voters = set()
    for _ in range(2):
        visitor.client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
        voters.add(visitor.vote(ready_arena).voter)
        visitor.client.post("/accounts/logout/")
        anonymous = visitor.vote(ready_arena).voter
        assert anonymous not in voters

    assert len(voters) == 1


def test_failed_logins_are_counted_by_network(db: None) -> None:
    def try_from(address: str, name: str) -> bool:
        form = {"login": name, "password": "wrong"}
        response = Client(REMOTE_ADDR=address).post("/accounts/login/", form)
        return "Too many failed login attempts" not in response.content.decode()

    assert [try_from("::ffff:192.0.2.7", f"ada{number}") for number in range(11)] == [True] * 10 + [False]
    assert try_from("::ffff:192.0.2.8", "ada"), "IPv4 in the form of IPv6 is not one network"
    assert [try_from(f"2001:db8::{number}", f"bob{number}") for number in range(11)] == [True] * 10 + [False]
