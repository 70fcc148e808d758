"""Classifiers of transformers: what moderation asks about texts and pictures. On the CPU, beside the contestants."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from typing import Any

from arena.generation.backends.local import ONE_LOADS
from arena.generation.backends.protocol import Media

Classifier = Callable[[Any], Sequence[tuple[str, float]]]  # a text or picture -> labels with scores from 0 to 1

_CHARACTERS = 2000  # a text is read in pieces of so many: a model sees no more than its window


def text_classifier(name: str) -> Classifier:
    """A text classification model by hub id or folder. The score of a label is its largest over the pieces of a text.

    Scores of a model for several labels at once are of each label by itself. Threads may share it.
    """
    from transformers import pipeline

    with ONE_LOADS:
        pipe = pipeline("text-classification", model=name, top_k=None, device="cpu")
    one_asks = threading.Lock()  # a tokenizer that is told where to cut refuses a second thread ("Already borrowed")

    def classify(text: str) -> list[tuple[str, float]]:
        pieces = [text[start : start + _CHARACTERS] for start in range(0, len(text), _CHARACTERS)]
        largest: dict[str, float] = {}
        with one_asks:
            rows: Any = pipe(pieces, truncation=True)
        for row in rows:
            for each in row:
                largest[each["label"]] = max(largest.get(each["label"], 0.0), float(each["score"]))
        return sorted(largest.items(), key=lambda pair: -pair[1])

    return classify


def picture_classifier(name: str) -> Classifier:
    """An image classification model by hub id or folder. Threads may share it."""
    from PIL import Image
    from transformers import pipeline

    with ONE_LOADS:
        pipe = pipeline("image-classification", model=name, device="cpu")

    def classify(media: Media) -> list[tuple[str, float]]:
        picture = Image.open(io.BytesIO(media.content)).convert("RGB")
        return [(each["label"], float(each["score"])) for each in pipe(picture)]

    return classify
