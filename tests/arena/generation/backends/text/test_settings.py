"""Settings are checked without torch, and every refusal names its key."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arena.generation.backends.protocol import SettingsError
from arena.generation.backends.registry import get_backend
from arena.generation.backends.text.backend import TRANSFORMERS

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_checking_settings_loads_no_heavy_library():
    program = (
        "from arena.generation.backends.registry import get_backend as g\n"
        "b = g('transformers'); b.warnings(b.validate({'model': './here'}))\n"
        "import sys; print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert not set(done.stdout.split()) & {"torch", "transformers", "tokenizers", "django", "numpy", "huggingface_hub"}


def test_it_is_registered():
    assert get_backend("transformers") is TRANSFORMERS
    assert TRANSFORMERS.reproducible
    assert not TRANSFORMERS.remote


def test_a_hub_model_is_taken_at_a_commit():
    assert TRANSFORMERS.validate({"model": "owner/name", "revision": COMMIT}).revision == COMMIT


@pytest.mark.parametrize("model", ["/models/toy", "./toy", "../toy", "~/toy"])
def test_a_folder_needs_no_revision(model):
    assert TRANSFORMERS.validate({"model": model}).is_folder


@pytest.mark.parametrize(
    ("given", "key", "reason"),
    [
        ({}, "model", "is required"),
        ({"model": "not a name"}, "model", "neither owner/name"),
        ({"model": "a/../../b", "revision": "v1"}, "model", "neither owner/name"),
        ({"model": "owner/name"}, "revision", "a commit, 40 hex digits; the model's page on the hub lists them"),
        ({"model": "owner/name", "revision": "main"}, "revision", "branches and tags move"),
        ({"model": "owner/name", "revision": "dev"}, "revision", "branches and tags move"),
        ({"model": "owner/name", "revision": "v1.0"}, "revision", "lists them under Files, History"),
        ({"model": "owner/name", "revision": COMMIT[:7]}, "revision", "is no commit of 40 hex digits"),
        ({"model": "owner/name", "revision": "refs/pr/1"}, "revision", "is no commit"),
        ({"model": "owner/name", "revision": "a b"}, "revision", "is no commit"),
        ({"model": "./toy", "revision": "v1"}, "revision", "a folder has none"),
        ({"model": "./toy", "temperature": -1}, "temperature", "greater than or equal to 0"),
        ({"model": "./toy", "temperature": "1"}, "temperature", "valid number"),
        ({"model": "./toy", "top_p": 0}, "top_p", "greater than 0"),
        ({"model": "./toy", "stop": ["a", ""]}, "stop[1]", "at least 1 character"),
        ({"model": "./toy", "dtype": "int3"}, "dtype", "float32"),
        ({"model": "./toy", "beams": 4}, "beams", "unknown setting; known: model, revision"),
        (
            {"model": "./toy", "batching": "continuous", "repetition_penalty": 1.1},
            "batching",
            "knows no repetition_penalty",
        ),
    ],
)
def test_a_refusal_names_its_key_and_the_reason(given, key, reason):
    with pytest.raises(SettingsError) as caught:
        TRANSFORMERS.validate(given)
    assert list(caught.value.problems) == [key]
    assert reason in caught.value.problems[key]


def test_only_code_that_comes_with_weights_is_warned_of():
    given = {"model": "owner/name", "revision": COMMIT}
    assert TRANSFORMERS.warnings(TRANSFORMERS.validate(given)) == []
    (warning,) = TRANSFORMERS.warnings(TRANSFORMERS.validate(given | {"trust_remote_code": True}))
    assert "owner/name" in warning
    assert "code" in warning
