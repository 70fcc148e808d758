from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from arena.protocols import Protocol

LETTERS = "ABCDEFGH"  # a battle has at most eight slots


class BattleState(models.TextChoices):
    PREPARING = "preparing", "preparing: its outputs are being made"
    OPEN = "open", "open"
    VOTED = "voted", "voted"
    SKIPPED = "skipped", "skipped"
    EXPIRED = "expired", "expired"
    VOID = "void", "void: its outputs could not be made"


AWAITED = (BattleState.PREPARING, BattleState.OPEN)  # of these a voter has one in each arena


class BattleQuerySet(models.QuerySet["Battle"]):
    def open(self) -> BattleQuerySet:
        """A ballot is awaited, now or once the outputs are there."""
        return self.filter(state__in=AWAITED, expires_at__gt=timezone.now())

    def overdue(self) -> BattleQuerySet:
        """Left open too long and not yet marked as expired."""
        return self.filter(state__in=AWAITED, expires_at__lte=timezone.now())

    def with_slots(self) -> BattleQuerySet:
        """Slots in the order shown, with their candidates: two queries. Nothing about contestants."""
        return self.select_related("prompt").prefetch_related(
            models.Prefetch("slots", BattleSlot.objects.select_related("candidate").order_by("position"))
        )


class Battle(models.Model):
    """One prompt with two to eight candidates in a shuffled order, shown blind to one voter."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    arena = models.ForeignKey("arena.Arena", on_delete=models.PROTECT, related_name="battles")
    prompt = models.ForeignKey("arena.Prompt", on_delete=models.PROTECT, related_name="battles")
    voter = models.ForeignKey("arena.Voter", on_delete=models.PROTECT, related_name="battles")
    protocol = models.CharField(max_length=40, choices=Protocol)
    state = models.CharField(max_length=10, choices=BattleState, default=BattleState.OPEN)
    skip_reason = models.CharField("why it was skipped or is void", max_length=40, blank=True)

    # How it was chosen: without the probability of its set no unbiased win rate can be computed later.
    policy = models.CharField(max_length=40)
    policy_parameters = models.JSONField(default=dict)  # of the policy: names and numbers
    probability = models.FloatField(help_text="The probability with which this prompt and set were chosen.")
    uniform_probability = models.FloatField(help_text="What it would have been under a uniform choice at that moment.")
    probability_exact = models.BooleanField(
        default=True,
        help_text="Otherwise by Monte Carlo, see the policy's documentation, or after a contestant was replaced.",
    )
    replacements = models.PositiveSmallIntegerField(
        default=0, help_text="Contestants that could not answer a live prompt and gave way to others."
    )

    opened_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = BattleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(probability__gt=0, probability__lte=1), name="battle_probability_in_range"
            ),
            models.CheckConstraint(
                condition=models.Q(uniform_probability__gt=0, uniform_probability__lte=1),
                name="battle_uniform_probability_in_range",
            ),
            # A voter has one open battle in an arena: a reload shows it again instead of drawing another.
            models.UniqueConstraint(
                fields=["voter", "arena"],
                condition=models.Q(state__in=["preparing", "open"]),
                name="battle_one_open_per_voter",
            ),
        ]
        indexes = [
            # live prompts: battles whose outputs are being made
            models.Index(fields=["id"], condition=models.Q(state="preparing"), name="battle_preparing"),
            # open_battle: what this voter has already seen
            models.Index(fields=["voter", "arena", "prompt"], name="battle_seen_by_voter"),
            # matchmaking: the latest battles of an arena
            models.Index(fields=["arena", "-id"], name="battle_latest"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class BattleSlot(models.Model):
    """One candidate's place in a battle, with the random name under which its media is served."""

    battle = models.ForeignKey(Battle, on_delete=models.CASCADE, related_name="slots")
    position = models.PositiveSmallIntegerField()
    candidate = models.ForeignKey("arena.Candidate", on_delete=models.PROTECT, related_name="slots")
    media_token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        ordering = ["battle", "position"]
        constraints = [
            models.UniqueConstraint(fields=["battle", "position"], name="slot_position_once"),
            models.UniqueConstraint(fields=["battle", "candidate"], name="slot_candidate_once"),
        ]

    def __str__(self) -> str:
        return f"{self.letter} of {self.battle_id}"

    @property
    def letter(self) -> str:
        return LETTERS[self.position]
