"""The benchmark of how old beliefs get, in a small arena for a moment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.running import REPOSITORY


@pytest.mark.django_db(transaction=True)
def test_measures_the_age_at_each_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import freshness

    monkeypatch.setattr(freshness, "PROMPTS", 3)
    monkeypatch.setattr(freshness, "BALLOTS", 60)
    monkeypatch.setattr(freshness, "WARM_UP", 0.0)
    monkeypatch.setattr(settings, "MATCHMAKING_SECONDS", 1.0)
    arena = freshness.filled(6)
    freshness.leave_open(arena, 2)
    age = freshness.measured(arena, visitors=1, seconds=1.0, in_flight=2)

    assert (age.visitors, age.contestants, age.in_flight) == (1, 6, 2)
    assert age.choices > 0
    assert 0 < age.median <= age.p99 <= age.longest
    assert arena.battles.filter(state="voted").count() > 0


def test_is_run_as_its_first_lines_say() -> None:
    """No variable has to name the settings."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.freshness", "--help"],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--visitors" in done.stdout
