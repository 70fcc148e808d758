"""The painters' palettes: lightness, chroma and hue in OKLCH, chosen by eye."""

from __future__ import annotations

from dataclasses import dataclass

Stop = tuple[float, float, float]  # lightness 0..1, chroma 0..0.37, degrees from the picture's key hue
Fixed = tuple[float, float, float]  # the same with an absolute hue, which no prompt changes


@dataclass(frozen=True, slots=True)
class Recipe:
    """One palette.

    `stops` go from the darkest tone to the lightest. `hue` is the studio's own key; a prompt's hue replaces it by
    the nearest of `keys` if one is near, or freely when there are none. `turn` is how far the second ramp's hue is
    from the first's, `drift` the seed's freedom, both in degrees. `accent` is used when the prompt lights nothing, or
    always when `own_accent` is set.
    """

    stops: tuple[Stop, ...]
    ink: Fixed
    paper: Fixed
    accent: Stop
    hue: float
    keys: tuple[float, ...] = ()
    turn: float = 40.0
    drift: float = 12.0
    own_accent: bool = False


RECIPES: dict[str, Recipe] = {
    "cosine": Recipe(
        stops=(
            (0.3, 0.12, 40), (0.46, 0.17, -60), (0.62, 0.17, 20), (0.74, 0.16, 100), (0.86, 0.11, 150),
        ),
        ink=(0.25, 0.05, 290), paper=(0.95, 0.02, 290), accent=(0.8, 0.16, 120), hue=290, drift=60, turn=80,
    ),
    "cut-paper": Recipe(
        stops=(
            (0.22, 0.06, 12), (0.36, 0.11, 6), (0.53, 0.14, -6), (0.69, 0.13, -20), (0.83, 0.09, -40),
            (0.93, 0.05, -60),
        ),
        ink=(0.2, 0.04, 270), paper=(0.96, 0.02, 90), accent=(0.76, 0.18, 165), hue=250,
    ),
    "cyanotype": Recipe(
        stops=((0.22, 0.1, 0), (0.34, 0.13, -2), (0.52, 0.12, -6), (0.78, 0.06, -14), (0.96, 0.015, -100)),
        ink=(0.96, 0.015, 100), paper=(0.95, 0.022, 95), accent=(0.97, 0.02, -160), hue=258, keys=(258,),
        drift=5, turn=8, own_accent=True,
    ),
    "earth": Recipe(
        stops=(
            (0.33, 0.06, -12), (0.5, 0.1, -4), (0.64, 0.11, 6), (0.77, 0.09, 18), (0.88, 0.06, 30),
            (0.95, 0.03, 36),
        ),
        ink=(0.27, 0.04, 45), paper=(0.95, 0.03, 88), accent=(0.58, 0.19, -25), hue=55,
        keys=(40, 62, 95, 135, 195, 240), drift=8, turn=45,
    ),
    "gilded": Recipe(
        stops=((0.15, 0.04, -8), (0.24, 0.08, 0), (0.33, 0.12, 8), (0.45, 0.14, 20), (0.58, 0.13, 36)),
        ink=(0.84, 0.12, 86), paper=(0.17, 0.03, 280), accent=(0.86, 0.13, 0), hue=275, turn=55,
    ),
    "glaze": Recipe(
        stops=((0.33, 0.14, 4), (0.48, 0.15, 0), (0.7, 0.09, -10), (0.91, 0.025, -20), (0.97, 0.01, -30)),
        ink=(0.3, 0.12, 262), paper=(0.96, 0.012, 230), accent=(0.79, 0.15, 190), hue=260,
        keys=(260, 232, 165), drift=5, turn=20,
    ),
    "jewel": Recipe(
        stops=(
            (0.25, 0.12, 36), (0.39, 0.18, 18), (0.54, 0.19, -8), (0.69, 0.17, -36), (0.83, 0.14, -66),
            (0.93, 0.08, -92),
        ),
        ink=(0.13, 0.02, 280), paper=(0.95, 0.03, 95), accent=(0.86, 0.17, 150), hue=280, turn=60,
    ),
    "modern": Recipe(
        stops=((0.21, 0.02, 0), (0.44, 0.17, 0), (0.64, 0.2, -226), (0.84, 0.16, -170), (0.95, 0.02, -165)),
        ink=(0.19, 0.01, 280), paper=(0.955, 0.018, 95), accent=(0.62, 0.22, -228), hue=258,
        keys=(258, 225), drift=4, turn=14,
    ),
    "neon": Recipe(
        stops=(
            (0.1, 0.05, 0), (0.18, 0.1, 4), (0.34, 0.19, 18), (0.56, 0.25, 48), (0.78, 0.19, 88),
            (0.95, 0.09, 120),
        ),
        ink=(0.93, 0.1, 110), paper=(0.12, 0.04, 285), accent=(0.88, 0.17, 160), hue=285, turn=55,
    ),
    "pastel": Recipe(
        stops=((0.36, 0.12, 24), (0.58, 0.14, 8), (0.76, 0.11, -18), (0.88, 0.07, -50), (0.96, 0.03, -80)),
        ink=(0.3, 0.09, 285), paper=(0.97, 0.015, 80), accent=(0.74, 0.16, 160), hue=300, turn=95,
    ),
    "riso": Recipe(
        stops=((0.3, 0.1, 20), (0.5, 0.17, 0), (0.7, 0.15, -40), (0.86, 0.1, -80), (0.95, 0.03, -120)),
        ink=(0.3, 0.08, 270), paper=(0.955, 0.02, 92), accent=(0.7, 0.21, 130), hue=255,
        keys=(258, 28, 162, 300, 55, 355, 205), drift=0, turn=105,
    ),
    "satin": Recipe(
        stops=(
            (0.18, 0.08, 30), (0.34, 0.15, 18), (0.53, 0.18, 0), (0.72, 0.15, -24), (0.87, 0.1, -50),
            (0.97, 0.04, -72),
        ),
        ink=(0.2, 0.06, 300), paper=(0.96, 0.02, 60), accent=(0.92, 0.1, -110), hue=320, turn=50,
    ),
    "sumi": Recipe(
        stops=((0.18, 0.012, 0), (0.4, 0.02, 0), (0.64, 0.02, -10), (0.85, 0.02, -120), (0.95, 0.02, -160)),
        ink=(0.2, 0.018, 265), paper=(0.955, 0.02, 92), accent=(0.55, 0.21, 30), hue=0, keys=(0,), drift=0,
        own_accent=True,
    ),
    "woodcut": Recipe(
        stops=((0.2, 0.02, 0), (0.5, 0.1, 0), (0.74, 0.11, 0), (0.93, 0.035, 20)),
        ink=(0.19, 0.015, 60), paper=(0.945, 0.03, 86), accent=(0.6, 0.19, 0), hue=65,
        keys=(65, 35, 150, 200, 250, 300), drift=6, turn=16,
    ),
}  # fmt: skip
