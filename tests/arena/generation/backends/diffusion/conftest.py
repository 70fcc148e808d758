from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    pass


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with toy models, by task."""
    from tests.arena.generation.backends.diffusion import toys

    folder = tmp_path_factory.mktemp("diffusion")
    return {
        "text-to-image": toys.text_to_image(folder / "picture"),
        "image-edit": toys.edit(folder / "edit"),
        "text-to-video": toys.text_to_video(folder / "video"),
    }
