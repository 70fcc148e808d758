"""Settings of diffusion models: pinned, checked, and without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arena.generation.backends.diffusion.backend import DIFFUSERS
from arena.generation.backends.protocol import SettingsError

MODEL = {"model": "owner/name", "revision": "8" * 40}


def test_a_pinned_model_is_enough():
    settings = DIFFUSERS.validate(MODEL)
    assert (settings.task, settings.dtype, settings.scheduler, settings.is_folder) == (
        "text-to-image",
        "auto",
        None,
        False,
    )
    assert DIFFUSERS.warnings(settings) == []


@pytest.mark.parametrize(
    ("given", "key", "reason"),
    [
        ({"revision": None}, "revision", "is required for a model of the hub"),
        ({"revision": "main"}, "revision", "is no commit of 40 hex digits"),
        ({"revision": "refs/pr/1"}, "revision", "is no commit of 40 hex digits"),
        ({"model": "../../x", "revision": "v1"}, "revision", "a folder has none"),
        ({"model": "a/b/c"}, "model", "is neither"),
        ({"model": "a/.."}, "model", "is neither"),
        ({"scheduler": "DPMSolverSDEScheduler"}, "scheduler", "DDIMScheduler"),
        ({"scheduler": "os.system"}, "scheduler", "DDIMScheduler"),
        ({"steps": 0}, "steps", "greater than or equal to 1"),
        ({"steps": "20"}, "steps", "integer"),
        ({"guidance": -1}, "guidance", "greater"),
        ({"width": 500}, "width", "multiple of 8"),
        ({"height": 8192}, "height", "4096"),
        ({"frames": 16}, "frames", "is for the task text-to-video"),
        ({"task": "text-to-video"}, "fps", "is required for the task text-to-video"),
        ({"arguments": {"latents": 1}}, "arguments", "latents is set by a setting of its own"),
        ({"arguments": {"prompt_embeds": "x"}}, "arguments", "prompt_embeds"),
        ({"arguments": {"output_type": "latent"}}, "arguments", "output_type"),
        ({"trust_remote_code": True}, "trust_remote_code", "unknown setting"),
        ({"use_safetensors": False}, "use_safetensors", "unknown setting"),
        ({"variant": "../x"}, "variant", "pattern"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given, key, reason):
    with pytest.raises(SettingsError) as refused:
        DIFFUSERS.validate(MODEL | given)
    assert reason in refused.value.problems[key]


def test_checking_settings_loads_neither_torch_nor_diffusers():
    code = (
        "from arena.generation.backends.registry import get_backend\n"
        "get_backend('diffusers').validate({'model': 'a/b', 'revision': 40 * '8'})\n"
        "import sys; print(sorted({'torch', 'diffusers', 'transformers', 'av', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
