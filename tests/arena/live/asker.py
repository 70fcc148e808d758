"""Somebody who asks a prompt of their own, with a browser that runs no JavaScript."""

from __future__ import annotations

from typing import Any

from arena.battles.models import Battle
from arena.catalogue.models import Arena
from tests.visitor import FRAGMENT, Visitor

PROMPT = "Describe a harbour in one sentence"


class Asker(Visitor):
    def ask(self, arena: Arena, text: str = PROMPT, **fields: Any) -> Any:
        return self.client.post(f"/arenas/{arena.slug}/ask/", {"text": text, **fields})

    def battle(self, arena: Arena, text: str = PROMPT) -> Battle:
        """Ask, and the battle that came of it."""
        response = self.ask(arena, text)
        assert response.status_code == 303, response.content.decode()
        return Battle.objects.get(public_id=response.headers["Location"].rstrip("/").rpartition("/")[2])

    def look(self, battle: Battle, *, fragment: bool = False, shown: bool = False) -> Any:
        """The page of a prompt: loaded anew, or asked for by the page itself."""
        address = f"/arenas/{battle.arena.slug}/asked/{battle.public_id}/" + ("?shown=1" if shown else "")
        return self.client.get(address, headers=FRAGMENT if fragment else None)
