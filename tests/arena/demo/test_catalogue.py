"""The demo's data is complete, valid and gives nothing away."""

from __future__ import annotations

import json
import re

import pytest

from arena.demo.catalogue import DEMO_ARENA, DEMO_CONTESTANTS, DEMO_PROMPTS
from arena.generation.backends.painter.reading import read
from arena.generation.backends.registry import get_backend


def test_there_are_enough_contestants_with_names_of_their_own():
    assert len(DEMO_CONTESTANTS) >= 12
    assert len({contestant.name for contestant in DEMO_CONTESTANTS}) == len(DEMO_CONTESTANTS)
    assert len({contestant.slug for contestant in DEMO_CONTESTANTS}) == len(DEMO_CONTESTANTS)
    assert len({json.dumps(contestant.settings, sort_keys=True) for contestant in DEMO_CONTESTANTS}) == len(
        DEMO_CONTESTANTS
    )


@pytest.mark.parametrize("contestant", DEMO_CONTESTANTS, ids=lambda contestant: contestant.slug)
def test_a_contestants_settings_are_valid_json_and_do_not_name_it(contestant):
    get_backend(contestant.backend).validate(json.loads(json.dumps(contestant.settings)))
    written = json.dumps(contestant.settings).lower()
    for word in (contestant.name.lower(), contestant.slug, contestant.organisation.lower()):
        assert word not in written
    assert contestant.description
    assert contestant.licence == "CC0-1.0"


def test_there_are_24_prompts_in_five_or_six_families():
    assert len(DEMO_PROMPTS) == 24
    assert len({prompt.id for prompt in DEMO_PROMPTS}) == 24
    assert len({prompt.text for prompt in DEMO_PROMPTS}) == 24
    families = {prompt.categories[0].split("/")[0] for prompt in DEMO_PROMPTS}
    assert 5 <= len(families) <= 6


@pytest.mark.parametrize("prompt", DEMO_PROMPTS, ids=lambda prompt: prompt.id)
def test_a_prompt_is_short_categorised_open_and_understood(prompt):
    assert len(prompt.text.split()) <= 8
    assert prompt.categories
    for category in prompt.categories:
        assert re.fullmatch(r"[a-z-]+(/[a-z-]+)*", category)
    assert (prompt.language, prompt.split, prompt.licence) == ("en", "open", "CC0-1.0")
    assert read(prompt.text).motifs


def test_the_arena_is_named():
    assert DEMO_ARENA.slug == "studio"
    assert DEMO_ARENA.modality == "image"
    assert DEMO_ARENA.name
    assert DEMO_ARENA.description
