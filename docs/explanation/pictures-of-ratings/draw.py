"""Draw the pictures of `ratings.md`, and measure the numbers of its tables.

    python docs/explanation/pictures-of-ratings/draw.py            # the pictures, seconds
    python docs/explanation/pictures-of-ratings/draw.py --numbers  # also numbers.json, minutes

Everything is computed by the engines of this repository from ballots drawn with fixed seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[2])]

import simulation  # noqa: E402
from canvas import Axis, Canvas  # noqa: E402
from simulation import known  # noqa: E402

from ranking.charts.theme import DARK, LIGHT, Theme  # noqa: E402
from ranking.engines.fit import Fit  # noqa: E402
from ranking.engines.registry import engine_named  # noqa: E402
from ranking.engines.standings import ELO_OFFSET, ELO_PER_LOGIT, standings  # noqa: E402

MOST_BYTES = 100_000
SEED = 3  # of the field in the first two pictures


def narrowing(theme: Theme) -> Canvas:
    """Intervals of three of twelve contestants while four-way ballots come in."""
    canvas = Canvas(640, 340, theme, "Intervals of three contestants narrow as ballots come in")
    crowd = simulation.Crowd.of(SEED, 12, 0.7, 2000)
    counts = np.unique(np.geomspace(5, 2000, 40).astype(int)).tolist()
    fits = [engine_named("plackett-luce").fit(crowd.evidence.take(np.arange(count))) for count in counts]
    across = Axis(counts[0], counts[-1], 64, 520, by_tens=True)
    down = Axis(420, 1680, 290, 34)
    for tick in (600, 800, 1000, 1200, 1400, 1600):
        canvas.line([(64, down(tick)), (520, down(tick))], theme.grid)
        canvas.text(54, down(tick), str(tick), theme.muted, "end")
    for count in (5, 20, 100, 500, 2000):
        canvas.text(across(count), 306, f"{count:,}", theme.muted, "middle")
    canvas.text(64, 16, "rating", theme.muted)
    canvas.text(520, 326, "ballots so far", theme.muted, "end")
    order = np.argsort(-crowd.truth)
    for place in (0, 5, 11):
        item = int(order[place])
        means, halves = _track(fits, item)
        low, high = means - halves, means + halves
        x = [across(count) for count in counts]
        outline = [*zip(x, map(down, high), strict=True), *reversed(list(zip(x, map(down, low), strict=True)))]
        canvas.area([(a, float(np.clip(b, 34, 290))) for a, b in outline], theme.ink, 0.16)
        canvas.line(list(zip(x, map(down, means), strict=True)), theme.ink, 2)
        truth = down(ELO_OFFSET + ELO_PER_LOGIT * float(crowd.truth[item]))
        canvas.line([(64, truth), (520, truth)], theme.accent, 1.5, "5 4")
        canvas.text(530, down(means[-1]), f"{means[-1]:.0f} ± {halves[-1]:.0f}", theme.ink, weight=600)
    return canvas


def _track(fits: list[Fit], item: int) -> tuple[np.ndarray, np.ndarray]:
    """Ratings on the Elo scale and half the width of their 95 % intervals."""
    rows = [next(row for row in standings(fit, scale="elo") if row.item == fit.items[item]) for fit in fits]
    return np.array([row.mean for row in rows]), np.array([(known(row.high) - known(row.low)) / 2 for row in rows])


def intervals(theme: Theme) -> Canvas:
    """The same fit twice: intervals of the rating, intervals of the rank."""
    canvas = Canvas(640, 400, theme, "Intervals of ratings beside intervals of ranks, for the same ballots")
    crowd = simulation.Crowd.of(SEED, 12, 0.7, 300)
    rows = standings(engine_named("plackett-luce").fit(crowd.evidence), scale="elo")
    places = {f"c{item}": place for place, item in enumerate(np.argsort(-crowd.truth).tolist(), 1)}
    ends = min(known(row.low) for row in rows), max(known(row.high) for row in rows)
    rating, rank = Axis(*ends, 84, 340), Axis(1, 12, 390, 620)
    canvas.text(84, 18, "rating", theme.ink, weight=600)
    canvas.text(390, 18, "rank", theme.ink, weight=600)
    for tick in (700, 900, 1100, 1300):
        canvas.line([(rating(tick), 36), (rating(tick), 370)], theme.grid)
        canvas.text(rating(tick), 384, str(tick), theme.muted, "middle")
    for tick in (1, 3, 6, 9, 12):
        canvas.line([(rank(tick), 36), (rank(tick), 370)], theme.grid)
        canvas.text(rank(tick), 384, str(tick), theme.muted, "middle")
    for number, row in enumerate(rows):
        y = 52 + 27.5 * number
        canvas.text(10, y, f"Place {row.rank}", theme.muted)
        canvas.line([(rating(known(row.low)), y), (rating(known(row.high)), y)], theme.ink, 2)
        canvas.dot(rating(row.mean), y, theme.ink)
        truth = float(crowd.truth[int(row.item[1:])])
        canvas.dot(rating(ELO_OFFSET + ELO_PER_LOGIT * truth), y, theme.accent, 4, hollow=True)
        canvas.line([(rank(known(row.rank_low)) - 4, y), (rank(known(row.rank_high)) + 4, y)], theme.ink, 8)
        canvas.dot(rank(places[row.item]), y, theme.accent, 4, hollow=True)
    return canvas


def worth(theme: Theme) -> Canvas:
    """What a ballot between equals is worth, by its length and by what was asked."""
    canvas = Canvas(640, 330, theme, "Information of a ballot, in pairs, by its length and by what was asked")
    rows = simulation.worth()
    across, down = Axis(2, 8, 64, 480), Axis(0, 11, 282, 34)
    for tick in (0, 2, 4, 6, 8, 10):
        canvas.line([(64, down(tick)), (480, down(tick))], theme.grid)
        canvas.text(54, down(tick), str(tick), theme.muted, "end")
    for row in rows:
        canvas.text(across(row["size"]), 298, str(row["size"]), theme.muted, "middle")
    canvas.text(64, 16, "worth as much as so many pairs", theme.muted)
    canvas.text(480, 317, "contestants on the ballot", theme.muted, "end")
    for asked, dash in (("whole order", ""), ("best and worst", "7 4"), ("best only", "2 4")):
        points = [(across(row["size"]), down(row[asked])) for row in rows]
        canvas.line(points, theme.ink, 2, dash)
        for x, y in points:
            canvas.dot(x, y, theme.ink, 3.5)
        canvas.text(494, points[-1][1], f"{asked}, {rows[-1][asked]:.1f}", theme.ink)
    return canvas


PICTURES: dict[str, Callable[[Theme], Canvas]] = {"narrowing": narrowing, "intervals": intervals, "worth": worth}
NUMBERS: dict[str, Callable[[], object]] = {
    "worth": simulation.worth,
    "coverage": simulation.coverage,
    "priors": simulation.priors,
    "reliability": simulation.reliability,
    "online": simulation.online,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--numbers", action="store_true", help="measure the numbers of the tables too")
    chosen = options.parse_args()
    for name, picture in PICTURES.items():
        for theme, ending in ((LIGHT, ""), (DARK, "-dark")):
            svg = picture(theme).svg()
            if len(svg.encode()) > MOST_BYTES:
                raise SystemExit(f"{name}{ending}.svg has {len(svg.encode())} bytes")
            (FOLDER / f"{name}{ending}.svg").write_text(svg, "utf-8")
    if chosen.numbers:
        found = {name: measure() for name, measure in NUMBERS.items()}
        (FOLDER / "numbers.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
