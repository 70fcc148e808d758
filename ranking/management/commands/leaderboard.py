from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arena.ballots.models import Ballot
from arena.ballots.watermark import BallotsBeingWritten
from arena.catalogue.models import Arena
from ranking.engines.errors import EngineError
from ranking.engines.report import table
from ranking.leaderboards.actions import publish
from ranking.leaderboards.queries import leaderboard_of

PATIENCE_MS = 2_000  # an operator can wait longer for a writer than a board can


class Command(BaseCommand):
    help = "Print an arena's standings as they are now; publishes a snapshot if ballots were added since the last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("--category", default="", help="only prompts of this category and those below it")
        parser.add_argument("--json", action="store_true", help="one JSON object, as the engines print it")

    def handle(self, *args: Any, arena: str, category: str, **options: Any) -> None:
        found = Arena.objects.filter(slug=arena).first()
        if found is None:
            known = ", ".join(Arena.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"there is no arena called {arena!r}; known: {known}", returncode=2)
        if category and not Ballot.objects.filter(arena=found).in_category(category).exists():
            raise CommandError(f"no ballot in {arena} has the category {category!r}", returncode=2)
        try:
            snapshot = publish(leaderboard_of(found.pk, category), patience_ms=PATIENCE_MS)
        except BallotsBeingWritten:
            raise CommandError(
                f"ballots of {arena} are being written; ask again when that is done", returncode=2
            ) from None
        except EngineError as error:
            raise CommandError(f"the board of {arena} cannot be computed: {error}", returncode=2) from None
        if snapshot is None or not snapshot.standings["standings"]:
            raise CommandError(f"{arena} has no ballots that count", returncode=2)
        if options["json"]:
            self.stdout.write(json.dumps(snapshot.standings, ensure_ascii=False))
        else:
            self.stdout.write(table(snapshot.standings))
