from __future__ import annotations

import uuid

from django.db import models


class Leaderboard(models.Model):
    """What is fitted on an arena's ballots, and the last published state of it."""

    arena = models.ForeignKey("arena.Arena", on_delete=models.PROTECT, related_name="leaderboards")
    category = models.CharField(max_length=120, blank=True, help_text="Empty for all prompts.")
    engine = models.CharField(max_length=40, default="plackett-luce")
    parameters = models.JSONField(default=dict, blank=True)  # keyword arguments of the engine's fit
    latest = models.ForeignKey(
        "ranking.Snapshot", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    # The posterior behind `latest`, for matchmaking and the reveal: float64 means, then the covariance row by row.
    posterior = models.BinaryField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["arena", "category"], name="leaderboard_once_per_slice")]

    def __str__(self) -> str:
        return f"{self.arena} {self.category}".strip()


class GoalStanding(models.Model):
    """How far a board is from its arena's goal, measured on one snapshot."""

    leaderboard = models.OneToOneField(Leaderboard, on_delete=models.CASCADE, related_name="goal_standing")
    snapshot = models.ForeignKey("ranking.Snapshot", on_delete=models.CASCADE, related_name="+")
    goal = models.CharField(max_length=120, help_text="In words, as the board shows it.")
    value = models.FloatField(help_text="A probability, or the width of the widest interval in points.")
    target = models.FloatField(help_text="What it has to reach, in the same unit.")
    reached = models.BooleanField()
    # Ballots left: median and central 80 % interval; empty where the forecast ends before the goal.
    median = models.PositiveIntegerField(null=True)
    low = models.PositiveIntegerField(null=True)
    high = models.PositiveIntegerField(null=True)
    obstacle = models.CharField(
        max_length=120, blank=True, default="", help_text="What keeps the goal from being reached; mostly nothing."
    )
    measured_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.leaderboard}: {self.goal}"


class Snapshot(models.Model):
    """An immutable published state of a leaderboard, with what is needed to compute it again."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    leaderboard = models.ForeignKey(Leaderboard, on_delete=models.PROTECT, related_name="snapshots")
    engine = models.CharField(max_length=40)
    parameters = models.JSONField()  # as the engine reports them, learned values included
    watermark = models.BigIntegerField(help_text="The number of the last ballot taken into account.")
    ballots = models.PositiveIntegerField()
    voters = models.PositiveIntegerField()
    all_bad = models.PositiveIntegerField(default=0)
    # The object that `manage.py leaderboard --json` prints; its schema is in docs/reference/standings.md.
    standings = models.JSONField()
    checksum = models.CharField(max_length=64, help_text="SHA-256 of the standings as canonical JSON.")
    code_version = models.CharField(max_length=40)
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = "id"
        indexes = [models.Index(fields=["leaderboard", "-id"], name="snapshot_history")]

    def __str__(self) -> str:
        return f"{self.leaderboard} at {self.watermark}"
