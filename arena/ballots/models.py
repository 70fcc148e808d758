from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from arena.protocols import Protocol
from arena.voters.models import VoterKind


class BallotQuerySet(models.QuerySet["Ballot"]):
    def judgements(self) -> BallotQuerySet:
        """Without the rows that only take another back."""
        return self.filter(retracts=False)

    def countable(self, watermark: int) -> BallotQuerySet:
        """The judgements that stood when ballot number `watermark` had been written.

        A ballot that a later one supersedes stands until that one's number: the set is a pure function of the
        watermark, because rows are never changed.
        """
        superseded = Ballot.objects.filter(supersedes=models.OuterRef("pk"), pk__lte=watermark)
        return self.judgements().filter(pk__lte=watermark).filter(~models.Exists(superseded))

    def in_category(self, category: str) -> BallotQuerySet:
        """Ballots with this category or one below it: `nature` takes `nature/sea` along."""
        below = RawSQL(
            "EXISTS (SELECT 1 FROM unnest(categories) AS path WHERE path = %s OR starts_with(path, %s))",
            (category, category + "/"),
            models.BooleanField(),
        )
        return self.filter(below)

    def by_humans(self) -> BallotQuerySet:
        return self.exclude(voter_kind=VoterKind.JUDGE)


class Ballot(models.Model):
    """One voter's judgement of one battle: a weak order with unknowns, or "all bad". Append-only.

    `contestants` and `ranks` are aligned: positive ranks count from the top (1 is best), negative ones from the bottom
    (-1 is last), null is in between, its order not observed. Rows are never updated or deleted (the database refuses
    both); a correction is a further row that `supersedes` this one, a retraction a further row with `retracts` set.
    The primary key is the arena's evidence watermark: see `arena.ballots.watermark`.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    arena = models.ForeignKey("arena.Arena", on_delete=models.PROTECT, related_name="ballots")
    battle = models.ForeignKey(
        "arena.Battle",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ballots",
        help_text="Unset if imported.",
    )
    prompt = models.ForeignKey("arena.Prompt", null=True, blank=True, on_delete=models.PROTECT, related_name="ballots")
    voter = models.ForeignKey("arena.Voter", null=True, on_delete=models.PROTECT, related_name="ballots")
    # Free text, as in the interchange form; the usual kinds and protocols are in VoterKind and Protocol.
    voter_kind = models.CharField(max_length=40, default=VoterKind.PUBLIC)
    protocol = models.CharField(max_length=40, default=Protocol.K_RANK)

    contestants = ArrayField(models.BigIntegerField())
    ranks = ArrayField(models.IntegerField(null=True))
    all_bad = models.BooleanField(default=False)
    strength = models.SmallIntegerField(null=True, blank=True)
    weight = models.FloatField(default=1.0)
    categories = ArrayField(models.CharField(max_length=120), default=list, blank=True)

    external_id = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now, help_text="When the judgement was made.")
    recorded_at = models.DateTimeField(auto_now_add=True, help_text="When this row was written.")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    retracts = models.BooleanField(default=False)

    objects = BallotQuerySet.as_manager()

    class Meta:
        constraints = [
            # One battle is one ballot, however often it is sent.
            models.UniqueConstraint(
                fields=["battle"], condition=Q(battle__isnull=False, supersedes=None), name="ballot_once_per_battle"
            ),
            models.UniqueConstraint(
                fields=["arena", "external_id"], condition=~Q(external_id=""), name="ballot_imported_once"
            ),
            models.CheckConstraint(
                condition=Q(contestants__len=F("ranks__len"), contestants__len__gte=2),
                name="ballot_rank_per_contestant",
            ),
            models.CheckConstraint(
                condition=RawSQL("array_position(ranks, 0) IS NULL", (), models.BooleanField()),
                name="ballot_no_rank_zero",
            ),
            models.CheckConstraint(
                condition=Q(all_bad=False)  # type: ignore[arg-type]  # the stubs know too little of expressions
                | RawSQL("array_remove(ranks, NULL) = '{}'::integer[]", (), models.BooleanField()),
                name="ballot_all_bad_ranks_nobody",
            ),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lt=float("inf")), name="ballot_weight_positive"),
            models.CheckConstraint(
                condition=Q(strength=None) | Q(strength__gte=1, strength__lte=3), name="ballot_strength_in_range"
            ),
            models.CheckConstraint(
                condition=Q(retracts=False) | Q(supersedes__isnull=False), name="ballot_retraction_of_something"
            ),
        ]
        indexes = [
            # evidence: an arena's ballots in the order written
            models.Index(fields=["arena", "id"], name="ballot_evidence"),
            # own_ballots: what one voter said, the latest first
            models.Index(fields=["voter", "-id"], name="ballot_of_voter"),
            # matchmaking: how many ballots each prompt has
            models.Index(fields=["arena", "prompt"], condition=Q(supersedes=None), name="ballot_judged"),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.public_id)


class AspectRanks(models.Model):
    """Who was best in one aspect, said on the same ballot. `ranks` is aligned with the ballot's contestants.

    It counts as long as its ballot does.
    """

    ballot = models.ForeignKey(Ballot, on_delete=models.PROTECT, related_name="aspects")
    aspect = models.CharField(max_length=60)
    ranks = ArrayField(models.IntegerField(null=True))

    class Meta:
        verbose_name_plural = "aspect ranks"
        constraints = [models.UniqueConstraint(fields=["ballot", "aspect"], name="aspect_once_on_a_ballot")]

    def __str__(self) -> str:
        return f"{self.aspect} on {self.ballot_id}"


class Remark(models.Model):
    """What a voter said about a ballot of theirs. Apart from it, since words can be erased and ballots never change."""

    ballot = models.OneToOneField(Ballot, on_delete=models.PROTECT, related_name="remark")
    confidence = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="1 a guess, 2 fairly sure, 3 sure. Unset if not said."
    )
    reasons = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=1, confidence__lte=3),
                name="remark_confidence_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"on {self.ballot_id}"
