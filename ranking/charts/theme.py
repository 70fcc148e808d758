"""One palette in a light and a dark variant.

Marks are ink on the page's own ground. Light against dark holds for every kind of colour vision; shape (filled or
hollow, solid or dashed) and words carry the meanings, and the accent is left for what changed. Contrast against the
ground (WCAG 2.2): ink above 12, muted text and accent above 4.5, the reference line above 3; hairlines are meant to be
quiet.
"""

from dataclasses import dataclass

FONT = "system-ui, sans-serif"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb."""

    name: str
    ground: str  # the page behind the picture; never painted, the picture is transparent
    ink: str  # marks, names, figures
    muted: str  # axis, ranks, notes
    reference: str  # a line to compare with, as the field's average
    rule: str  # hairlines: grid and rows
    accent: str  # what changed, nothing else


LIGHT = Theme(
    name="light",
    ground="#fafaf8",
    ink="#1c1c1a",
    muted="#63635d",
    reference="#85857d",
    rule="#e4e4df",
    accent="#b3401a",
)

DARK = Theme(
    name="dark",
    ground="#151514",
    ink="#ededea",
    muted="#a3a39c",
    reference="#7b7b74",
    rule="#2d2d2a",
    accent="#ff9466",
)
