"""The painters' palettes: lightness, chroma and hue offsets in OKLCH, chosen by eye.

A stop is (lightness 0..1, chroma 0..0.37, degrees from the picture's key hue), darkest tone first.
"""

from __future__ import annotations

from dataclasses import dataclass

Stop = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Recipe:
    """`hue` is the studio's own key, `pull` how far a prompt's hue replaces it, `drift` the seed's freedom in
    degrees, `turn` the hue shift of the second ramp."""

    stops: tuple[Stop, ...]
    ink: Stop
    paper: Stop
    accent: Stop
    hue: float
    pull: float = 0.85
    drift: float = 14.0
    turn: float = 40.0


RECIPES: dict[str, Recipe] = {
    "cosine": Recipe(
        stops=((0.32, 0.12, 40), (0.48, 0.16, -60), (0.62, 0.16, 20), (0.74, 0.15, 100), (0.86, 0.1, 150)),
        ink=(0.25, 0.05, 0),
        paper=(0.95, 0.02, 0),
        accent=(0.8, 0.16, 120),
        hue=290,
        drift=90,
        turn=70,
    ),
    "cut-paper": Recipe(
        stops=(
            (0.24, 0.06, 10),
            (0.38, 0.11, 5),
            (0.54, 0.13, -8),
            (0.7, 0.12, -25),
            (0.84, 0.08, -45),
            (0.94, 0.04, -60),
        ),
        ink=(0.2, 0.04, 10),
        paper=(0.96, 0.02, -50),
        accent=(0.74, 0.19, 165),
        hue=250,
    ),
    "cyanotype": Recipe(
        stops=((0.25, 0.1, 0), (0.36, 0.12, -3), (0.56, 0.1, -8), (0.8, 0.05, -16), (0.95, 0.02, -60)),
        ink=(0.96, 0.015, -60),
        paper=(0.95, 0.02, -150),
        accent=(0.97, 0.02, -170),
        hue=255,
        pull=0.2,
        drift=6,
        turn=8,
    ),
    "earth": Recipe(
        stops=(
            (0.24, 0.03, 10),
            (0.4, 0.08, -5),
            (0.55, 0.1, 5),
            (0.7, 0.09, 20),
            (0.83, 0.07, 30),
            (0.93, 0.03, 35),
        ),
        ink=(0.22, 0.03, 0),
        paper=(0.93, 0.03, 25),
        accent=(0.56, 0.17, -22),
        hue=55,
        pull=0.5,
        turn=55,
    ),
    "gilded": Recipe(
        stops=((0.16, 0.03, 0), (0.26, 0.07, 5), (0.36, 0.1, 12), (0.48, 0.11, 25), (0.6, 0.1, 40)),
        ink=(0.83, 0.12, 0),
        paper=(0.18, 0.03, 0),
        accent=(0.86, 0.13, 0),
        hue=270,
        turn=60,
    ),
    "glaze": Recipe(
        stops=((0.34, 0.13, 5), (0.5, 0.13, 0), (0.72, 0.08, -15), (0.9, 0.03, -30), (0.97, 0.01, -40)),
        ink=(0.3, 0.12, 5),
        paper=(0.96, 0.012, -40),
        accent=(0.78, 0.15, 190),
        hue=258,
        pull=0.7,
        turn=35,
    ),
    "jewel": Recipe(
        stops=(
            (0.26, 0.11, 40),
            (0.4, 0.17, 20),
            (0.54, 0.19, -10),
            (0.68, 0.17, -45),
            (0.82, 0.14, -80),
            (0.92, 0.08, -110),
        ),
        ink=(0.14, 0.02, 0),
        paper=(0.95, 0.03, -80),
        accent=(0.84, 0.17, 150),
        hue=280,
        turn=75,
    ),
    "modern": Recipe(
        stops=((0.22, 0.02, 0), (0.45, 0.16, 0), (0.62, 0.2, -215), (0.83, 0.16, -165), (0.93, 0.03, -165)),
        ink=(0.2, 0.01, 0),
        paper=(0.94, 0.025, -165),
        accent=(0.62, 0.22, -228),
        hue=258,
        pull=0.55,
        drift=8,
        turn=20,
    ),
    "neon": Recipe(
        stops=(
            (0.12, 0.04, 0),
            (0.22, 0.1, 5),
            (0.4, 0.2, 25),
            (0.62, 0.24, 60),
            (0.82, 0.17, 110),
            (0.96, 0.08, 140),
        ),
        ink=(0.93, 0.1, 110),
        paper=(0.13, 0.04, 0),
        accent=(0.85, 0.19, 160),
        hue=285,
        turn=60,
    ),
    "pastel": Recipe(
        stops=((0.55, 0.1, 20), (0.68, 0.1, 0), (0.79, 0.09, -25), (0.88, 0.065, -60), (0.95, 0.035, -90)),
        ink=(0.42, 0.1, 20),
        paper=(0.97, 0.015, -60),
        accent=(0.72, 0.15, 160),
        hue=300,
        turn=70,
    ),
    "riso": Recipe(
        stops=((0.3, 0.1, 20), (0.5, 0.17, 0), (0.7, 0.15, -40), (0.86, 0.1, -80), (0.95, 0.03, -120)),
        ink=(0.52, 0.19, 0),
        paper=(0.955, 0.018, -150),
        accent=(0.7, 0.21, 130),
        hue=255,
        drift=10,
        turn=60,
    ),
    "satin": Recipe(
        stops=(
            (0.2, 0.07, 35),
            (0.38, 0.14, 20),
            (0.56, 0.17, 0),
            (0.73, 0.14, -30),
            (0.87, 0.09, -60),
            (0.96, 0.04, -80),
        ),
        ink=(0.2, 0.06, 30),
        paper=(0.96, 0.02, -60),
        accent=(0.9, 0.1, -120),
        hue=320,
        turn=55,
    ),
    "sumi": Recipe(
        stops=((0.18, 0.012, 0), (0.4, 0.02, 0), (0.64, 0.02, -10), (0.85, 0.02, -120), (0.95, 0.02, -160)),
        ink=(0.17, 0.015, 0),
        paper=(0.95, 0.022, -165),
        accent=(0.56, 0.21, -228),
        hue=255,
        pull=0.25,
        turn=20,
    ),
    "woodcut": Recipe(
        stops=((0.2, 0.02, 0), (0.45, 0.08, 0), (0.68, 0.11, 0), (0.85, 0.08, 10), (0.94, 0.035, 20)),
        ink=(0.19, 0.015, 0),
        paper=(0.94, 0.03, 20),
        accent=(0.6, 0.19, 0),
        hue=65,
        turn=30,
    ),
}
