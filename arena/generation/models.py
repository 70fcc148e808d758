from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from arena.catalogue.models import ContestantRevision, ContestantState

WAITING = -1000  # the priority of work that a person waits for; that of backfill is 0 or more


class CandidateState(models.TextChoices):
    HELD = "held", "held until its prompt is checked"
    QUEUED = "queued", "queued"
    CLAIMED = "claimed", "being generated"
    READY = "ready", "ready"
    FAILED = "failed", "failed"
    WITHDRAWN = "withdrawn", "withdrawn"


def is_wanted() -> models.Q:
    """Of a candidate: whether people wait for it, or battles to come can use it.

    They cannot if its contestant is paused, retired, or has a newer revision, or if its prompt was taken out.
    """
    newer = ContestantRevision.objects.filter(
        contestant=models.OuterRef("revision__contestant"), number__gt=models.OuterRef("revision__number")
    )
    return models.Q(priority__lt=0) | models.Q(
        ~models.Exists(newer), prompt__is_active=True, revision__contestant__state=ContestantState.ACTIVE
    )


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def ready(self) -> CandidateQuerySet:
        return self.filter(state=CandidateState.READY)

    def claimable(self) -> CandidateQuerySet:
        """Work that may be begun now, most urgent first. Served by the index candidate_queue."""
        due = models.Q(not_before=None) | models.Q(not_before__lte=timezone.now())
        return self.filter(due, is_wanted(), state=CandidateState.QUEUED).order_by("priority", "id")

    def expired(self) -> CandidateQuerySet:
        return self.filter(state=CandidateState.CLAIMED, lease_until__lt=timezone.now())

    def of_arena(self, arena_id: int) -> CandidateQuerySet:
        return self.filter(prompt__arena_id=arena_id)


class Candidate(models.Model):
    """One contestant's output for one prompt. The queued rows are the generation queue."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    revision = models.ForeignKey("arena.ContestantRevision", on_delete=models.PROTECT, related_name="candidates")
    prompt = models.ForeignKey("arena.Prompt", on_delete=models.PROTECT, related_name="candidates")
    number = models.PositiveSmallIntegerField(default=0, help_text="Counts the candidates of one revision and prompt.")
    seed = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=CandidateState, default=CandidateState.QUEUED)
    priority = models.IntegerField(default=0, help_text="Lower is sooner.")

    # The lease: who works on it and until when. A result under another lease is refused.
    lease = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="After a failure that may pass: the next try.")
    # The batch it was made in and its place there: the arithmetic of a batch depends on its shape, so that the same
    # bytes come out of the same batch.
    job = models.UUIDField(null=True, blank=True, editable=False)
    job_place = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)

    # The output.
    text = models.TextField(blank=True)
    media = models.FileField(max_length=200, blank=True)
    media_type = models.CharField(max_length=60, blank=True)
    media_bytes = models.PositiveIntegerField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True, help_text="How long a video or sound plays.")
    thumbnail = models.FileField(max_length=200, blank=True, help_text="A small WebP picture; a sound has none.")
    sha256 = models.CharField(max_length=64, blank=True)

    # How it was made and what it cost.
    device = models.CharField(max_length=80, blank=True)
    library_versions = models.JSONField(default=dict, blank=True)  # distribution name -> version
    latency_ms = models.FloatField(null=True, blank=True)
    gpu_seconds = models.FloatField(null=True, blank=True)
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)
    tokens = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "prompt", "number"], name="candidate_number_once"),
            models.CheckConstraint(
                condition=~models.Q(state="claimed") | models.Q(lease__isnull=False, lease_until__isnull=False),
                name="candidate_claimed_has_lease",
            ),
        ]
        indexes = [
            # claim_batch: the few queued rows among many finished ones
            models.Index(fields=["priority", "id"], condition=models.Q(state="queued"), name="candidate_queue"),
            # reap: claimed rows by the end of their lease
            models.Index(fields=["lease_until"], condition=models.Q(state="claimed"), name="candidate_leases"),
            # next_work: what a worker that has a contestant loaded can go on with
            models.Index(
                fields=["revision", "priority", "id"], condition=models.Q(state="queued"), name="candidate_queue_of"
            ),
            # regenerate: the batch that a candidate was made in
            models.Index(fields=["job"], condition=models.Q(job__isnull=False), name="candidate_job"),
            # open_battle: the ready candidates of an arena's prompts
            models.Index(fields=["prompt", "revision"], condition=models.Q(state="ready"), name="candidate_ready"),
        ]

    def __str__(self) -> str:
        return f"{self.revision} on {self.prompt_id}"


class GenerationHost(models.Model):
    """A server that contestants may be asked at. Backends reach no other."""

    host = models.CharField(
        max_length=253,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9.\-_\[\]:]+$", "A host in small letters, or host:port, without a scheme.")
        ],
        help_text="A name or address, with a port where only that one is meant: api.example.org, 10.0.0.7:8000.",
    )
    is_private = models.BooleanField(
        "may lie in a private network",
        default=False,
        help_text="Allows loopback and private addresses. Whoever can edit contestants can then send requests there.",
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host
