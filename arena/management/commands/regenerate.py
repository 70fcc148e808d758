from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arena.catalogue.models import Arena
from arena.generation.reproduction import reproduce, sample
from arena.generation.worker import station_for


class Command(BaseCommand):
    help = (
        "Make a sample of an arena's outputs once more, each in the batch it was made in, and say whether the same "
        "bytes come out. Nothing is stored. Exit status 1 if one differs, 2 if none could be tried."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("--check", action="store_true", required=True, help="compare, and store nothing")
        parser.add_argument("--sample", type=int, default=10, metavar="N", help="how many outputs (10)")
        parser.add_argument("--seed", type=int, default=0, help="which ones: equal seeds draw the same")
        parser.add_argument("--contestant", default="", metavar="NAME", help="of this contestant alone")

    def handle(
        self, *args: Any, arena: str, check: bool, sample: int, seed: int, contestant: str, **options: Any
    ) -> None:
        found = Arena.objects.filter(slug=arena).first()
        if found is None:
            raise CommandError(f"there is no arena called {arena!r}", returncode=2)
        if sample < 1:
            raise CommandError(f"--sample {sample}: at least one output has to be drawn", returncode=2)
        if contestant and not found.contestants.filter(name=contestant).exists():
            raise CommandError(f"{found.name} has no contestant called {contestant!r}", returncode=2)
        self._check(found, sample, seed, contestant)

    def _check(self, arena: Arena, size: int, seed: int, contestant: str) -> None:
        same = different = untried = 0
        for made in reproduce(sample(arena, size=size, seed=seed, contestant=contestant), station_for()):
            candidate = made.candidate
            verdict = "not tried" if not made.tried else "the same bytes" if made.same else "DIFFERENT"
            remark = f" ({made.remark})" if made.remark else ""
            self.stdout.write(f"{candidate.revision} on {candidate.prompt.external_id}: {verdict}{remark}")
            untried += not made.tried
            same += made.tried and made.same
            different += made.tried and not made.same
        self.stdout.write(f"{same} the same, {different} different, {untried} not tried")
        if different:
            raise CommandError(f"{different} of {same + different} outputs did not come out as they were stored.")
        if not same:
            raise CommandError("no output could be tried: there are none, or none that can be made again", returncode=2)
