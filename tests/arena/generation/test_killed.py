"""A worker process that is killed in the middle of a batch loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from arena.generation.actions import LEASE, free_expired_leases
from arena.generation.models import Candidate, CandidateState
from arena.generation.worker import Station
from tests.arena.generation import clockwork
from tests.conftest import REPOSITORY
from tests.shell import url_of_the_test_database

PATIENCE = 60.0  # seconds; never reached by a passing test

# Stores the first output of the batch, then never ends.
WORKER = """
import sys, time
from django.conf import settings
settings.MEDIA_ROOT = sys.argv[1]
import django
django.setup()
from arena.generation.backends import registry
from tests.arena.generation import clockwork
registry.BACKENDS["clockwork"] = "tests.arena.generation.clockwork:CLOCKWORK"
def generate(wound, requests, watch):
    watch.done(0, wound._result(requests[0]))
    print("one is done", flush=True)
    time.sleep(600)
clockwork._Wound.generate = generate
clockwork.new_station().work()
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_and_doubles_nothing(queue: list[Candidate], settings: Any) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, settings.MEDIA_ROOT],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": url_of_the_test_database(),
            "SECRET_KEY": "a key for tests only",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "one is done\n"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)
    assert Candidate.objects.ready().count() == 1
    assert Candidate.objects.filter(state=CandidateState.CLAIMED).count() == 2

    station = clockwork.new_station()
    work_off(station)
    assert Candidate.objects.ready().count() == 16, "what the dead worker held is nobody else's yet"
    claimed = Candidate.objects.filter(state=CandidateState.CLAIMED)
    assert claimed.filter(lease_until__lt=timezone.now() + LEASE).count() == 2, "the dead keep no lease"
    claimed.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert free_expired_leases() == 2
    work_off(station)

    assert Candidate.objects.ready().count() == 18
    assert sorted(Candidate.objects.values_list("attempts", flat=True)) == [1] * 16 + [2] * 2
    files = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert len(files) == 36, "a picture and a thumbnail of each"


def work_off(station: Station) -> None:
    deadline = time.monotonic() + PATIENCE
    while station.work():
        assert time.monotonic() < deadline
