"""Somebody who asks a prompt of their own, with a browser that runs no JavaScript."""

from __future__ import annotations

import io
from html import unescape
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from arena.battles.models import Battle
from arena.catalogue.models import Arena
from arena.prompts.models import Prompt
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


def picture(kind: str = "PNG", size: tuple[int, int] = (32, 24), **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (90, 120, 40)).save(file, kind, **options)
    return file.getvalue()


def upload(content: bytes, name: str = "photo.png", content_type: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


def refused(response: Any, status: int, *words: str) -> str:
    """The page of a refusal: the form again, with what was typed."""
    html = unescape(response.content.decode())
    assert response.status_code == status, html
    for word in words:
        assert word in html
    assert '<textarea id="ask-text"' in html
    assert not Battle.objects.exists()
    assert not Prompt.objects.exists()
    return html
