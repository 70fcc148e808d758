"""The page about backends says what the code does."""

from __future__ import annotations

import json
import re

from arena.generation.backends.text import writer
from arena.generation.backends.text.backend import TRANSFORMERS
from arena.generation.backends.text.settings import TextSettings
from tests.docs import pages

PAGE = "docs/reference/backends.md"


def test_the_reference_lists_every_setting_with_its_default():
    rows = {row[0].strip("`"): row[2] for row in pages.rows(PAGE, "transformers")}
    assert list(rows) == list(TextSettings.model_fields)
    for name, field in TextSettings.model_fields.items():
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        if name == "revision":
            assert rows[name] == "required for a hub model"
        elif name == "batch_size":
            assert rows[name] == f"{writer.GPU_BATCH} on a GPU, {writer.CPU_BATCH} on a CPU"
        elif default in ("", (), {}):
            assert rows[name] == "none"
        elif isinstance(default, bool):
            assert rows[name] == ("on" if default else "off")
        else:
            assert rows[name].strip("`") == (f"{default:g}" if isinstance(default, float) else str(default))


def test_the_example_of_the_reference_is_accepted():
    section = re.split(r"^## ", pages.text(PAGE), flags=re.MULTILINE)
    (ours,) = [part for part in section if part.startswith("transformers\n")]
    (example,) = re.findall(r"```json\n(.*?)```", ours, flags=re.DOTALL)
    assert TRANSFORMERS.validate(json.loads(example)).stop == ("\n\n",)
