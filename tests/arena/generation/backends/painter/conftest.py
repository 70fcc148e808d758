"""Pictures painted once for all the tests that look at them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from arena.demo.catalogue import DEMO_CONTESTANTS
from arena.generation.backends.protocol import Request
from arena.generation.backends.registry import get_backend

# A known scene, and words no painter knows.
PROMPTS = ("The moon asks the city to be quiet", "Brzask w Przemyślu")


def load(settings):
    backend = get_backend("painter")
    return backend.load(backend.validate(settings), "cpu")


def content(painter, prompt, seed=1):
    [result] = painter.generate([Request(prompt, seed)])
    return result.media.content


def pixels(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).astype(np.float32)


def difference(one, other):
    """Mean absolute difference of two encoded pictures, in 0..255."""
    return float(np.abs(pixels(one) - pixels(other)).mean())


@pytest.fixture(scope="session")
def gallery():
    """{contestant: {prompt: result}} for every painter of the demo."""
    return {
        contestant.slug: dict(
            zip(PROMPTS, load(contestant.settings).generate([Request(text, 1) for text in PROMPTS]), strict=True)
        )
        for contestant in DEMO_CONTESTANTS
    }
