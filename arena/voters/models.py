from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class VoterKind(models.TextChoices):
    PUBLIC = "public", "anonymous visitor"
    ACCOUNT = "account", "account"
    ANNOTATOR = "annotator", "annotator"
    CROWD = "crowd", "crowd worker (imported)"
    JUDGE = "judge", "machine judge"


class VoterQuerySet(models.QuerySet["Voter"]):
    def with_ballot_count(self) -> VoterQuerySet:
        return self.annotate(ballot_count=models.Count("ballots", filter=models.Q(ballots__supersedes=None)))

    def of_account(self, user_id: int) -> Voter:
        """The voter of an account that had none a moment ago, in one query even where another tab was quicker.

        An insert that does nothing returns no row, so the conflict writes what is there already.
        """
        made = self.raw(
            "INSERT INTO arena_voter (public_id, kind, user_id, external_id, created_at) "
            "VALUES (gen_random_uuid(), %s, %s, '', now()) "
            "ON CONFLICT (user_id) DO UPDATE SET user_id = EXCLUDED.user_id RETURNING *",
            [VoterKind.ACCOUNT, user_id],
        )
        return made[0]


class Voter(models.Model):
    """Whoever casts a ballot: an anonymous session, an account, an annotator, a crowd worker, a machine judge."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # An imported ballot may name any kind; the ones of VoterKind are those that Podium itself writes.
    kind = models.CharField(max_length=40, choices=VoterKind, default=VoterKind.PUBLIC)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="voter"
    )
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The voter's name in the file that the ballots were imported from."
    )
    arena = models.ForeignKey(
        "arena.Arena",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="imported_voters",
        help_text="Set for imported voters: their names mean something in one arena only.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VoterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["arena", "kind", "external_id"],
                condition=~models.Q(external_id=""),
                name="voter_imported_once",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or f"{self.kind} {str(self.public_id)[:8]}"
