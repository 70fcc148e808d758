"""Curves of tau as an SVG drawing: no library, light and dark, readable without colour by labels at the ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from ranking.engines.laboratory.findings import LEVELS, Finding

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 52
ROW = 18  # of the legend
COLOURS = ("#2563a8", "#b4531a", "#2f7d4f", "#7a4aa0", "#a3324a", "#5f6b12", "#0f7a83", "#6b5b4b")
DASHES = ("", "7 4", "2 3", "9 3 2 3")
STYLE = """
    svg { font: 12px system-ui, sans-serif; background: #fff; color: #1c1c1c; }
    text { fill: currentColor; } .axis, .grid { stroke: currentColor; fill: none; } .grid { opacity: .15; }
    .level { stroke: currentColor; opacity: .5; stroke-dasharray: 3 3; } .band { opacity: .13; }
    .curve { fill: none; stroke-width: 1.8; }
    @media (prefers-color-scheme: dark) {
        svg { background: #16181c; color: #e8e8e8; } .curve { filter: brightness(1.6); }
    }
"""


@dataclass(frozen=True)
class Frame:
    """Where ballots (logarithmic) and tau (from `low` to 1) lie on the page."""

    most: int
    low: float

    def x(self, ballots: float) -> float:
        span = math.log(max(self.most, 2))
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(max(ballots, 1)) / span

    def y(self, tau: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - max(tau, self.low)) / (1 - self.low)


def drawing(names: Sequence[str], findings: Sequence[Finding], title: str) -> str:
    """One curve (mean over seeds) with its quartiles for each finding."""
    frame = Frame(max(int(each.marks[-1]) for each in findings), 0.0)
    height = HEIGHT + ROW * len(names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_summary(names, findings))}</desc>',
        f"<style>{STYLE}</style>",
        f'<text x="{LEFT}" y="22" font-weight="600">{escape(title)}</text>',
        *_axes(frame),
    ]
    for number, (name, finding) in enumerate(zip(names, findings, strict=True)):
        parts += _curve(frame, number, finding)
        parts += _legend(number, name, finding)
    return "\n".join([*parts, "</svg>", ""])


def _axes(frame: Frame) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    found = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for tenth in range(0, 11, 2):
        tau = tenth / 10
        y = frame.y(tau)
        found.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        found.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tau:.1f}</text>')
    for level in LEVELS:
        y = frame.y(level)
        found.append(f'<path class="level" d="M{LEFT} {y:.1f}H{right}"/>')
        found.append(f'<text x="{LEFT + 4}" y="{y - 4:.1f}">{level:g}</text>')
    for tick in _ticks(frame.most):
        x = frame.x(tick)
        found.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        found.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:,}</text>')
    found.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{bottom + 36}" text-anchor="middle">ballots</text>')
    found.append(f'<text x="{LEFT - 8}" y="{TOP - 14}" text-anchor="end">tau</text>')
    return found


def _ticks(most: int) -> list[int]:
    """1, 2, 5, 10 ... up to `most`; the powers of ten alone where that would be many."""
    powers = [10**power for power in range(int(math.log10(most)) + 1)]
    steps = (1, 2, 5) if len(powers) <= 4 else (1,)
    return [step * power for power in powers for step in steps if step * power <= most]


def _curve(frame: Frame, number: int, finding: Finding) -> list[str]:
    xs = [frame.x(mark) for mark in finding.marks.tolist()]

    def points(name: str) -> list[str]:
        return [f"{x:.1f},{frame.y(tau):.1f}" for x, tau in zip(xs, finding.tau[name].tolist(), strict=True)]

    colour = COLOURS[number % len(COLOURS)]
    band = " ".join([*points("low"), *reversed(points("high"))])
    return [
        f'<polygon class="band" fill="{colour}" points="{band}"/>',
        f'<polyline class="curve" stroke="{colour}"{_dash(number)} points="{" ".join(points("mean"))}"/>',
    ]


def _legend(number: int, name: str, finding: Finding) -> list[str]:
    y, colour = HEIGHT + ROW * number, COLOURS[number % len(COLOURS)]
    reached = finding.until["tau_0.9"].mean_curve
    said = "does not stay at 0.9" if reached is None else f"stays at 0.9 from {reached:,}"
    return [
        f'<path class="curve" stroke="{colour}"{_dash(number)} d="M{LEFT} {y - 4}h28"/>',
        f'<text x="{LEFT + 36}" y="{y}">{escape(name)}: {said}</text>',
    ]


def _dash(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _summary(names: Sequence[str], findings: Sequence[Finding]) -> str:
    ends = (f"{name} {finding.tau['mean'][-1]:.3f}" for name, finding in zip(names, findings, strict=True))
    return "Mean Kendall's tau with the truth by the number of ballots, with quartiles. At the end: " + ", ".join(ends)
