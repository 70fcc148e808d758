"""The admin of generation: hosts are for superusers, and a picture in a list has a name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from arena.catalogue.models import Arena
from arena.generation.models import Candidate, GenerationHost
from arena.models import User

ADD = "/admin/arena/generationhost/add/"


@pytest.fixture
def staff(db: None) -> Client:
    """With every permission there is, and still no superuser."""
    ada = User.objects.create_user("ada", is_staff=True)
    ada.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(ada)
    return client


class TestHosts:
    def test_are_added_by_superusers(self, superuser: Client) -> None:
        response = superuser.post(ADD, {"host": "api.example.org", "note": "vendor"}, follow=True)

        assert response.status_code == 200
        host = GenerationHost.objects.get()
        assert (host.host, host.is_private, host.note) == ("api.example.org", False, "vendor")
        assert "your own network" not in response.content.decode().replace("\n", " ")

    def test_are_seen_and_not_changed_by_other_staff(self, staff: Client) -> None:
        host = GenerationHost.objects.create(host="api.example.org")
        page = f"/admin/arena/generationhost/{host.pk}"

        assert staff.get("/admin/arena/generationhost/").status_code == 200
        assert staff.get(f"{page}/change/").status_code == 200
        assert staff.get(ADD).status_code == 403
        assert staff.post(ADD, {"host": "10.0.0.7", "is_private": "on"}).status_code == 403
        assert staff.post(f"{page}/change/", {"host": "10.0.0.7", "is_private": "on"}).status_code == 403
        assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
        assert list(GenerationHost.objects.values_list("host", "is_private")) == [("api.example.org", False)]

    def test_that_are_private_come_with_a_warning(self, superuser: Client) -> None:
        response = superuser.post(ADD, {"host": "10.0.0.7:8000", "is_private": "on", "note": ""}, follow=True)
        text = " ".join(response.content.decode().split())

        assert "can now send requests from your workers to 10.0.0.7:8000 in your own network" in text

    @pytest.mark.parametrize("host", ["https://api.example.org", "API.example.org", "a b", "a/b", ""])
    def test_are_names_without_a_scheme(self, superuser: Client, host: str) -> None:
        response = superuser.post(ADD, {"host": host, "note": ""})
        assert response.context["adminform"].form.errors["host"]
        assert not GenerationHost.objects.exists()


class TestCandidates:
    def test_have_pictures_with_names(self, superuser: Client, ready_arena: Arena) -> None:
        html = superuser.get("/admin/arena/candidate/").content.decode()
        pictures = re.findall(r'<img src="(/admin/arena/candidate/thumbnail/[^"]*)"[^>]* alt="([^"]*)"', html)

        assert len(pictures) == 18
        assert "output of Zephyrine r1 for a quiet harbour" in [name for _, name in pictures]
        thumbnail = superuser.get(pictures[0][0])
        assert thumbnail["Content-Type"] == "image/webp"
        assert thumbnail.content == open_file(Candidate.objects.get(public_id=pictures[0][0].split("/")[-2]).thumbnail)

    def test_are_shown_themselves_without_a_thumbnail(self, superuser: Client, ready_arena: Arena) -> None:
        Candidate.objects.update(thumbnail="")
        html = superuser.get("/admin/arena/candidate/").content.decode()
        assert html.count('<img src="/admin/arena/candidate/media/') == 18

    def test_without_a_picture_are_named_by_their_type(self, superuser: Client, ready_arena: Arena) -> None:
        Candidate.objects.update(media_type="audio/flac", thumbnail="")
        html = superuser.get("/admin/arena/candidate/").content.decode()

        assert '<img src="/admin/arena/candidate' not in html
        assert html.count("audio/flac") >= 18

    def test_that_are_not_made_yet_have_a_name_too(self, superuser: Client, ready_arena: Arena) -> None:
        Candidate.objects.update(state="queued", media="", media_type="", thumbnail="", latency_ms=None)
        html = superuser.get("/admin/arena/candidate/").content.decode()
        assert html.count(">no output</a>") == 18

    def test_are_seen_by_staff_who_may(self, ready_arena: Arena) -> None:
        ada = User.objects.create_user("ada", is_staff=True)
        client = Client()
        client.force_login(ada)
        candidate = Candidate.objects.ready()[0]
        pages = [f"/admin/arena/candidate/{kind}/{candidate.public_id}/" for kind in ("media", "thumbnail")]

        assert [client.get(page).status_code for page in pages] == [403, 403]
        ada.user_permissions.add(Permission.objects.get(codename="view_candidate"))
        assert [client.get(page).status_code for page in pages] == [200, 200]
        assert client.get(pages[0]).content == open_file(candidate.media)
        Candidate.objects.update(media="", thumbnail="")
        assert [client.get(page).status_code for page in pages] == [404, 404]


def open_file(field: Any) -> bytes:
    with field.open("rb") as file:
        return bytes(file.read())
