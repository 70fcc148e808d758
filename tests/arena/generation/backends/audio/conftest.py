from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    pass


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.arena.generation.backends.audio import toys

    return toys.speech(tmp_path_factory.mktemp("audio") / "speech")


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.arena.generation.backends.audio import toys

    return toys.music(tmp_path_factory.mktemp("audio") / "music")
