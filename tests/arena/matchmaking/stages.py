"""Arenas in memory, for tests of what is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from arena.matchmaking.knowledge import Knowledge, Stock


def stock(ready: list[list[int]], **fields: Any) -> Stock:
    """Prompts 100, 101, ... and contestants 10, 11, ...; `ready` has a row of ones and zeros for each prompt."""
    table = np.array(ready, np.bool_)
    prompts, contestants = table.shape
    values = {
        "contestants": np.arange(10, 10 + contestants),
        "apart": ("",) * contestants,
        "weights": np.ones(contestants),
        "prompts": np.arange(100, 100 + prompts),
        "categories": ((),) * prompts,
        "judged": np.zeros(prompts, np.int64),
        "ready": table,
    }
    return Stock(**values | fields)


def knowledge(ready: list[list[int]], *, rounds: Any = None, **fields: Any) -> Knowledge:
    """Nothing shown so far; contestants are better the later they come, and everything is uncertain alike."""
    made = stock(ready, **fields)
    count = len(made.contestants)
    return Knowledge(
        stock=made,
        mean=np.linspace(-1, 1, count),
        covariance=np.eye(count) * 0.3,
        shown=np.zeros(count, np.int64),
        met=np.zeros((count, count), np.int64),
        newcomers=np.zeros(count, np.bool_),
        busy=np.zeros(count, np.int64),
        rounds=rounds or {},
    )
