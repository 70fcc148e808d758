"""A person with a browser that runs no JavaScript: cookies, pages, forms. Tests of the path are written with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from arena.ballots.models import Ballot
from arena.battles import tokens
from arena.battles.models import Battle
from arena.catalogue.models import Arena

FRAGMENT = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
_INPUT = re.compile(r"<(?:input|select|button)\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


@dataclass(frozen=True)
class VotePage:
    """The vote page as it arrived."""

    response: HttpResponse
    html: str

    @property
    def fields(self) -> dict[str, str]:
        """What the form would send if it were submitted untouched: its inputs and selects, without the buttons."""
        tags = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(self.html)]
        return {
            tag["name"]: unescape(tag.get("value", "")) for tag in tags if "name" in tag and tag.get("type") != "submit"
        }

    @property
    def token(self) -> str:
        return self.fields["token"]

    @property
    def rank_fields(self) -> list[str]:
        return [name for name in self.fields if name.startswith("rank_")]

    @property
    def media_urls(self) -> list[str]:
        return re.findall(r'<img src="(/media/[^"]+)"', self.html)

    @property
    def battle(self) -> Battle:
        return Battle.objects.get(public_id=tokens.read(self.token).battle)


class Visitor:
    """Somebody in front of a browser of their own."""

    def __init__(self, **options: Any) -> None:
        self.client = Client(**options)

    def open(self, arena: Arena, **headers: str) -> VotePage:
        response = self.client.get(f"/arenas/{arena.slug}/vote/", headers=headers)
        return VotePage(response, response.content.decode())

    def submit(
        self,
        arena: Arena,
        page: VotePage,
        *ranks: int | str | None,
        headers: dict[str, str] | None = None,
        **changes: Any,
    ) -> Any:
        """Fill in the form of a page and press Submit. `changes` replace single fields; None leaves one out."""
        form = page.fields | {"verdict": "ranked"}
        for name, rank in zip(page.rank_fields, ranks, strict=False):
            form[name] = "" if rank is None else str(rank)
        form |= changes
        sent = {name: value for name, value in form.items() if value is not None}
        return self.client.post(f"/arenas/{arena.slug}/ballots/", sent, headers=headers)

    def vote(self, arena: Arena, *ranks: int | None) -> Ballot:
        """Open a battle, rank it (1, 2, 3 ... if nothing else is said) and return the ballot that was recorded."""
        page = self.open(arena)
        response = self.submit(arena, page, *(ranks or range(1, len(page.rank_fields) + 1)))
        assert response.status_code == 303, response.content.decode()
        return Ballot.objects.get(battle=page.battle, supersedes=None)

    def skip(self, arena: Arena, page: VotePage, **changes: Any) -> Any:
        return self.client.post(f"/arenas/{arena.slug}/skips/", page.fields | changes)
