"""Celery tasks of generation. Each can run twice: the candidate rows say what is left to do."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import partial

from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from arena.catalogue.models import Arena
from arena.events import announce_text

from .actions import free_expired_leases, plan_candidates
from .queries import next_work
from .worker import Station, every, station_for

_PUMP_SECONDS = 60  # a pump that says nothing for so long is taken for dead and replaced

# The stations of this thread: what a worker has loaded stays loaded from one batch to the next.
_mine = threading.local()


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
    """One batch on this worker's device, then the next one as a new task, so that other work gets its turn."""
    _give_way()
    station = _station("local")
    if number > 0 and settings.EMBEDDED and station.device.startswith("cuda"):
        return  # two workers of one process would each load every contestant into the one GPU
    _turn(_pump_key(number), station, lambda: pump.delay(number))


@shared_task(name="arena.generation.pump_remote")
def pump_remote(number: int) -> None:
    """The same for contestants that answer elsewhere. It waits most of the time, so it has a queue of its own."""
    again = partial(pump_remote.delay, number)
    _turn(_pump_key(number, remote=True), _station("remote"), again, only_awaited=_is_lane(number, remote=True))


def start_pumps() -> None:
    """Start those pumps that do not run, if there is anything to do for them."""
    for remote, task, count in (
        (False, pump, settings.GENERATION_WORKERS),
        (True, pump_remote, settings.GENERATION_REMOTE_WORKERS),
    ):
        if next_work(remote=remote) is None:
            continue
        for number in range(count):
            if _is_lane(number, remote=remote) and next_work(remote=remote, only_awaited=True) is None:
                continue
            if cache.add(_pump_key(number, remote=remote), True, _PUMP_SECONDS):
                task.delay(number)


def _turn(key: str, station: Station, again: Callable[[], object], *, only_awaited: bool = False) -> None:
    def sign() -> bool:
        cache.set(key, True, _PUMP_SECONDS)
        return True

    sign()
    with every(_PUMP_SECONDS / 4, sign):  # loading or one batch may take an hour; a second pump would be one too many
        made = station.work(only_awaited=only_awaited)
    if made:
        sign()
        again()
    else:
        cache.delete(key)
        # Somebody may have queued work who saw this pump still running.
        if next_work(remote=station.remote, only_awaited=only_awaited) is not None:
            start_pumps()


def _station(kind: str) -> Station:
    station: Station | None = getattr(_mine, kind, None)
    if station is None:
        station = station_for(remote=kind == "remote", listen=announce_text)
        setattr(_mine, kind, station)
    return station


def _pump_key(number: int, *, remote: bool = False) -> str:
    return f"generation-pump:{'remote' if remote else 'local'}:{number}"


def _is_lane(number: int, *, remote: bool) -> bool:
    """Whether a pump is kept free for people who wait: one of those that ask servers, of which each may be silent."""
    return remote and number == 0 and settings.GENERATION_REMOTE_WORKERS > 1


def _give_way() -> None:
    """Let pages come before pictures: on Linux a single thread can be made nicer than its process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
