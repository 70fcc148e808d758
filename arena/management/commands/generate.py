from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arena.catalogue.models import Arena
from arena.events import announce_text
from arena.generation.actions import free_expired_leases, newest_revisions, plan_candidates, retry_failed
from arena.generation.queries import Supply, failures_of, supply_of
from arena.generation.tasks import start_pumps
from arena.generation.worker import station_for

_EVERY = 1.0  # seconds between two looks at the queue
_CAUSES = 20


class Command(BaseCommand):
    help = (
        "Queue every output that an arena lacks and follow how it is made. It can be stopped and started again at any "
        "time: what is done stays done. Workers make the outputs, or this process with --here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("--each", type=int, metavar="N", help="outputs of each contestant for each prompt, kept")
        parser.add_argument("--retry-failed", action="store_true", help="queue what failed again")
        parser.add_argument("--here", action="store_true", help="make them in this process, on its best device")
        parser.add_argument("--no-wait", action="store_true", help="queue only")

    def handle(
        self, *args: Any, arena: str, each: int | None, retry_failed: bool, here: bool, no_wait: bool, **options: Any
    ) -> None:
        found = Arena.objects.filter(slug=arena).first()
        if found is None:
            known = ", ".join(Arena.objects.values_list("slug", flat=True)[:20]) or "none"
            raise CommandError(f"there is no arena called {arena!r}; there are: {known}", returncode=2)
        if here and no_wait:
            raise CommandError("--here makes the outputs and --no-wait leaves them to workers; give one", returncode=2)
        self._plan(found, each, retry_failed)
        if not here:
            start_pumps()
        if no_wait:
            return
        try:
            self._follow(found, here)
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. What is queued stays queued; the same command goes on with it.")
            raise SystemExit(130) from None
        self._report(found)

    def _plan(self, arena: Arena, each: int | None, again: bool) -> None:
        if each is not None:
            if not 1 <= each <= 1000:
                raise CommandError(f"--each {each}: between 1 and 1000 outputs can be kept", returncode=2)
            arena.candidates_per_prompt = each
            arena.save(update_fields=["candidates_per_prompt"])
        if not newest_revisions(arena):
            raise CommandError(
                f"{arena.name} has no active contestant with a backend that makes outputs; add one in the admin.",
                returncode=2,
            )
        retried = retry_failed(arena) if again else 0
        planned = plan_candidates(arena)
        self.stdout.write(f"{planned} outputs queued" + (f", {retried} that had failed queued again" if again else ""))

    def _follow(self, arena: Arena, here: bool) -> None:
        kinds = (False, True) if here else ()
        stations = [station_for(remote=remote, arena=arena.pk, listen=announce_text) for remote in kinds]
        looked = 0.0
        while True:
            if time.monotonic() - looked >= _EVERY or not here:
                supply = supply_of(arena.pk)
                self._show(supply)
                looked = time.monotonic()
                if not supply.left:
                    break
            if here:
                if not sum(station.work() for station in stations):
                    free_expired_leases()
                    time.sleep(_EVERY)
            else:
                time.sleep(_EVERY)
        self._show(supply, last=True)

    def _show(self, supply: Supply, *, last: bool = False) -> None:
        pace = "" if supply.per_minute is None else f", {supply.per_minute:.3g} a minute"
        left = f", {supply.eta_text}" if supply.eta_text else ""
        failed = f", {supply.failed} failed" if supply.failed else ""
        line = f"{supply.ready} of {supply.total} ready ({supply.percent} %){failed}{pace}{left}"
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{line}", ending="\n" if last else "")
            self.stdout.flush()
        elif last or line != getattr(self, "_shown", ""):
            self.stdout.write(line)
        self._shown = line

    def _report(self, arena: Arena) -> None:
        causes = failures_of(arena.pk)
        for failure in causes[:_CAUSES]:
            self.stderr.write(f"{failure.count} × {failure.contestant}: {failure.cause}")
        if causes:
            total = sum(failure.count for failure in causes)
            raise CommandError(f"{total} outputs failed. Mend the causes, then: generate {arena.slug} --retry-failed")
