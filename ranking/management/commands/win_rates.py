from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from arena.ballots.watermark import BallotsBeingWritten
from arena.catalogue.models import Arena
from ranking.engines.matchmaking.policies import PolicyError
from ranking.engines.matchmaking.propensity import CLIP, ESTIMATORS
from ranking.engines.report import printable
from ranking.leaderboards.actions import publish
from ranking.leaderboards.queries import leaderboard_of
from ranking.leaderboards.win_rates import HAJEK, board_with_posterior, win_rates_of

PATIENCE_MS = 2_000  # an operator can wait longer for a writer than a board can


class Command(BaseCommand):
    help = (
        "Print an arena's win rates weighted for how its battles were chosen, beside what the board's model expects;"
        " publishes a snapshot if ballots were added since the last."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arena", metavar="ARENA", help="slug of the arena")
        parser.add_argument("--clip", type=float, default=CLIP, help="largest weight, at least 1; inf for no limit")
        parser.add_argument("--estimator", choices=ESTIMATORS, default=HAJEK, help="how weights make a rate")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    def handle(self, *args: Any, arena: str, clip: float, estimator: str, **options: Any) -> None:
        found = Arena.objects.filter(slug=arena).first()
        if found is None:
            known = ", ".join(Arena.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"there is no arena called {arena!r}; known: {known}", returncode=2)
        try:
            publish(leaderboard_of(found.pk), patience_ms=PATIENCE_MS)
            board = board_with_posterior(found.pk)
            rates = None if board is None else win_rates_of(board, estimator=estimator, clip=clip)
        except BallotsBeingWritten:
            raise CommandError(
                f"ballots of {arena} are being written; ask again when that is done", returncode=2
            ) from None
        except PolicyError as error:
            raise CommandError(str(error), returncode=2) from None
        if rates is None or not rates["ballots"] + rates["without_battle"]:
            raise CommandError(f"{arena} has no ballots that count", returncode=2)
        if not rates["ballots"]:
            raise CommandError(
                f"none of the {rates['without_battle']} ballots of {arena} has a battle, so none has a probability",
                returncode=2,
            )
        self.stdout.write(json.dumps(rates, ensure_ascii=False) if options["json"] else _table(rates))


def _table(found: dict[str, Any]) -> str:
    interval = f"{100 * found['level']:g} % interval"
    head = ("contestant", "win rate", interval, "as shown", "model", interval, "battles", "effective")
    cells = [head, *(_cells(row) for row in found["win_rates"])]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(row))
        for row in (zip(line, widths, strict=True) for line in cells)
    ]
    limit = "no limit" if found["clip"] is None else f"limit {found['clip']:g}"
    lines.append(
        f"{found['estimator']}, {found['ballots']} ballots on battles, {found['without_battle']} without one left out,"
        f" {found['clipped']} weights cut ({limit})"
    )
    return "\n".join([*lines, *(f"note: {note}" for note in found["warnings"])])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        printable(row["item"]),
        _share(row["rate"]),
        _range(row["low"], row["high"]),
        _share(row["as_shown"]),
        _share(row["model"]),
        _range(row["model_low"], row["model_high"]),
        str(row["battles"]),
        f"{row['effective']:.1f}",
    )


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
