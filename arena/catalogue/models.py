from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from arena.protocols import Protocol


class Modality(models.TextChoices):
    TEXT = "text", "text"
    IMAGE = "image", "image"
    IMAGE_EDIT = "image-edit", "image edit"
    VIDEO = "video", "video"
    AUDIO = "audio", "audio"
    THREE_D = "3d", "3D"


class Visibility(models.TextChoices):
    PUBLIC = "public", "public"
    UNLISTED = "unlisted", "unlisted: whoever has the link"
    PRIVATE = "private", "private: staff only"


class ArenaQuerySet(models.QuerySet["Arena"]):
    def listed(self) -> ArenaQuerySet:
        return self.filter(visibility=Visibility.PUBLIC)

    def visible_to(self, user: Any) -> ArenaQuerySet:
        """Arenas that this person may open: all but private ones, which staff alone sees."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.exclude(visibility=Visibility.PRIVATE)

    def with_counts(self) -> ArenaQuerySet:
        return self.annotate(
            contestant_count=models.Count(
                "contestants", filter=models.Q(contestants__state=ContestantState.ACTIVE), distinct=True
            ),
        )


class Arena(models.Model):
    """One contest: a modality, ballot rules, contestants, prompts, a leaderboard."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    modality = models.CharField(max_length=20, choices=Modality, default=Modality.TEXT)
    protocol = models.CharField(max_length=40, choices=Protocol, default=Protocol.K_RANK)
    battle_size = models.PositiveSmallIntegerField(
        "candidates in a battle", default=4, validators=[MinValueValidator(2), MaxValueValidator(8)]
    )
    candidates_per_prompt = models.PositiveSmallIntegerField(
        "candidates of each contestant for each prompt", default=1, validators=[MinValueValidator(1)]
    )
    preliminary_below = models.PositiveIntegerField(
        default=30, help_text="A contestant with fewer ballots is marked preliminary on the board."
    )
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    anonymous_voting = models.BooleanField(default=True)
    is_open = models.BooleanField("open for voting", default=True)
    data_licence = models.CharField(
        max_length=80, default="CC-BY-4.0", help_text="The licence under which voters give their ballots (SPDX)."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ArenaQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(battle_size__gte=2, battle_size__lte=8), name="arena_battle_of_two_to_eight"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("arena:show", args=[self.slug])


class ContestantState(models.TextChoices):
    ACTIVE = "active", "active"
    PAUSED = "paused", "paused: in no new battle"
    RETIRED = "retired", "retired: kept for its ballots"


class Contestant(models.Model):
    """A system under test. What it is at one time is a `ContestantRevision`."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    arena = models.ForeignKey(Arena, on_delete=models.PROTECT, related_name="contestants")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    organisation = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    link = models.URLField(blank=True)
    state = models.CharField(max_length=10, choices=ContestantState, default=ContestantState.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["arena", "name"], name="contestant_name_once_in_arena")]

    def __str__(self) -> str:
        return self.name


class ContestantRevision(models.Model):
    """A contestant's generator and settings, as they were from one day on.

    Never changed: a change is a new revision.
    """

    contestant = models.ForeignKey(Contestant, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    backend = models.CharField(max_length=40, help_text="A name in arena.generation.backends.registry.")
    # The schema is the backend's own settings class, which `register_revision` checks them against.
    settings = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["contestant", "number"]
        constraints = [models.UniqueConstraint(fields=["contestant", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"{self.contestant} r{self.number}"
