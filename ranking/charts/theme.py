"""One palette in a light and a dark variant: the stylesheet's, because an SVG without styles carries its own colours.

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
    rule: str  # hairlines between rows
    grid: str  # hairlines at the axis' ticks, fainter than those between rows
    accent: str  # what changed, nothing else


LIGHT = Theme(
    name="light",
    ground="#fcfcfb",
    ink="#16181a",
    muted="#5a6066",
    reference="#83898f",
    rule="#d8dadc",
    grid="#eaebec",
    accent="#0a35b5",
)

DARK = Theme(
    name="dark",
    ground="#121315",
    ink="#ececea",
    muted="#a4a9ae",
    reference="#737980",
    rule="#2e3135",
    grid="#212326",
    accent="#8fb0ff",
)
