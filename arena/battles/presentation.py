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
    kind: str  # "image" or "text"
    media_url: str
    width: int | None
    height: int | None
    text_html: SafeString


@dataclass(frozen=True)
class ShownBattle:
    id: uuid.UUID
    prompt_text: str
    slots: list[ShownSlot]


def show_battle(battle: Battle) -> ShownBattle:
    return ShownBattle(battle.public_id, battle.prompt.text, [show_slot(slot) for slot in battle.slots.all()])


def show_slot(slot: BattleSlot) -> ShownSlot:
    candidate = slot.candidate
    is_image = bool(candidate.media)
    return ShownSlot(
        letter=slot.letter,
        position=slot.position,
        kind="image" if is_image else "text",
        media_url=reverse("arena:slot_media", args=[slot.media_token]) if is_image else "",
        width=candidate.width,
        height=candidate.height,
        text_html=render_markdown(candidate.text),
    )
