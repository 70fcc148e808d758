"""Who a browser is taken for. Seen from outside: through the vote page and its cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from arena.catalogue.models import Arena
from arena.models import User
from arena.voters.identity import COOKIE
from arena.voters.models import Voter, VoterKind
from tests.clock import Clock
from tests.visitor import Visitor


@pytest.fixture
def visitor(arena: Arena) -> Visitor:
    return Visitor()


def cookie_of(visitor: Visitor) -> str:
    return visitor.client.cookies[COOKIE].value


def test_the_first_visit_makes_an_anonymous_voter_and_sets_a_cookie(arena: Arena, visitor: Visitor) -> None:
    response = visitor.open(arena).response

    voter = Voter.objects.get()
    assert (voter.kind, voter.user, voter.arena, voter.external_id) == (VoterKind.PUBLIC, None, None, "")
    cookie = response.cookies[COOKIE]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == timedelta(days=30).total_seconds()


def test_the_cookie_is_sent_over_https_only_where_the_site_is(arena: Arena, visitor: Visitor, settings: object) -> None:
    assert not visitor.open(arena).response.cookies[COOKIE]["secure"]
    settings.SESSION_COOKIE_SECURE = True  # type: ignore[attr-defined]
    assert Visitor().open(arena).response.cookies[COOKIE]["secure"]


def test_a_reload_keeps_the_voter_and_sets_no_further_cookie(arena: Arena, visitor: Visitor) -> None:
    visitor.open(arena)
    again = visitor.open(arena).response

    assert Voter.objects.count() == 1
    assert COOKIE not in again.cookies


def test_two_browsers_are_two_voters(arena: Arena, visitor: Visitor) -> None:
    visitor.open(arena)
    Visitor().open(arena)

    assert Voter.objects.count() == 2


def test_looking_at_pages_without_voting_makes_no_voter(arena: Arena, client: Client) -> None:
    for path in ("/", f"/arenas/{arena.slug}/", f"/arenas/{arena.slug}/leaderboard/"):
        assert COOKIE not in client.get(path).cookies

    assert not Voter.objects.exists()


def of_another_key(value: str) -> str:
    return signing.TimestampSigner(key="another key", salt="arena.voter").sign_object(["0" * 32, 20_000])


def of_another_purpose(value: str) -> str:
    return signing.TimestampSigner(salt="arena.battle").sign_object([Voter.objects.get().public_id.hex, 20_000])


def with_another_payload(value: str) -> str:
    payload, _, rest = value.partition(":")
    return f"{payload[:-2]}AA:{rest}"


def of_another_form(value: str) -> str:
    """Signed by us, but in a form of some other version."""
    return signing.TimestampSigner(salt="arena.voter").sign_object("voter 1")


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: "",
        lambda value: "nonsense",
        lambda value: value[:-1],
        lambda value: value + "=",
        of_another_key,
        of_another_purpose,
        with_another_payload,
        of_another_form,
    ],
    ids=["empty", "nonsense", "cut", "extended", "another-key", "another-purpose", "another-payload", "another-form"],
)
def test_a_forged_or_damaged_cookie_is_a_newcomer(arena: Arena, visitor: Visitor, damage: Callable[[str], str]) -> None:
    visitor.open(arena)
    first = Voter.objects.get()
    visitor.client.cookies[COOKIE] = damage(cookie_of(visitor))

    response = visitor.open(arena).response

    assert response.status_code == 200
    assert Voter.objects.exclude(pk=first.pk).count() == 1
    assert COOKIE in response.cookies


def test_a_cookie_of_a_voter_who_is_gone_is_a_newcomer(arena: Arena, visitor: Visitor) -> None:
    visitor.open(arena)
    Voter.objects.all().delete()

    assert COOKIE in visitor.open(arena).response.cookies
    assert Voter.objects.count() == 1


def test_a_cookie_is_renewed_after_a_day_for_the_same_voter(arena: Arena, visitor: Visitor, clock: Clock) -> None:
    visitor.open(arena)
    first = cookie_of(visitor)

    clock.advance(hours=23)
    assert COOKIE not in visitor.open(arena).response.cookies
    clock.advance(hours=2)
    assert COOKIE in visitor.open(arena).response.cookies

    assert cookie_of(visitor) != first
    assert Voter.objects.count() == 1


def test_a_cookie_that_was_not_used_for_thirty_days_is_a_newcomer(arena: Arena, visitor: Visitor, clock: Clock) -> None:
    visitor.open(arena)
    clock.advance(days=30, seconds=1)
    visitor.open(arena)

    assert Voter.objects.count() == 2


def test_an_identity_is_replaced_after_its_days_however_often_it_was_used(
    arena: Arena, visitor: Visitor, clock: Clock
) -> None:
    visitor.open(arena)
    days = 0
    while days + 10 < settings.VOTER_IDENTITY_DAYS:
        days += 10
        clock.advance(days=10)
        visitor.open(arena)
        assert Voter.objects.count() == 1, f"replaced after {days} days"

    clock.advance(days=settings.VOTER_IDENTITY_DAYS - days)
    response = visitor.open(arena).response

    assert Voter.objects.count() == 2
    assert COOKIE in response.cookies


class TestAnAccount:
    @pytest.fixture
    def ada(self, db: None) -> User:
        return User.objects.create_user("ada", password="correct horse")

    def test_has_one_voter_on_every_device_and_no_cookie(self, arena: Arena, ada: User) -> None:
        for _ in range(2):
            device = Visitor()
            device.client.force_login(ada)
            response = device.open(arena).response
            assert COOKIE not in response.cookies

        voter = Voter.objects.get()
        assert (voter.kind, voter.user) == (VoterKind.ACCOUNT, ada)

    def test_is_another_voter_than_the_anonymous_one_before(self, arena: Arena, ada: User, visitor: Visitor) -> None:
        visitor.open(arena)
        visitor.client.force_login(ada)
        visitor.open(arena)

        assert sorted(Voter.objects.values_list("kind", flat=True)) == [VoterKind.ACCOUNT, VoterKind.PUBLIC]

    def test_is_not_reached_with_a_cookie(self, arena: Arena, ada: User) -> None:
        """A cookie that names an account's voter must not vote in that account's name."""
        voter = Voter.objects.create(kind=VoterKind.ACCOUNT, user=ada)
        stranger = Visitor()
        signer = signing.TimestampSigner(salt="arena.voter")
        stranger.open(arena)
        began = signer.unsign_object(cookie_of(stranger))[1]
        stranger.client.cookies[COOKIE] = signer.sign_object([voter.public_id.hex, began])
        before = Voter.objects.count()

        stranger.open(arena)

        assert Voter.objects.count() == before + 1
