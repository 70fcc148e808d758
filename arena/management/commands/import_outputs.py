from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from arena.catalogue.models import Modality
from arena.generation.importing import ImportReport, import_outputs
from arena.management.loading import all_or_nothing

_NAMED = 20  # contestants that are named, the rest counted


class Command(BaseCommand):
    help = (
        "Load outputs made elsewhere from a JSONL file or a folder CONTESTANT/PROMPT.png, all or nothing; creates "
        "contestants and prompts as needed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("path", metavar="FILE.jsonl|FOLDER", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check everything, load nothing")
        parser.add_argument(
            "--create",
            type=Modality,
            choices=list(Modality),
            metavar="MODALITY",
            help=f"make the arena if there is none, closed for voting: {', '.join(Modality.values)}",
        )

    def handle(
        self, *args: Any, arena: str, path: Path, dry_run: bool, create: Modality | None, **options: Any
    ) -> None:
        with all_or_nothing(self, path):
            report = import_outputs(arena_slug=arena, path=path, create=create, dry_run=dry_run)
        for oddity in report.oddities:
            self.stderr.write(f"note: {oddity}")
        self._report(report, arena, "would be " if dry_run else "")

    def _report(self, report: ImportReport, arena: str, would: str) -> None:
        if report.arena_made:
            self.stdout.write(f"Arena {arena} {would}made, closed for voting until you open it in the admin.")
        if names := report.contestants_made:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            self.stdout.write(f"Contestants {would}made: {', '.join(names[:_NAMED])}{more}.")
        if report.prompts_made:
            self.stdout.write(f"Prompts {would}made: {report.prompts_made}.")
        if report.prompts_given_text:
            self.stdout.write(f"Prompts without text {would}given theirs: {report.prompts_given_text}.")
        self.stdout.write(
            f"{report.read} outputs read, {report.added} {would}added to {arena}, {report.known} were there already."
        )
