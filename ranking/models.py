"""The models of the ranking app, each defined beside the code that uses it."""

from .leaderboards.models import Leaderboard, Snapshot

__all__ = ["Leaderboard", "Snapshot"]
