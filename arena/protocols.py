from django.db import models


class Protocol(models.TextChoices):
    """How a ballot was asked. Ballots of different protocols are never pooled silently."""

    PAIR = "pair", "pair"
    GRADED_PAIR = "graded-pair", "graded pair"
    BEST = "best-of-k", "best of K"
    BEST_WORST = "best-worst", "best and worst of K"
    K_RANK = "k-rank", "rank of K"
    PICK_MANY = "pick-many", "pick the good ones"
    RATING = "rating", "rating"
