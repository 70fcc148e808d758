from __future__ import annotations

import re
from pathlib import Path

import pytest

from ranking.charts.theme import DARK, LIGHT, Theme

STYLESHEET = Path(__file__).resolve().parents[3] / "static" / "podium.css"
TOKENS = {"ground": "ground", "ink": "ink", "muted": "soft", "reference": "edge", "rule": "rule", "accent": "accent"}


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_everything_to_be_read_stands_out(theme: Theme) -> None:
    assert contrast(theme.ink, theme.ground) > 12
    assert contrast(theme.muted, theme.ground) > 4.5
    assert contrast(theme.accent, theme.ground) > 4.5
    assert contrast(theme.reference, theme.ground) > 3
    assert 1.1 < contrast(theme.grid, theme.ground) < contrast(theme.rule, theme.ground) < 2


def test_the_palette_is_the_stylesheet_s() -> None:
    roots = re.findall(r":root\s*\{(.*?)\}", STYLESHEET.read_text(encoding="utf-8"), re.DOTALL)
    for theme, declarations in zip((LIGHT, DARK), roots, strict=False):
        declared = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", declarations))
        assert {name: declared[token] for name, token in TOKENS.items()} == {
            name: getattr(theme, name) for name in TOKENS
        }
    assert len(roots) >= 2
