"""A snapshot in the words and numbers of the board page."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import mark_safe

from arena.catalogue.models import Arena
from ranking.charts.figures import rank_range, rating
from ranking.charts.intervals import IntervalRow, interval_plot
from ranking.charts.theme import DARK, LIGHT
from ranking.engines.registry import engine_named
from ranking.engines.standings import ELO_OFFSET, ELO_PER_LOGIT

from .models import Snapshot


def show_board(arena: Arena, snapshot: Snapshot) -> dict[str, Any]:
    """The context of `leaderboards/_standings.html`."""
    standings = snapshot.standings["standings"]
    descriptions = dict(arena.contestants.values_list("name", "description"))
    rows = [_row(entry, arena.preliminary_below, descriptions.get(entry["item"], "")) for entry in standings]
    few = sum(row["preliminary"] for row in rows)
    plots = _plots(rows)
    return {
        "published_at": snapshot.published_at,
        "engine_label": engine_named(snapshot.engine).title,
        "ballots": snapshot.ballots,
        "voters": snapshot.voters,
        "all_bad_rate_text": percent(snapshot.all_bad / snapshot.ballots) if snapshot.ballots else "",
        "preliminary": few > 0,
        "all_preliminary": few == len(rows),
        "preliminary_text": f"{few} of {len(rows)} contestants have fewer than {arena.preliminary_below} ballots.",
        "snapshot_id": str(snapshot.public_id),
        "warnings": snapshot.standings["warnings"],
        "rows": rows,
    } | plots


def elo(log_strength: float) -> float:
    return ELO_OFFSET + ELO_PER_LOGIT * log_strength


def percent(share: float) -> str:
    if 0 < share <= 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def _row(entry: dict[str, Any], preliminary_below: int, description: str) -> dict[str, Any]:
    mean, low, high = (elo(entry[key]) for key in ("mean", "low", "high"))
    ranks = (entry["rank_low"], entry["rank_high"])
    return {
        "rank": entry["rank"],
        "rank_low": ranks[0],
        "rank_high": ranks[1],
        "rank_text": rank_range(*ranks),
        "name": entry["item"],
        "description": description,
        "mean": mean,
        "low": low,
        "high": high,
        "rating_text": rating(mean, low, high),
        "low_text": f"{low:.0f}",
        "high_text": f"{high:.0f}",
        "p_best_text": percent(entry["p_best"]),
        "ballots": entry["ballots"],
        "preliminary": entry["ballots"] < preliminary_below,
        "tie_group": entry.get("tie_group", 0),
    }


def _plots(rows: list[dict[str, Any]]) -> dict[str, Any]:
    marks = [
        IntervalRow(
            name=row["name"],
            mean=row["mean"],
            low=row["low"],
            high=row["high"],
            rank=row["rank"],
            rank_low=row["rank_low"],
            rank_high=row["rank_high"],
            preliminary=row["preliminary"],
        )
        for row in rows
    ]
    light = interval_plot(marks, theme=LIGHT, level=0.95, id_prefix="light")
    dark = interval_plot(marks, theme=DARK, level=0.95, id_prefix="dark")
    return {
        "plot_svg": mark_safe(light.svg),  # noqa: S308  (our own drawing, its text escaped by an XML writer)
        "plot_svg_dark": mark_safe(dark.svg),  # noqa: S308
        "plot_alt": light.alt,
    }
