"""Celery tasks of generation. Each can run twice: the candidate rows say what is left to do."""

from __future__ import annotations

import os
import sys
import threading

from celery import shared_task
from django.core.cache import cache

from arena.catalogue.models import Arena

from .actions import free_expired_leases, plan_candidates
from .models import Candidate
from .worker import WORKERS, generate_one_batch

_PUMP_SECONDS = 60  # a pump that says nothing for so long is taken for dead and replaced


@shared_task(name="arena.generation.supply")
def supply() -> None:
    """Queue what is missing in every open arena and see to it that somebody works."""
    for arena in Arena.objects.filter(is_open=True):
        plan_candidates(arena)
    start_pumps()


@shared_task(name="arena.generation.reap")
def reap() -> None:
    if free_expired_leases():
        start_pumps()


@shared_task(name="arena.generation.pump")
def pump(number: int) -> None:
    """One batch, then the next one as a new task, so that other work gets its turn in between."""
    _give_way()
    if generate_one_batch():
        cache.set(_pump_key(number), True, _PUMP_SECONDS)
        pump.delay(number)
    else:
        cache.delete(_pump_key(number))


def start_pumps() -> None:
    """Start those pumps that do not run, if there is anything to do."""
    if not Candidate.objects.claimable().exists():
        return
    for number in range(WORKERS):
        if cache.add(_pump_key(number), True, _PUMP_SECONDS):
            pump.delay(number)


def _pump_key(number: int) -> str:
    return f"generation-pump:{number}"


def _give_way() -> None:
    """Let pages come before pictures: on Linux a single thread can be made nicer than its process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
