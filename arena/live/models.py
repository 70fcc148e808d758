from __future__ import annotations

from django.db import models
from django.db.models import Q


class Review(models.Model):
    """What moderation said of a live prompt or of a contestant's answer to one. Append-only.

    An answer is shown once a review passes it. Of prompts only refused ones are kept, with their text.
    """

    arena = models.ForeignKey("arena.Arena", on_delete=models.PROTECT, related_name="reviews")
    voter = models.ForeignKey("arena.Voter", null=True, on_delete=models.SET_NULL, related_name="reviews")
    candidate = models.OneToOneField(
        "arena.Candidate", null=True, blank=True, on_delete=models.CASCADE, related_name="review"
    )
    prompt_text = models.TextField(blank=True)
    refused = models.BooleanField()
    moderator = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(candidate__isnull=False, prompt_text="") | Q(candidate=None, refused=True),
                name="review_of_one_thing",
            ),
        ]
        indexes = [
            # limits: how many prompts of a voter were refused lately
            models.Index(fields=["voter", "created_at"], condition=Q(candidate=None), name="review_of_prompts"),
        ]

    def __str__(self) -> str:
        return f"{'refused' if self.refused else 'passed'}: {self.prompt_text[:60] or self.candidate_id}"
