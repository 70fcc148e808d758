"""Backends by name, imported only when asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import get_type_hints

import pytest

from arena.generation.backends.protocol import UnknownBackendError
from arena.generation.backends.registry import BACKENDS, backend_names, get_backend


def _modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import arena.generation.backends.protocol",
        "import arena.generation.backends.registry",
        "import arena.demo.catalogue",
        "from arena.generation.backends.registry import get_backend\nget_backend('painter').validate({'hand': 1})",
    ],
)
def test_naming_backends_and_checking_settings_loads_neither_torch_nor_django(code):
    assert not _modules_after(code) & {"torch", "django", "numpy", "PIL"}


def test_a_loaded_painter_still_needs_no_django():
    code = "from arena.generation.backends.registry import get_backend as g\n"
    code += "p = g('painter'); p.load(p.validate({'hand': 1}), 'cpu')"
    modules = _modules_after(code)
    assert "torch" in modules
    assert "django" not in modules


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_every_registered_backend_can_be_imported(name):
    backend = get_backend(name)
    assert backend is get_backend(name)
    assert callable(backend.validate)
    assert callable(backend.load)


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_every_registered_backend_says_which_form_its_settings_have(name):
    """From this the admin panel lists the settings."""
    assert isinstance(get_type_hints(type(get_backend(name)).validate)["return"], type)


def test_an_unknown_backend_is_refused_with_the_known_names():
    with pytest.raises(UnknownBackendError, match=r"unknown backend 'nothing'; known: .*painter") as caught:
        get_backend("nothing")
    assert caught.value.permanent
    assert backend_names() == sorted(BACKENDS)
