from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from arena.ballots.importing import import_ballots
from arena.management.loading import all_or_nothing


class Command(BaseCommand):
    help = "Load ballots from a JSONL file, all or nothing; creates the arena and its contestants as needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("file", metavar="FILE.jsonl", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check everything, load nothing")

    def handle(self, *args: Any, arena: str, file: Path, dry_run: bool, **options: Any) -> None:
        with all_or_nothing(self, file):
            report = import_ballots(arena_slug=arena, path=file, dry_run=dry_run)
        for oddity in report.oddities:
            self.stderr.write(f"note: {oddity}")
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{report.read} ballots read, {report.added} {would}added to {arena}, {report.known} were there already."
        )
