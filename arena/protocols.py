"""How ballots are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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


class ProtocolChoice(models.TextChoices):
    """Who decides, where an arena offers several protocols."""

    VOTER = "voter", "the voter: each may change it at any time"
    BY_LOT = "by-lot", "the lot: each voter keeps one, for comparing protocols"


ASKED = tuple(protocol for protocol in Protocol if protocol != Protocol.RATING)  # those that battles are made for
_OF_TWO = {Protocol.PAIR, Protocol.GRADED_PAIR}


def size_of_battle(protocol: str, size: int) -> int:
    """How many candidates a battle has where an arena shows `size` of them: pairs have two, best and worst three."""
    if protocol in _OF_TWO:
        return 2
    return max(size, 3) if protocol == Protocol.BEST_WORST else size


def drawn_by_lot(offered: Sequence[str], whose: str) -> str:
    """The protocol that the lot gives to somebody: always the same one, each as likely as the others."""
    number = int.from_bytes(hashlib.sha256(whose.encode()).digest()[:8], "big")
    return offered[number % len(offered)]
