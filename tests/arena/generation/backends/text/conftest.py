from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from arena.generation.backends.protocol import Request, Watch
from arena.generation.backends.text.backend import TRANSFORMERS
from arena.generation.backends.text.writer import Writer
from tests.arena.generation.backends.text import toys

Open = Callable[..., Writer]


@pytest.fixture(scope="module", autouse=True)
def _light_steps() -> Iterator[None]:
    """Toys are faster on one core than on several.

    Each continuous batch ends with collections of garbage: they need not look at what was there before.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def open_model() -> Open:
    """A model of a folder on the CPU, with settings."""

    def opened(folder: Path, **settings: Any) -> Writer:
        return TRANSFORMERS.load(TRANSFORMERS.validate({"model": str(folder), **settings}), "cpu")

    return opened


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPT-2 in small, that knows twelve words."""
    return toys.gpt2(tmp_path_factory.mktemp("words"), toys.words_tokenizer())


@pytest.fixture(scope="session")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama in small, with a chat template."""
    return toys.llama(tmp_path_factory.mktemp("chatty"), toys.bytes_tokenizer(toys.CHAT))


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llava in small."""
    return toys.llava(tmp_path_factory.mktemp("seeing"))


@pytest.fixture
def requests() -> list[Request]:
    prompts = ["the cat", "who sat on the mat and", "the", "the dog barked at the cat and the cat sat", "on the mat"]
    return [Request(prompt, seed) for seed, prompt in enumerate(prompts)]


class Listener(Watch):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, Any]] = []

    def delta(self, index: int, text: str) -> None:
        self.heard.append(("delta", index, text))

    def done(self, index: int, outcome: Any) -> None:
        self.heard.append(("done", index, outcome))

    def deltas(self, index: int) -> list[str]:
        return [said for kind, at, said in self.heard if (kind, at) == ("delta", index)]


@pytest.fixture
def listener() -> Listener:
    return Listener()
