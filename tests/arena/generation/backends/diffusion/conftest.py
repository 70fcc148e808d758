from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are slower on several cores than on one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
