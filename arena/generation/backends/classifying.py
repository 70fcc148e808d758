"""Classifiers of transformers: what moderation asks about texts and pictures. On the CPU, beside the contestants."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from typing import Any

from arena.generation.backends.local import ONE_LOADS
from arena.generation.backends.protocol import Media

Classifier = Callable[[Any], Sequence[tuple[str, float]]]  # a text or picture -> labels with scores from 0 to 1

_MOST_TOKENS = 512  # of a piece of text, also for models that take more: a few bad words are little of a long piece
_SHARED = 8  # each piece begins with this part of the one before, so that nothing is cut apart
_CHARACTERS = 500  # of a piece where a tokenizer does not say where its tokens stand


def text_classifier(name: str) -> Classifier:
    """A text classification model by hub id or folder. The score of a label is its largest over the pieces of a text.

    Scores of a model for several labels at once are of each label by itself. Threads may share it.
    """
    from transformers import pipeline

    with ONE_LOADS:
        pipe: Any = pipeline("text-classification", model=name, top_k=None, device="cpu")
    most = _window(pipe)
    one_asks = threading.Lock()  # a tokenizer that is told where to cut refuses a second thread ("Already borrowed")

    def classify(text: str) -> list[tuple[str, float]]:
        largest: dict[str, float] = {}
        with one_asks:
            pieces = _pieces(text, pipe.tokenizer, most)
            rows: Any = pipe(pieces, truncation=True, max_length=most) if pieces else []
        for row in rows:
            for each in row:
                largest[each["label"]] = max(largest.get(each["label"], 0.0), float(each["score"]))
        return sorted(largest.items(), key=lambda pair: -pair[1])

    return classify


def _window(pipe: Any) -> int:
    """How many tokens the model is given at once."""
    said = (pipe.tokenizer.model_max_length, getattr(pipe.model.config, "max_position_embeddings", None))
    limits: list[int] = [limit for limit in said if limit is not None and limit > 0]
    return min(_MOST_TOKENS, *limits)


def _pieces(text: str, tokenizer: Any, most: int) -> list[str]:
    """The text in pieces of at most `most` tokens, which together hold all of it."""
    if not tokenizer.is_fast:
        return [text[start : start + _CHARACTERS] for start in range(0, len(text), _CHARACTERS)]
    windows = tokenizer(
        text, truncation=True, max_length=most, stride=most // _SHARED, return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )["offset_mapping"]  # fmt: skip
    pieces = []
    for window in windows:
        places = [place for place in window if place[1] > place[0]]  # special tokens stand nowhere
        if places:
            pieces.append(text[places[0][0] : places[-1][1]])
    return pieces


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
