"""What tells one folder of weights from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arena.generation.backends.fingerprint import WHOLE, fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "unet").mkdir()
    (tmp_path / "config.json").write_text('{"layers": 2}')
    (tmp_path / "unet" / "model.safetensors").write_bytes(bytes(3 * WHOLE))
    return tmp_path


def test_equal_folders_have_one_fingerprint_wherever_they_lie(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "copy"
    (other / "unet").mkdir(parents=True)
    for name in ("config.json", "unet/model.safetensors"):
        (other / name).write_bytes((folder / name).read_bytes())
    os.utime(other / "config.json", (0, 0))
    assert fingerprint(folder) == fingerprint(other)
    assert fingerprint(folder).startswith("sha256:")


@pytest.mark.parametrize("place", [0, 3 * WHOLE - 1])
def test_other_weights_of_the_same_size_have_another(folder, place):
    before = fingerprint(folder)
    with (folder / "unet" / "model.safetensors").open("r+b") as file:
        file.seek(place)
        file.write(b"x")
    assert fingerprint(folder) != before


def test_another_setting_or_name_or_file_has_another(folder):
    seen = {fingerprint(folder)}
    (folder / "config.json").write_text('{"layers": 3}')
    seen.add(fingerprint(folder))
    (folder / "config.json").rename(folder / "other.json")
    seen.add(fingerprint(folder))
    (folder / "more.json").touch()
    seen.add(fingerprint(folder))
    assert len(seen) == 4


def test_what_is_hidden_does_not_count(folder):
    before = fingerprint(folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "index").touch()
    (folder / ".note").touch()
    assert fingerprint(folder) == before
