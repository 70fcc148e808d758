"""The pages about servers say what the code does."""

from __future__ import annotations

import json

import pytest

from arena.generation.backends.openai_compatible.backend import OPENAI_COMPATIBLE
from arena.generation.backends.openai_compatible.settings import OpenAICompatibleSettings
from tests.docs import pages

GUIDE = "docs/how-to/point-at-a-server.md"


@pytest.mark.parametrize("block", pages.blocks(GUIDE, "json"))
def test_the_settings_of_the_guide_are_accepted(block: str):
    given = json.loads(block)
    kept = OPENAI_COMPATIBLE.validate(given).model_dump(mode="json")
    assert {name: kept[name] for name in given} == given


def test_the_guide_has_an_example_of_each_server():
    assert len(pages.blocks(GUIDE, "json")) == 6


def test_the_reference_lists_every_setting_with_its_default():
    rows = {
        row[0].strip("`"): row[2].strip("`") for row in pages.rows("docs/reference/backends.md", "openai-compatible")
    }
    for name, field in OpenAICompatibleSettings.model_fields.items():
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        shown = {True: "on", False: "off"}.get(default, default) if isinstance(default, bool) else default
        if shown in (None, (), {}):
            assert rows[name] in {"none", "not sent"}
        else:
            assert rows[name] == (f"{shown:g}" if isinstance(shown, float) else str(shown))
