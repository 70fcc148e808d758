"""The admin pages of the ranking app."""

from .leaderboards import admin as leaderboards

__all__ = ["leaderboards"]
