"""Strengths of contestants and reliability of voters, estimated together. `annotator_aware` is the engine."""
