"""Draw the pictures of `matchmaking.md`.

    python docs/explanation/pictures-of-matchmaking/draw.py                    # from curves.json and equations
    python docs/explanation/pictures-of-matchmaking/draw.py --curves SAVED...  # takes curves.json from a benchmark

SAVED is what `python -m benchmarks.convergence --save SAVED` keeps: curves of tau over 30 seeds with fixed numbers.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "pictures-of-ratings"), str(FOLDER.parents[2])]

from canvas import Axis, Canvas  # noqa: E402

from ranking.charts.theme import DARK, LIGHT, Theme  # noqa: E402

CURVES = FOLDER / "curves.json"
MOST_BYTES = 100_000
Z = 1.6448536269514722  # the normal quantile of 95 %
EASY = {
    "realistic, s = 1.5, K = 8, whole order, alone": ("of eight, chosen", "8 3", 2.5),
    "realistic, s = 1.5, K = 4, whole order, alone": ("of four, chosen", "", 2.5),
    "realistic, s = 1.5, K = 4, random sets": ("of four, at random", "7 4", 1.5),
    "realistic, s = 1.5, ksort": ("of four, K-Sort", "2 4", 1.5),
    "realistic, s = 1.5, elo": ("of two, best Elo", "1 3", 1.5),
}
CLOSE = {name.replace("1.5", "0.5"): look for name, look in EASY.items()}


def race(theme: Theme, looks: dict[str, tuple[str, str, float]], title: str, most: int) -> Canvas:
    """Tau by the number of ballots, as a mean over seeds."""
    canvas = Canvas(640, 380, theme, title)
    curves = json.loads(CURVES.read_text("utf-8"))
    across, down = Axis(10, most, 56, 616, by_tens=True), Axis(0, 1, 330, 34)
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        canvas.line([(56, down(tick)), (616, down(tick))], theme.grid)
        canvas.text(46, down(tick), f"{tick:g}", theme.muted, "end")
    canvas.line([(56, down(0.9)), (616, down(0.9))], theme.reference, 1, "3 3")
    canvas.text(60, down(0.9) - 9, "0.9", theme.muted)
    for power in range(1, int(math.log10(most)) + 1):
        canvas.text(across(10**power), 346, f"{10**power:,}", theme.muted, "middle")
    canvas.text(46, 14, "tau", theme.muted, "end")
    canvas.text(616, 366, "ballots", theme.muted, "end")
    for number, (name, (words, dash, thickness)) in enumerate(looks.items()):
        curve, colour, y = curves[name], theme.accent if "chosen" in words else theme.ink, 226 + 20 * number
        points = [(x, tau) for x, tau in zip(curve["ballots"], curve["mean"], strict=True) if x >= 10]
        canvas.line([(across(x), down(tau)) for x, tau in points], colour, thickness, dash)
        canvas.line([(440, y), (470, y)], colour, thickness, dash)
        canvas.text(478, y, words, colour)
    return canvas


def easy(theme: Theme) -> Canvas:
    return race(theme, EASY, "Agreement with the truth by ballots, fifty contestants far apart", 20_000)


def close(theme: Theme) -> Canvas:
    return race(theme, CLOSE, "Agreement with the truth by ballots, fifty contestants close together", 30_000)


def needed(theme: Theme) -> Canvas:
    """Pairs until the order of two contestants is known at 95 %, by how far apart they are: z^2 / (p (1 - p) d^2)."""
    canvas = Canvas(640, 320, theme, "Ballots needed to tell two contestants apart, by the difference of their ratings")
    across, down = Axis(5, 400, 76, 600, by_tens=True), Axis(1, 100_000, 262, 34, by_tens=True)
    for power in range(6):
        canvas.line([(76, down(10**power)), (600, down(10**power))], theme.grid)
        canvas.text(66, down(10**power), f"{10**power:,}", theme.muted, "end")
    for tick in (5, 10, 20, 50, 100, 200, 400):
        canvas.text(across(tick), 280, str(tick), theme.muted, "middle")
    canvas.text(76, 14, "pairs", theme.muted)
    canvas.text(600, 304, "points of rating between the two", theme.muted, "end")
    gaps = [5 * 80 ** (step / 60) for step in range(61)]
    canvas.line([(across(gap), down(pairs_needed(gap))) for gap in gaps], theme.ink, 2)
    for gap in (5, 20, 100, 400):
        canvas.dot(across(gap), down(pairs_needed(gap)), theme.ink, 3.5)
        anchor = "end" if gap == 400 else "start"
        canvas.text(across(gap) + (0 if gap == 400 else 9), down(pairs_needed(gap)) - 11,
                    f"{_rounded(pairs_needed(gap)):,}", theme.ink, anchor, weight=600)  # fmt: skip
    return canvas


def pairs_needed(points: float) -> float:
    """So many that the estimated difference is `Z` standard deviations; `points` of the Elo scale."""
    gap = points * math.log(10) / 400
    chance = 1 / (1 + math.exp(-gap))
    return Z**2 / (chance * (1 - chance) * gap**2)


def _rounded(value: float) -> int:
    """To two digits."""
    return int(round(value, 1 - math.floor(math.log10(value))))


def take_curves(files: list[Path]) -> None:
    """Keep what the pictures need of what a benchmark saved."""
    lines = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()[1:]]
    curves = {line["case"]: line["curve"] for line in lines if line["case"] in {**EASY, **CLOSE}}
    missing = {*EASY, *CLOSE} - set(curves)
    if missing:
        raise SystemExit(f"not saved: {', '.join(sorted(missing))}")
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(curves[name])}" for name in (*EASY, *CLOSE))
    CURVES.write_text("{\n" + text + "\n}\n", "utf-8")


PICTURES: dict[str, Callable[[Theme], Canvas]] = {"easy": easy, "close": close, "needed": needed}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--curves", type=Path, nargs="+", metavar="SAVED", help="take curves.json from these first")
    chosen = options.parse_args()
    if chosen.curves:
        take_curves(chosen.curves)
    for name, picture in PICTURES.items():
        for theme, ending in ((LIGHT, ""), (DARK, "-dark")):
            svg = picture(theme).svg()
            if len(svg.encode()) > MOST_BYTES:
                raise SystemExit(f"{name}{ending}.svg has {len(svg.encode())} bytes")
            (FOLDER / f"{name}{ending}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
