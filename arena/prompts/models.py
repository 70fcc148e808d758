from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Split(models.TextChoices):
    OPEN = "open", "open"
    HELD_OUT = "held-out", "held out: never exported unless asked"


class Origin(models.TextChoices):
    BANK = "bank", "the arena's own prompts"
    LIVE = "live", "asked by a voter"


class Prompt(models.Model):
    """What is asked of every contestant of an arena."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    arena = models.ForeignKey("arena.Arena", on_delete=models.PROTECT, related_name="prompts")
    external_id = models.CharField(max_length=200, help_text="Its name in the file it came from; once in an arena.")
    text = models.TextField(blank=True)
    media = models.FileField(
        max_length=200, blank=True, help_text="What the prompt is about: the picture to edit, or to answer on."
    )
    media_type = models.CharField(max_length=60, blank=True)
    categories = ArrayField(
        models.CharField(max_length=120), default=list, blank=True, help_text="Paths, such as nature/sea."
    )
    language = models.CharField(max_length=20, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    split = models.CharField(max_length=10, choices=Split, default=Split.OPEN)
    is_active = models.BooleanField(default=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.BANK)
    asked_by = models.ForeignKey(
        "arena.Voter", null=True, blank=True, on_delete=models.SET_NULL, related_name="prompts", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["arena", "id"]
        constraints = [
            models.UniqueConstraint(fields=["arena", "external_id"], name="prompt_once_in_arena"),
            # What a voter asked is answered once, for that voter. Adopted into the bank, it is the arena's own.
            models.CheckConstraint(
                condition=~models.Q(origin="live") | models.Q(is_active=False), name="prompt_live_is_inactive"
            ),
        ]
        indexes = [
            # live prompts: how many a voter asked lately
            models.Index(fields=["asked_by", "created_at"], condition=models.Q(origin="live"), name="prompt_asked"),
        ]

    def __str__(self) -> str:
        return self.text[:60] or self.external_id
