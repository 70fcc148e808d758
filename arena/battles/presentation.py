"""A battle as its voter may see it before the ballot: nothing in here names, numbers or hints at a contestant."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from .models import Battle, BattleSlot
from .rendering import render_markdown


@dataclass(frozen=True)
class ShownSlot:
    letter: str
    position: int
    kind: str  # "text", "image", "video" or "audio"
    media_url: str
    width: int | None
    height: int | None
    text_html: SafeString


@dataclass(frozen=True)
class ShownBattle:
    id: uuid.UUID
    prompt_text: str
    prompt_media_url: str
    slots: list[ShownSlot]


def show_battle(battle: Battle) -> ShownBattle:
    prompt = battle.prompt
    return ShownBattle(
        battle.public_id,
        prompt.text,
        reverse("arena:prompt_media", args=[prompt.public_id]) if prompt.media else "",
        [show_slot(slot) for slot in battle.slots.all()],
    )


def show_slot(slot: BattleSlot) -> ShownSlot:
    candidate = slot.candidate
    return ShownSlot(
        letter=slot.letter,
        position=slot.position,
        kind=candidate.media_type.partition("/")[0] if candidate.media else "text",
        media_url=reverse("arena:slot_media", args=[slot.media_token]) if candidate.media else "",
        width=candidate.width,
        height=candidate.height,
        text_html=render_markdown(candidate.text),
    )
