"""The admin's list of mail addresses: found, filtered and verified there."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin

from arena.models import User

LIST = "/admin/account/emailaddress/"


@pytest.fixture
def addresses(db: None) -> list[EmailAddress]:
    people = [
        ("ada", "countess@example.org", True),
        ("mary", "mary@example.net", False),
        ("jane", "j@example.org", False),
    ]
    return [
        EmailAddress.objects.create(user=User.objects.create_user(name), email=email, verified=verified, primary=True)
        for name, email, verified in people
    ]


def listed(client: Client, **query: str) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return sorted(address.email for address in response.context["cl"].queryset)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("countess", ["countess@example.org"]),
        ("ada", ["countess@example.org"]),
        ("example.org", ["countess@example.org", "j@example.org"]),
        ("EXAMPLE.NET", ["mary@example.net"]),
        ("nobody", []),
    ],
)
def test_an_address_is_found_by_itself_and_by_its_user(
    superuser: Client, addresses: list[EmailAddress], words: str, found: list[str]
) -> None:
    assert listed(superuser, q=words) == found


def test_the_page_offers_the_search_and_the_filters(superuser: Client, addresses: list[EmailAddress]) -> None:
    response = superuser.get(LIST)

    assert 'name="q"' in response.content.decode()
    titles = [spec.title for spec in response.context["cl"].filter_specs]
    assert titles == ["verified", "primary", "active", "staff status"]
    assert isinstance(admin.site._registry[EmailAddress], ModelAdmin), "it looks like the other pages"


def test_unverified_ones_are_filtered_out_of_many(superuser: Client, addresses: list[EmailAddress]) -> None:
    assert listed(superuser, verified__exact="0") == ["j@example.org", "mary@example.net"]


def test_a_longer_list_asks_no_more_of_the_database(
    superuser: Client, addresses: list[EmailAddress], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(25) as asked:
        superuser.get(LIST)
    for number in range(20):
        user = User.objects.create_user(f"member {number}")
        EmailAddress.objects.create(user=user, email=f"member{number}@example.org")
    with django_assert_max_num_queries(len(asked)):
        superuser.get(LIST)


def test_an_address_is_verified_by_hand(superuser: Client, addresses: list[EmailAddress]) -> None:
    unverified = addresses[1]
    superuser.post(LIST, {"action": "make_verified", ACTION_CHECKBOX_NAME: [unverified.pk]})

    unverified.refresh_from_db()
    assert unverified.verified


def test_its_user_is_chosen_by_name(superuser: Client, addresses: list[EmailAddress]) -> None:
    html = superuser.get(reverse("admin:account_emailaddress_change", args=[addresses[0].pk])).content.decode()

    assert "admin-autocomplete" in html
