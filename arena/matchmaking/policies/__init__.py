"""Matchmaking policies: pure functions from what is known to a set of contestants with its probability."""
