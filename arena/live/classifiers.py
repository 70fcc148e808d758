"""The classifiers that the settings name, as moderators. Loads models: for workers of their queue only."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from arena.generation.backends.classifying import Classifier, picture_classifier, text_classifier
from arena.generation.backends.protocol import Media

from .moderation import PASSED, Moderator, Verdict


class ByClassifier:
    """Refuses what a model gives one of `labels` with at least `least`, between 0 and 1."""

    def __init__(self, name: str, classify: Classifier, kind: type, labels: Sequence[str], least: float) -> None:
        self.name = name
        self._classify, self._kind, self._least = classify, kind, least
        self._labels = {label.casefold() for label in labels}

    def check(self, subject: str | Media) -> Verdict:
        if not isinstance(subject, self._kind) or not subject:
            return PASSED
        if isinstance(subject, Media) and not subject.media_type.startswith("image/"):
            return PASSED
        for label, score in self._classify(subject):
            if label.casefold() in self._labels and score >= self._least:
                return Verdict(True, self.name, f"{label} {score:.2f}")
        return PASSED


def classifiers() -> list[Moderator]:
    labels, least = settings.MODERATION_LABELS, settings.MODERATION_PERCENT / 100
    found: list[Moderator] = []
    if name := settings.MODERATION_CLASSIFIER:
        found.append(ByClassifier(name, text_classifier(name), str, labels, least))
    if name := settings.MODERATION_PICTURES:
        found.append(ByClassifier(name, picture_classifier(name), Media, labels, least))
    return found
