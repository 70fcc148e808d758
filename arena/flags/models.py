from __future__ import annotations

from django.conf import settings
from django.db import models


class FlagKind(models.TextChoices):
    BROKEN = "broken", "broken, empty or cut off"
    UNSAFE = "unsafe", "unsafe, offensive or illegal"
    IDENTITY = "identity", "gives away who made it"
    OTHER = "other", "something else"


class FlagState(models.TextChoices):
    OPEN = "open", "open"
    UPHELD = "upheld", "upheld: the output was taken out"
    DISMISSED = "dismissed", "dismissed"


class FlagQuerySet(models.QuerySet["Flag"]):
    def open(self) -> FlagQuerySet:
        return self.filter(state=FlagState.OPEN)


class Flag(models.Model):
    """What a voter reports about an output that they were shown. Staff upholds or dismisses it; no ballot changes."""

    slot = models.ForeignKey("arena.BattleSlot", on_delete=models.PROTECT, related_name="flags")
    voter = models.ForeignKey("arena.Voter", on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=20, choices=FlagKind)
    note = models.TextField(blank=True)
    after_ballot = models.BooleanField(default=False, help_text="Whether the voter had been told who made it.")
    state = models.CharField(max_length=10, choices=FlagState, default=FlagState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = FlagQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["slot", "voter", "kind"], name="flag_once"),
            models.CheckConstraint(
                condition=models.Q(state="open") | models.Q(settled_at__isnull=False), name="flag_settled_at_some_time"
            ),
        ]
        indexes = [
            # the admin's list of what waits
            models.Index(fields=["-id"], condition=models.Q(state="open"), name="flag_open"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.slot}"
