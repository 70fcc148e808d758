"""Settings of sound models: pinned, checked, and without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arena.generation.backends.audio.backend import TRANSFORMERS_AUDIO
from arena.generation.backends.protocol import SettingsError

MODEL = {"model": "owner/name", "revision": "8" * 40}


def test_a_pinned_model_is_enough():
    settings = TRANSFORMERS_AUDIO.validate(MODEL)
    assert (settings.dtype, settings.max_seconds, settings.speaker, settings.arguments) == ("auto", 30.0, None, {})
    assert TRANSFORMERS_AUDIO.warnings(settings) == []


@pytest.mark.parametrize(
    ("given", "key", "reason"),
    [
        ({"revision": None}, "revision", "is required"),
        ({"revision": "main"}, "revision", "is no commit of 40 hex digits"),
        ({"model": "nobody's model"}, "model", "is neither"),
        ({"max_seconds": 0}, "max_seconds", "greater than 0"),
        ({"max_seconds": 601}, "max_seconds", "600"),
        ({"speaker": -1}, "speaker", "greater"),
        ({"speaker": "Ann"}, "speaker", "integer"),
        ({"arguments": {"input_ids": 3}}, "arguments", "input_ids is set by a setting of its own"),
        ({"arguments": {"num_return_sequences": 2}}, "arguments", "num_return_sequences"),
        ({"arguments": {"nested": {}}}, "arguments.nested.bool", "boolean"),
        ({"trust_remote_code": True}, "trust_remote_code", "unknown setting"),
        ({"dtype": "int4"}, "dtype", "float32"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given, key, reason):
    with pytest.raises(SettingsError) as refused:
        TRANSFORMERS_AUDIO.validate(MODEL | given)
    assert reason in refused.value.problems[key]


def test_checking_settings_loads_neither_torch_nor_transformers():
    code = (
        "from arena.generation.backends.registry import get_backend\n"
        "get_backend('transformers-audio').validate({'model': 'a/b', 'revision': 40 * '8'})\n"
        "import sys; print(sorted({'torch', 'transformers', 'huggingface_hub', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
